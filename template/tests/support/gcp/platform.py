"""This process as a workload of Google Cloud's: where it gets its identity, and whom it trusts."""

import json
from pathlib import Path

import pytest
from tests.support.gcp.identity import Identity, identity
from tests.support.gcp.tls import tls

from chassis.dev.services import free_port


def on_gke(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """A pod of GKE with Workload Identity Federation, or a machine with a service account: the metadata server."""
    known = identity()
    known.reset()
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(tls().roots))
    for variable in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(variable, known.host)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(directory / "no-gcloud"))
    # google-auth asks iamcredentials.googleapis.com in the background in which regions a token may be used; not from here.
    for variable in ("https_proxy", "http_proxy", "grpc_proxy", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    return known


def federated(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """A workload elsewhere: a file of the type external_account, which tells where to exchange its own token."""
    known = on_gke(directory, monkeypatch)
    (directory / "token").write_text(known.subject_token)
    pool = "projects/1/locations/global/workloadIdentityPools/pool/providers/cluster"
    content = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"http://{known.host}/v1/token",
        "credential_source": {"file": str(directory / "token")},
    }
    (directory / "credentials.json").write_text(json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(directory / "credentials.json"))
    return known
