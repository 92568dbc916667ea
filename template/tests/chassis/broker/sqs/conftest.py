"""SQS as a pod with a role sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.aws.sqs_front import SqsFront
from tests.support.aws.sqs_pod import front_for_a_pod
from tests.support.queue.sqs import Broker

from chassis.selected import QueueSettings


@pytest.fixture
def front(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsFront]:
    """Give what stands before the broker, and checks who asks."""
    with front_for_a_pod(broker, tmp_path, monkeypatch) as front:
        yield front


@pytest.fixture
def queue_settings(broker: Broker, front: SqsFront) -> QueueSettings:
    """Settings that lead through the front to the broker's queue."""
    values = {"region": broker.region, "url": broker.url, "endpoint_url": front.url}
    return QueueSettings.model_validate(values, context={"environment": "test"})
