"""How faithful the SQS of the tests is: moto for the messages, and before it what a role sees."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.support.aws.sqs_front import SqsFront
from tests.support.queue.sqs import Broker

pytestmark = pytest.mark.slow


@pytest.fixture
def front(broker: Broker) -> Iterator[SqsFront]:
    front = SqsFront(broker.endpoint)
    with front.listening():
        yield front


def answer_of(
    front: SqsFront, broker: Broker, operation: str, key: str = "ASIAPROBE", **given: Any
) -> tuple[int, str, str]:
    """Give status, code and message of what the workload is answered, or somebody with another key."""
    front.issued.append("ASIAPROBE")
    client: Any = boto3.Session(key, "secret", "token", region_name=broker.region).client("sqs", endpoint_url=front.url)
    try:
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)(**{"QueueUrl": broker.url, **given})
    finally:
        client.close()
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_a_role_is_refused_in_the_words_of_aws(broker: Broker, front: SqsFront) -> None:
    """Records of answers: a missing right, keystone.guru issue 3901; an unknown key, kombu issue 1615; an expired token, franz issue 63.

    Their statuses: SQS API Reference, "Common Errors" (403 for an unknown key), franz issue 63 (403). For a missing right it says
    400 and the records say 403 (aws-sdk-php issue 188), so nothing here may depend on it.
    """
    invalid = "The security token included in the request is invalid."
    assert answer_of(front, broker, "receive_message", "ASIAUNKNOWN") == (403, "InvalidClientTokenId", invalid)
    front.denied.add("sqs:ReceiveMessage")
    _, code, message = answer_of(front, broker, "receive_message")
    assert code == "AccessDenied"
    assert "is not authorized to perform: sqs:receivemessage on resource: arn:aws:sqs:" in message
    assert message.endswith("because no identity-based policy allows the sqs:receivemessage action")
    front.expired.add("ASIAPROBE")
    expired = "The security token included in the request is expired"
    assert answer_of(front, broker, "receive_message") == (403, "ExpiredToken", expired)


def test_the_right_to_delete_is_one_for_many(broker: Broker, front: SqsFront) -> None:
    """SQS API Reference, "AddPermission", Actions: DeleteMessage also grants the batch version."""
    front.denied.add("sqs:DeleteMessage")
    entries = [{"Id": "0", "ReceiptHandle": "any"}]
    _, code, message = answer_of(front, broker, "delete_message_batch", Entries=entries)
    assert (code, "sqs:deletemessage action" in message) == ("AccessDenied", True)


def test_a_queue_that_is_not_there(broker: Broker, front: SqsFront) -> None:
    """Status, code and words: SQS Developer Guide, "Interpreting Amazon SQS JSON API responses"; moto adds "for this wsdl version"."""
    status, code, message = answer_of(front, broker, "get_queue_attributes", QueueUrl=f"{broker.url}-absent")
    assert (status, code) == (400, "AWS.SimpleQueueService.NonExistentQueue")
    assert message.startswith("The specified queue does not exist")


def test_a_request_waits_for_the_first_message_and_no_longer(broker: Broker) -> None:
    """SQS API Reference, "ReceiveMessage", WaitTimeSeconds: sooner if a message is available, else no list of messages."""
    begun = time.monotonic()
    assert "Messages" not in broker.admin.receive_message(QueueUrl=broker.url, WaitTimeSeconds=1)
    assert time.monotonic() - begun > 0.9
    for _ in range(12):
        broker.put("runs", b"a message")
    begun = time.monotonic()
    found = broker.admin.receive_message(QueueUrl=broker.url, WaitTimeSeconds=20, MaxNumberOfMessages=10)["Messages"]
    assert time.monotonic() - begun < 10
    assert len(found) == 10, "never more than ten: MaxNumberOfMessages"


def test_a_message_is_hidden_until_it_is_deleted_or_its_time_is_over(broker: Broker) -> None:
    """SQS Developer Guide, "Configuring visibility timeouts in Amazon SQS"; the counts: SQS API Reference, "GetQueueAttributes"."""
    broker.admin.set_queue_attributes(QueueUrl=broker.url, Attributes={"VisibilityTimeout": "1"})
    broker.put("runs", b"a message")
    assert broker.admin.receive_message(QueueUrl=broker.url)["Messages"]
    assert (broker.count("ApproximateNumberOfMessages"), broker.unconfirmed()) == (0, 1)
    [again] = broker.admin.receive_message(QueueUrl=broker.url, WaitTimeSeconds=3)["Messages"]
    broker.admin.delete_message_batch(
        QueueUrl=broker.url, Entries=[{"Id": "0", "ReceiptHandle": again["ReceiptHandle"]}]
    )
    assert (broker.count("ApproximateNumberOfMessages"), broker.unconfirmed()) == (0, 0)


def test_where_moto_takes_what_sqs_refuses(broker: Broker) -> None:
    """SQS refuses a character that is not of its set (SQS API Reference, "SendMessage"), and that we send none is tested elsewhere."""
    broker.put("runs", b"\x00")
    assert broker.count("ApproximateNumberOfMessages") == 1
