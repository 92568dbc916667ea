"""Stores of the secret backend Google Cloud Secret Manager, one for each way in which a workload gets its identity."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.support.gcp.identity import identity
from tests.support.gcp.secret_manager import SecretManager
from tests.support.gcp.tls import tls

from chassis.dev.services import free_port
from chassis.selected import SecretSettings

PROJECT = "my-project"
PREFIX = "my-agent-"


class GoogleCloud:
    """Secrets in the fake Secret Manager, and the adapter's way to them."""

    def __init__(self) -> None:
        self.identity = identity()
        self.identity.reset()
        self.manager = SecretManager(PROJECT, self.identity)
        self.settings = SecretSettings.model_validate(
            {"project": PROJECT, "prefix": PREFIX, "endpoint": self.manager.endpoint}, context={"environment": "test"}
        )

    def put(self, name: str, value: str) -> None:
        self.manager.add_version(PREFIX + name, value.encode())

    def delete(self, name: str) -> None:
        del self.manager.secrets[PREFIX + name]

    def place(self, name: str) -> str:
        return f"the secret {PREFIX}{name} in project {PROJECT}"

    def outage(self) -> AbstractContextManager[None]:
        return self.manager.outage()

    def forbid(self, name: str) -> None:
        self.manager.forbidden.add(PREFIX + name)

    def expire_login(self) -> None:
        self.identity.expired.update(self.identity.issued)


@contextmanager
def _store(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    store = GoogleCloud()
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(tls().roots))
    for variable in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(variable, store.identity.host)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(directory / "no-gcloud"))
    # google-auth asks iamcredentials.googleapis.com in the background in which regions a token may be used; not from here.
    for variable in ("https_proxy", "http_proxy", "grpc_proxy", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with store.manager.listening():
        yield store


@contextmanager
def gke(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """A pod of GKE with Workload Identity Federation, or a machine with a service account: the metadata server."""
    with _store(directory, monkeypatch) as store:
        yield store


@contextmanager
def federation(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """A workload elsewhere: a file of the type external_account, which tells where to exchange its own token."""
    with _store(directory, monkeypatch) as store:
        (directory / "token").write_text(store.identity.subject_token)
        pool = "projects/1/locations/global/workloadIdentityPools/pool/providers/cluster"
        content = {
            "type": "external_account",
            "audience": f"//iam.googleapis.com/{pool}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"http://{store.identity.host}/v1/token",
            "credential_source": {"file": str(directory / "token")},
        }
        (directory / "credentials.json").write_text(json.dumps(content))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(directory / "credentials.json"))
        yield store


STORES = {"gke": gke, "federation": federation}
