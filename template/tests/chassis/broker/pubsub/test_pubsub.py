"""What is asked of Google Cloud Pub/Sub in particular: which rights are enough, and what the service never does."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import pytest
import structlog
from tests.support.gcp.pubsub import NAME, OTHER, PROJECT, GrantedPubSub, settings
from tests.support.service import until

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import open_queue

pytestmark = pytest.mark.slow

FOREIGN = [
    *(b"\x00\xff not text", b"{", b"[]", b"null", b"7", b"[" * 100_000),
    *(b'{"properties": []}', b'{"properties": {}, "headers": "task", "body": ""}'),
    *(b'{"properties": {}, "headers": {}, "body": 7}', b'{"properties": {}, "body": "e30=", "headers": {"task": 7}}'),
    b'{"properties": {"body_encoding": "base64"}, "headers": {}, "body": "%"}',
    b'{"properties": {"body_encoding": "rot13"}, "headers": {}, "body": "x"}',
]


async def test_three_permissions_are_enough_and_nothing_is_created(cloud: GrantedPubSub, container: Container) -> None:
    woken = asyncio.Event()
    async with open_queue(settings(cloud), container.adapter_context) as queue:
        await queue.check()
        await queue.publish(uuid4())
        assert await queue.depth() == 1
        async with queue.listen(woken.set):
            await asyncio.wait_for(woken.wait(), 60)
            await until(lambda: cloud.backlog(NAME) == 0)
    assert set(cloud.server.calls) == {"test", "publish", "count", "pull", "acknowledge"}


async def test_a_missing_right_is_one_sentence_and_asked_for_again(gke: GrantedPubSub, container: Container) -> None:
    gke.rights.remove("pubsub.subscriptions.consume")
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(settings(gke), container.adapter_context) as queue, queue.listen(woken.set):
            await until(lambda: len(unreachable(logs)) > 1)
            gke.rights.add("pubsub.subscriptions.consume")
            await queue.publish(uuid4())
            await asyncio.wait_for(woken.wait(), 60)
    assert [line["retry_seconds"] for line in unreachable(logs)][:2] == [1, 2], "each pause is longer"
    sentence = unreachable(logs)[0]["error"]
    assert f"no pubsub.subscriptions.consume on projects/{PROJECT}/subscriptions/{NAME}" in sentence
    assert "grant it roles/pubsub.subscriber there" in sentence
    assert "\n" not in sentence


def unreachable(logs: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"] == "queue.unreachable"]


async def test_a_publish_that_is_refused_is_unavailable(gke: GrantedPubSub, container: Container) -> None:
    """On a connection that was good: only the answer to the publish tells."""
    async with open_queue(settings(gke), container.adapter_context) as queue:
        await queue.publish(uuid4())
        gke.rights.remove("pubsub.topics.publish")
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
        with pytest.raises(UnavailableError):
            await queue.check()
    assert "grant it roles/pubsub.publisher there" in str(caught.value.__cause__)
    assert gke.backlog(NAME) == 1


async def test_what_is_not_there_is_not_created(gke: GrantedPubSub, container: Container) -> None:
    gke.rights |= {"pubsub.topics.create", "pubsub.subscriptions.create"}
    before = set(gke.store.topics), set(gke.store.subscriptions)
    async with open_queue(settings(gke, "absent"), container.adapter_context) as queue, queue.listen(lambda: None):
        for asked in (queue.publish(uuid4()), queue.check(), queue.depth()):
            with pytest.raises(UnavailableError):
                await asked
    assert (gke.store.topics, set(gke.store.subscriptions)) == before
    assert set(gke.server.calls) == {"test"}


async def test_only_the_right_to_count_is_needed_to_count(gke: GrantedPubSub, container: Container) -> None:
    gke.rights.remove("monitoring.timeSeries.list")
    async with open_queue(settings(gke), container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.depth()
        await queue.publish(uuid4())
    assert "grant it roles/monitoring.viewer on the project" in str(caught.value.__cause__)


async def test_no_count_is_not_zero(gke: GrantedPubSub, container: Container) -> None:
    """As after the subscription was made, and where the metrics have a gap."""
    async with open_queue(settings(gke), container.adapter_context) as queue:
        assert await queue.depth() == 0
        gke.server.counted = False
        with pytest.raises(UnavailableError) as caught:
            await queue.depth()
    assert "has no count" in str(caught.value.__cause__)


async def test_a_listener_ends_at_once_and_takes_nothing_along(gke: GrantedPubSub, container: Container) -> None:
    woken = asyncio.Event()
    async with open_queue(settings(gke), container.adapter_context) as queue:
        async with queue.listen(lambda: None):
            await until(lambda: "pull" in gke.server.calls)
            began = time.monotonic()
        assert time.monotonic() - began < 10
        await queue.publish(uuid4())
        assert gke.backlog(NAME) == 1
        async with queue.listen(woken.set):
            await asyncio.wait_for(woken.wait(), 5)  # well below the deadline of a message that was given away


async def test_two_queues_of_a_process_share_nothing(gke: GrantedPubSub, container: Container) -> None:
    woken, other_woken = asyncio.Event(), asyncio.Event()
    async with open_queue(settings(gke), container.adapter_context) as queue, queue.listen(woken.set):
        other_queue = open_queue(settings(gke, OTHER), container.adapter_context)
        async with other_queue as other, other.listen(other_woken.set):
            await other.publish(uuid4())
            await asyncio.wait_for(other_woken.wait(), 60)
        assert not woken.is_set()
        await queue.publish(uuid4())
        await asyncio.wait_for(woken.wait(), 60)


async def test_whatever_is_not_ours_is_put_aside(gke: GrantedPubSub, container: Container) -> None:
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(settings(gke), container.adapter_context) as queue, queue.listen(woken.set):
            for data in FOREIGN:
                gke.put(NAME, data)
            await until(lambda: gke.backlog(NAME) == 0)
            await until(
                lambda: len([line for line in logs if line["event"] == "queue.foreign_message"]) == len(FOREIGN)
            )
            assert not woken.is_set()
            await queue.publish(uuid4())
            await asyncio.wait_for(woken.wait(), 60)
    assert {line["event"] for line in logs} == {"queue.foreign_message"}, "the listener did not begin anew"
