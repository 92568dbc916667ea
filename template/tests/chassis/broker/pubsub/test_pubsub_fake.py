"""How faithful the stand-in for Pub/Sub is: the real client gets from it what Google documents.

"API": the comments of the API itself, which google-cloud-pubsub carries as docstrings of its types (google/pubsub_v1).
"""

import time
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PubsubMessage, Subscription
from tests.support.queue.pubsub import HURRY, SUBSCRIPTION, TOPIC, Broker

pytestmark = pytest.mark.slow

OTHER = f"{SUBSCRIPTION}-other"
ABSENT = "projects/my-project/topics/absent"


def publish(broker: Broker, *bodies: bytes) -> list[str]:
    """Publish each body as a message, all in one call, and give their ids."""
    messages = [PubsubMessage(data=body) for body in bodies]
    return list(broker.publisher().publish(topic=TOPIC, messages=messages, timeout=30).message_ids)


def pull(broker: Broker, name: str = SUBSCRIPTION, most: int = 10, seconds: float = 2) -> Any:
    """Pull once, and give what came."""
    return broker.subscriber().pull(subscription=name, max_messages=most, timeout=seconds, retry=None).received_messages


def test_a_subscription_gets_what_is_published_after_it_was_made(broker: Broker) -> None:
    """Each subscription of a topic gets each message ("What is Pub/Sub?", "Core concepts"); ids: API, `PublishResponse`."""
    publish(broker, b"before")
    broker.subscriber().create_subscription(Subscription(name=OTHER, topic=TOPIC), timeout=30)
    [published] = publish(broker, b"after")
    assert [one.message.data for one in pull(broker)] == [b"before", b"after"]
    [received] = pull(broker, OTHER)
    assert (received.message.data, received.message.message_id) == (b"after", published)


def test_subscribers_of_one_subscription_share_its_messages(broker: Broker) -> None:
    """And a pull brings no more than it asked for: API, `PullRequest.max_messages`."""
    publish(broker, b"1", b"2", b"3")
    first, second = pull(broker, most=2), pull(broker, most=2)
    assert [one.message.data for one in [*first, *second]] == [b"1", b"2", b"3"]


def test_a_pull_waits_for_a_message(broker: Broker) -> None:
    """Where `return_immediately` is not set: API, `PullRequest`."""
    began = time.monotonic()
    with pytest.raises(exceptions.DeadlineExceeded):
        pull(broker, seconds=1)
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(("seconds", "status"), [(0, None), (10, None), (600, None), (9, 400), (601, 400)])
def test_a_deadline_is_10_to_600_seconds_and_10_by_default(broker: Broker, seconds: int, status: int | None) -> None:
    """API, `Subscription.ack_deadline_seconds`."""
    asked = Subscription(name=OTHER, topic=TOPIC, ack_deadline_seconds=seconds)
    if status:
        with pytest.raises(exceptions.InvalidArgument):
            broker.subscriber().create_subscription(asked, timeout=30)
    else:
        broker.subscriber().create_subscription(asked, timeout=30)
        found = broker.subscriber().get_subscription(subscription=OTHER, timeout=30)
        assert found.ack_deadline_seconds == (seconds or 10)


def test_what_is_not_confirmed_in_time_is_given_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """API, `Subscription.ack_deadline_seconds`; and not what was confirmed."""
    broker.hurry(monkeypatch)
    publish(broker, b"confirmed", b"not confirmed")
    confirmed, other = pull(broker)
    broker.subscriber().acknowledge(subscription=SUBSCRIPTION, ack_ids=[confirmed.ack_id], timeout=30)
    began = time.monotonic()
    [again] = pull(broker, seconds=5)
    assert again.message == other.message
    assert again.ack_id != other.ack_id
    assert time.monotonic() - began > 0.5 * 10 / HURRY


def test_a_deadline_can_be_moved_and_ended(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """API, `ModifyAckDeadlineRequest.ack_deadline_seconds`; 0 makes the message available to others."""
    broker.hurry(monkeypatch)
    publish(broker, b"message")
    [given] = pull(broker)
    subscriber = broker.subscriber()
    moved = {"subscription": SUBSCRIPTION, "ack_ids": [given.ack_id]}
    subscriber.modify_ack_deadline({**moved, "ack_deadline_seconds": 60}, timeout=30)
    with pytest.raises(exceptions.DeadlineExceeded):
        pull(broker, seconds=2)
    subscriber.modify_ack_deadline({**moved, "ack_deadline_seconds": 0}, timeout=30)
    assert len(pull(broker)) == 1


def test_a_seek_confirms_what_was_published_before(broker: Broker) -> None:
    """ "Replay and purge messages with seek"; the count is that of messages nobody confirmed, fetched or not."""
    publish(broker, b"1", b"2")
    pull(broker, most=1)
    assert broker.unconfirmed() == 2
    broker.forget()
    assert broker.unconfirmed() == 0


def test_what_is_not_there_is_not_found(broker: Broker) -> None:
    """The words: ScaleSec/project_lockdown issue 57."""
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=absent\)\."):
        broker.publisher().publish(topic=ABSENT, messages=[PubsubMessage(data=b"x")], timeout=30)
    with pytest.raises(exceptions.NotFound, match=r"Resource not found"):
        pull(broker, OTHER)


def test_what_is_not_there_grants_nothing(broker: Broker) -> None:
    """Rather than being an error: API, `projects.topics.testIamPermissions`."""
    for resource, expected in ((TOPIC, ["pubsub.topics.publish"]), (ABSENT, [])):
        asked = {"resource": resource, "permissions": ["pubsub.topics.publish"]}
        assert list(broker.publisher().test_iam_permissions(asked, timeout=30).permissions) == expected


@pytest.mark.parametrize("messages", [[], [PubsubMessage()]], ids=["none", "empty"])
def test_a_publish_of_nothing_is_refused(broker: Broker, messages: list[PubsubMessage]) -> None:
    """A message has data or an attribute: API, `PubsubMessage`."""
    with pytest.raises(exceptions.InvalidArgument):
        broker.publisher().publish(topic=TOPIC, messages=messages, timeout=30)


def test_a_topic_is_made_once(broker: Broker) -> None:
    with pytest.raises(exceptions.AlreadyExists):
        broker.publisher().create_topic(name=TOPIC, timeout=30)


def test_the_subscription_of_a_laptop_never_expires(broker: Broker) -> None:
    """A policy without a time means never: API, `Subscription.expiration_policy`."""
    found = broker.subscriber().get_subscription(subscription=SUBSCRIPTION, timeout=30)
    assert "expiration_policy" in found
    assert "ttl" not in found.expiration_policy
