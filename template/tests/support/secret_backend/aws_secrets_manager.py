"""Stores of the secret backend AWS Secrets Manager, one for each identity that EKS gives to a workload."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from tests.support.aws.front import AGENT_PATH, Front
from tests.support.aws.server import REGION, administrator, empty_moto

from chassis.selected import SecretSettings

PREFIX = "my-agent/"


class SecretsManager:
    """Secrets in moto, and the adapter's way to them."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.settings = SecretSettings.model_validate(
            {"region": REGION, "prefix": PREFIX, "endpoint_url": front.url}, context={"environment": "test"}
        )
        self.admin = administrator("secretsmanager")

    def put(self, name: str, value: str) -> None:
        secret = PREFIX + name
        try:
            self.admin.create_secret(Name=secret, SecretString=value)
        except ParamValidationError as error:
            raise ValueError from error  # AWS takes no empty value: CreateSecret, SecretString, minimum length 1
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise
            self.admin.put_secret_value(SecretId=secret, SecretString=value)

    def delete(self, name: str) -> None:
        self.admin.delete_secret(SecretId=PREFIX + name)  # which schedules its deletion

    def place(self, name: str) -> str:
        return f"the secret {PREFIX}{name}"

    def outage(self) -> AbstractContextManager[None]:
        return self.front.outage()

    def forbid(self, name: str) -> None:
        self.front.forbidden.add(PREFIX + name)

    def expire_login(self) -> None:
        self.front.expired.update(self.front.issued)


@contextmanager
def _store(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(directory / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "no-credentials"))
    front = Front(empty_moto())
    with front.listening():
        store = SecretsManager(front)
        try:
            yield store
        finally:
            store.admin.close()


@contextmanager
def pod_identity(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    """The variables that EKS Pod Identity puts into a pod; EKS User Guide, "Learn how EKS Pod Identity works"."""
    with _store(directory, monkeypatch) as store:
        (directory / "pod-token").write_text(store.front.pod_token)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", store.front.url + AGENT_PATH)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(directory / "pod-token"))
        yield store


@contextmanager
def irsa(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    """The variables of IAM roles for service accounts; EKS User Guide, "Configure Pods to use a … service account"."""
    with _store(directory, monkeypatch) as store:
        (directory / "web-token").write_text("the service account's token")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(directory / "web-token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/my-agent")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", store.front.url)
        yield store


STORES = {"pod_identity": pod_identity, "irsa": irsa}
