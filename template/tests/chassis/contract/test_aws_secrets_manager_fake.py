"""How faithful the AWS of the tests is."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.support.aws.server import REGION
from tests.support.secret_backend.aws_secrets_manager import PREFIX, SecretsManager


def answer_of(store: SecretsManager, name: str, key: str | None = None) -> tuple[int, str, str]:
    """Give status, code and message of a read by the workload, or with another key."""
    store.front.issued.append("ASIAPROBE")
    session = boto3.Session(key or "ASIAPROBE", "secret", "token", region_name=REGION)
    client = session.client("secretsmanager", endpoint_url=store.front.url)
    try:
        with pytest.raises(ClientError) as caught:
            client.get_secret_value(SecretId=PREFIX + name)
    finally:
        client.close()
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_the_fake_answers_as_aws_is_documented_and_recorded(secret_store: Any) -> None:
    """Statuses and codes: Secrets Manager API Reference, "GetSecretValue", Errors, and "Common Errors".

    Records of answers: a secret that does not exist and one marked for deletion, external-secrets issue 4560; a missing
    right, awscdk-resources-mongodbatlas issue 207; an unknown key, spring-cloud-aws issue 492. An expired token is in the
    "Common Errors" of all AWS services (AWS Management Console, Getting Started Guide).
    """
    store: SecretsManager = secret_store
    store.put("probe", "a value")
    store.put("gone", "a value")
    store.delete("gone")
    assert answer_of(store, "absent")[:2] == (400, "ResourceNotFoundException")
    assert answer_of(store, "gone")[:2] == (400, "InvalidRequestException")
    invalid = "The security token included in the request is invalid."
    assert answer_of(store, "probe", "ASIAUNKNOWN") == (400, "UnrecognizedClientException", invalid)
    store.forbid("probe")
    status, code, message = answer_of(store, "probe")
    assert (status, code) == (400, "AccessDeniedException")
    assert f"not authorized to perform: secretsmanager:GetSecretValue on resource: {PREFIX}probe because" in message
    store.front.expired.add("ASIAPROBE")
    expired = "The security token included in the request is expired"
    assert answer_of(store, "probe") == (403, "ExpiredTokenException", expired)
