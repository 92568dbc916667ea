"""Who a process is on AWS, by what EKS puts into its environment."""

import os
from pathlib import Path

import pytest
from tests.support.aws.front import AGENT_PATH, Front


def nobody(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be nobody, whoever runs the tests."""
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(directory / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "no-credentials"))


def pod(front: Front, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the variables that EKS Pod Identity sets; EKS User Guide, "Learn how EKS Pod Identity works"."""
    (directory / "pod-token").write_text(front.pod_token)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", front.url + AGENT_PATH)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(directory / "pod-token"))


def service_account(front: Front, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the variables of IAM roles for service accounts; EKS User Guide, "Configure Pods to use a … service account"."""
    (directory / "web-token").write_text("the service account's token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(directory / "web-token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/my-agent")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", front.url)
