"""Stores of the secret backend AWS Secrets Manager, one for each identity that EKS gives to a workload."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from tests.support.aws.front import Front
from tests.support.aws.server import REGION, administrator, empty_moto
from tests.support.aws.workload import nobody, pod, service_account

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
    nobody(directory, monkeypatch)
    front = Front(empty_moto())
    with front.listening():
        store = SecretsManager(front)
        try:
            yield store
        finally:
            store.admin.close()


@contextmanager
def pod_identity(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    with _store(directory, monkeypatch) as store:
        pod(store.front, directory, monkeypatch)
        yield store


@contextmanager
def irsa(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    with _store(directory, monkeypatch) as store:
        service_account(store.front, directory, monkeypatch)
        yield store


STORES = {"pod_identity": pod_identity, "irsa": irsa}
