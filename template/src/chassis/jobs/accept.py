"""Accepting a background task, in the caller's transaction. An accepted job cannot vanish."""

from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.idempotency import Idempotency
from chassis.jobs.insert import insert
from chassis.jobs.tables import Job
from chassis.ports.errors import ChassisError
from chassis.ports.identity import Principal

TASKS = "_tasks"
"""In a session's `info`, the names of the agent's tasks; names that begin with _ are not for the audit log."""
MAX_PAYLOAD_BYTES = 100_000


class UnknownTaskError(ChassisError):
    """There is no such background task; name it in `AgentSpec.tasks`."""


class UnusablePayloadError(ChassisError):
    """What a task is given is a dictionary of JSON types, small enough to be a reference to the data, not the data."""


async def enqueue(
    session: AsyncSession,
    principal: Principal,
    task: str,
    payload: dict[str, Any],
    *,
    priority: int = 0,
    time_limit_seconds: float | None = None,
    idempotency: Idempotency | None = None,
) -> Job:
    """Have a background task done for the principal, if the caller's transaction commits.

    task: its name in `AgentSpec.tasks`.
    payload: what it is given; JSON types, without secrets, at most 100,000 bytes.
    priority: higher ones are claimed first; 0 is that of the agent's runs.
    time_limit_seconds: ended as `timeout` so long after it was first begun; None is as long as it takes.
    idempotency: the request's; when it was sent before, the job it was accepted as then is returned.
    """
    _require_known(task, session.info.get(TASKS, frozenset()))
    _require_usable(payload, time_limit_seconds)
    if idempotency is not None and (earlier := await idempotency.earlier(session, principal)) is not None:
        return await session.get_one(Job, earlier)
    job = Job(
        job_id=uuid4(),
        kind=task,
        payload=payload,
        priority=priority,
        time_limit_seconds=time_limit_seconds,
        caller=principal.to_json(),
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )
    await insert(session, principal, job)
    if idempotency is not None:
        await idempotency.remember(session, principal, job.job_id)
    return job


def _require_known(task: str, known: frozenset[str]) -> None:
    if task not in known:
        names = ", ".join(sorted(known)) or "none"
        message = f"There is no background task '{task}'; AgentSpec.tasks names {names}."
        raise UnknownTaskError(message)


def _require_usable(payload: dict[str, Any], time_limit_seconds: float | None) -> None:
    try:
        data = orjson.dumps(payload)
    except TypeError as error:
        message = f"A task's payload is a dictionary of JSON types; {error}."
        raise UnusablePayloadError(message) from error
    if not data.startswith(b"{") or len(data) > MAX_PAYLOAD_BYTES:
        message = f"A task's payload is a dictionary, as JSON at most {MAX_PAYLOAD_BYTES} bytes; store more elsewhere."
        raise UnusablePayloadError(message)
    if time_limit_seconds is not None and not time_limit_seconds > 0:
        message = "time_limit_seconds is more than 0, or None for as long as it takes."
        raise UnusablePayloadError(message)
