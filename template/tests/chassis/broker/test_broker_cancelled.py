"""Whoever is told to stop while it publishes stops, also when the broker answers at the same moment."""

import asyncio
from concurrent.futures import Executor, Future
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from kombu import Queue

from chassis.adapters._celery_queue import Broker, CeleryQueue


class Answering(Executor):
    """Answers when it is told to."""

    def submit(self, *_work: Any, **_options: Any) -> Future[Any]:
        self.answer = Future[Any]()
        return self.answer


@pytest.fixture
def threads() -> Answering:
    return Answering()


@pytest.fixture
def queue(threads: Answering) -> CeleryQueue:
    app = Celery("test", set_as_current=False)
    app.conf.update(task_default_queue="runs", task_queues=[Queue("runs")])
    return CeleryQueue(app, Broker("memory://"), threads)


async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(queue: CeleryQueue, threads: Answering) -> None:
    publishing = asyncio.create_task(queue.publish(uuid4()))
    await asyncio.sleep(0)
    threads.answer.set_result(None)
    asyncio.get_running_loop().call_soon(publishing.cancel)
    with pytest.raises(asyncio.CancelledError):
        await publishing
