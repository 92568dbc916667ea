"""kombu's transport for SQS, on one queue that somebody else made, with one client for all connections.

What is overridden, and why (kombu 5.7, transport/SQS/__init__.py):

- kombu lists all queues when a channel is opened, and creates one that it does not find. A role that has rights on one queue
  may do neither, and a service is not to make what infrastructure code makes.
- kombu makes a client for each connection, with keys from its URL; one takes 40 to 140 ms of a processor (boto3 1.44).
- kombu's reader raises on a message of foreign making whose `properties` are a number, say, and its acknowledgement on one that
  names another queue, so that SQS hands them out for ever. Here messages are deleted before they are looked at.
- kombu's acknowledgement takes most refusals to delete for done.
"""

import json
from queue import Empty
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from kombu.transport import SQS

from chassis.adapters._aws_identity import AwsClient, NoAwsIdentityError, StaticAwsKeyError

ERRORS: tuple[type[Exception], ...] = (BotoCoreError, ClientError, NoAwsIdentityError, StaticAwsKeyError)
"""What a call can raise besides errors of the operating system."""

WAIT_SECONDS = 1
"""So long a request for messages waits for the first one. A second is the least that finds every message (SQS Developer Guide,
"Setting-up long polling"), and one that comes is given at once (SQS API Reference, "ReceiveMessage", WaitTimeSeconds); so a longer
wait brings nothing sooner and only fewer requests, of which there are 86,400 a day and listener. But nothing ends a request
that waits, and a worker that is to stop would wait for it."""

BATCH = 10
"""The most that one request gives: SQS API Reference, "ReceiveMessage", MaxNumberOfMessages."""

OPTIONS = {
    "polling_interval": 0,  # kombu's own pause after each request that found nothing
    "sqs_base64_encoding": False,  # a message is JSON already
}


def sqs_transport(client: AwsClient, url: str) -> type[SQS.Transport]:
    """Give a transport for the queue with this URL.

    It is a class of its own each time, because kombu shares connections between all whose transport and address are the same.
    """

    class Channel(SQS.Channel):
        do_restore = False  # nothing is held that could be given back

        def _update_queue_cache(self, queue_name_prefix: str) -> None:
            """List nothing."""

        def _new_queue(self, queue: str, **_given: object) -> Any:
            """Create nothing: whatever its name here, it is this one."""
            return url

        def sqs(self, queue: str | None = None) -> Any:
            return client.get()

        def _get_bulk(self, queue: str, *_given: object) -> None:
            """Fetch what there is, delete it, and deliver it then."""
            sqs = client.get()
            asked = {"QueueUrl": url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": WAIT_SECONDS}
            messages = sqs.receive_message(**asked).get("Messages")
            if not messages:
                raise Empty
            entries = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]} for number, one in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)  # one that this cannot delete comes again
            for one in messages:
                self.connection._deliver(_payload(one), queue)  # noqa: SLF001 - as kombu's own channels do

        def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
            """Make room for the next; it is deleted already."""
            self.qos.ack(delivery_tag)

    class Transport(SQS.Transport):
        connection_errors = (*SQS.Transport.connection_errors, *ERRORS)
        channel_errors = (*SQS.Transport.channel_errors, *ERRORS)

        def establish_connection(self) -> Any:
            """Ask something, so that to connect says whether the queue is there and may be used."""
            client.get().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            connecting: Any = super()
            return connecting.establish_connection()

    Transport.Channel = Channel
    return Transport


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    """Give what kombu makes a message of: for one that this service did not send it has no header."""
    try:
        headers = {"task": json.loads(message["Body"])["headers"]["task"]}
    except (ValueError, TypeError, LookupError, RecursionError):
        headers = {}
    return {"headers": headers, "body": message["Body"], "properties": {"delivery_tag": message["ReceiptHandle"]}}
