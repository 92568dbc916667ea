"""Pub/Sub as a workload with an identity sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.gcp.platform import federated, on_gke
from tests.support.gcp.pubsub import GrantedPubSub


@pytest.fixture(params=[on_gke, federated])
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[GrantedPubSub]:
    """As seen with each kind of identity that Google's client knows for a workload."""
    cloud = GrantedPubSub(request.param(tmp_path, monkeypatch))
    with cloud.listening():
        yield cloud


@pytest.fixture
def gke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GrantedPubSub]:
    """As a pod of GKE sees it."""
    cloud = GrantedPubSub(on_gke(tmp_path, monkeypatch))
    with cloud.listening():
        yield cloud
