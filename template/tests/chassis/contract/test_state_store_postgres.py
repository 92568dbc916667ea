"""Agent state in Postgres: the lock that a claim's write takes."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from tests.support.checkpoints import Claims, checkpoints_on, working_under
from tests.support.state_store import StateStore

from chassis.db.engine import Sessions

pytestmark = pytest.mark.slow


async def test_a_worker_that_freezes_while_it_saves_does_not_keep_its_job(
    state_store: StateStore, claims: Claims
) -> None:
    fence = await claims.claim()
    sessions: Sessions = claims._sessions
    async with checkpoints_on(state_store) as checkpoints, sessions() as session:
        saver: Any = checkpoints.saver
        locked = text("SELECT 1 FROM run WHERE run_id = :job FOR UPDATE SKIP LOCKED")
        with working_under(fence), pytest.raises(Exception, match=r"transaction timeout|terminating|closed"):  # noqa: PT012
            async with saver._cursor(pipeline=True) as cursor:
                await cursor.execute("SELECT 1")
                async with asyncio.timeout(60):
                    while await session.scalar(locked, {"job": fence.job_id}):
                        await session.rollback()
                        await asyncio.sleep(0.02)
                    while not await session.scalar(locked, {"job": fence.job_id}):
                        await session.rollback()
                        await asyncio.sleep(0.1)
