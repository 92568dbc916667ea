"""What the tests of SQS do again and again."""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.support.aws.sqs_front import SqsFront
from tests.support.aws.workload import nobody, pod
from tests.support.queue.sqs import Broker

from chassis.ports.run_queue import RunQueue


@contextmanager
def front_for_a_pod(broker: Broker, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsFront]:
    """Be a pod with a role, and stand before the broker."""
    nobody(directory, monkeypatch)
    front = SqsFront(broker.endpoint)
    with front.listening():
        pod(front, directory, monkeypatch)
        yield front


def lines(logs: list[MutableMapping[str, Any]], event: str) -> list[MutableMapping[str, Any]]:
    """Give the lines of the log about this event."""
    return [line for line in logs if line["event"] == event]


async def heard(queue: RunQueue, woken: asyncio.Event) -> None:
    """Publish, and wait until that is heard."""
    woken.clear()
    await queue.publish(uuid4())
    await asyncio.wait_for(woken.wait(), 60)


def messages_of(error: BaseException | None) -> list[str]:
    """Give what an error says, and what its causes say."""
    found = []
    while error:
        found.append(str(error))
        error = error.__cause__ or error.__context__
    return found
