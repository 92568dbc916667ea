"""What was deleted is gone from the state store as well, though only workers reach it."""

import asyncio

import pytest
from sqlalchemy import select
from tests.support.service import RunningService

from chassis.jobs.tables import Job
from chassis.runs.forget import FORGET_THREAD
from chassis.wiring import open_checkpoints

pytestmark = pytest.mark.slow


async def test_a_deleted_thread_leaves_no_checkpoints(service: RunningService) -> None:
    client = service.sdk("t-forgotten")
    container = service.container
    async with open_checkpoints(container.settings, container.adapter_context, 1) as checkpoints:

        async def stored(thread_id: str) -> bool:
            return await checkpoints.saver.aget_tuple({"configurable": {"thread_id": thread_id}}) is not None

        kept, deleted = [(await client.threads.create())["thread_id"] for _ in range(2)]
        for thread_id in (kept, deleted):
            await client.runs.wait(thread_id, "agent", input={"rounds": 1})
            assert await stored(thread_id)
        await client.threads.delete(deleted)
        async with asyncio.timeout(60):
            while await stored(deleted):  # noqa: ASYNC110 - a worker deletes it
                await asyncio.sleep(0.1)
        assert await stored(kept)
    async with container.sessions() as session:
        [job] = await session.scalars(select(Job).where(Job.kind == FORGET_THREAD, Job.tenant_id == "t-forgotten"))
    assert job.payload == {"thread_id": deleted}
