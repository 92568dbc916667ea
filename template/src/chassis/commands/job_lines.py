"""How the command line shows jobs: lines of at most 80 columns for people, JSON for machines."""

import datetime as dt
import json
import textwrap
from dataclasses import asdict
from typing import Any
from uuid import UUID

from chassis.jobs.depth import Depth
from chassis.jobs.find import thread_of
from chassis.jobs.tables import Job
from chassis.ports.errors import ChassisError

COLUMNS = 79
LABEL = 12


def line(job: Job, columns: int = COLUMNS) -> str:
    """Give a job's line: its id, status, kind, attempts and age."""
    age = _age(dt.datetime.now(dt.UTC) - job.created_at)
    return _cut(f"{job.job_id} {job.status:<11} {_cut(job.kind, 17):<17} {job.attempt:>3} {age:>6}".rstrip(), columns)


def describe(job: Job) -> str:
    """Give all of a job, a line a field; JSON is laid out over lines of its own."""
    lines = []
    for name, value in _fields(job, whole=True).items():
        if isinstance(value, dict):
            lines.append(name)
            lines += [
                _cut(f"  {text}", COLUMNS) for text in json.dumps(value, indent=2, ensure_ascii=False).splitlines()
            ]
        elif value is not None:
            lines.append(_cut(f"{name:<{LABEL}} {value}", COLUMNS))
    return "\n".join(lines)


def to_json(job: Job, *, whole: bool = False, outcome: str | None = None) -> str:
    """Give a job as JSON on one line; what it was given and what came of it only when it is asked for."""
    fields = _fields(job, whole)
    return json.dumps({**fields, "outcome": outcome} if outcome else fields, ensure_ascii=False)


def depth_line(depth: Depth, at_broker: int | None) -> str:
    """Say how much there is to do."""
    waited = f" (the oldest {_age(dt.timedelta(seconds=depth.oldest_seconds))})" if depth.queued else ""
    messages = "" if at_broker is None else f"; {at_broker} messages at the broker"
    return f"queued {depth.queued}{waited}, running {depth.running}, delayed {depth.delayed}{messages}"


def depth_json(depth: Depth, at_broker: int | None) -> str:
    """Give it as JSON on one line."""
    return json.dumps({**asdict(depth), "oldest_seconds": round(depth.oldest_seconds, 1), "at_broker": at_broker})


def explain(job_id: UUID, error: ChassisError, as_json: bool) -> str:
    """Say why nothing was done to a job."""
    if as_json:
        return json.dumps({"job_id": str(job_id), "outcome": "refused", "reason": error.detail})
    reason = textwrap.fill(error.detail, COLUMNS, initial_indent=" " * 9, subsequent_indent=" " * 9)
    return f"refused  {job_id}\n{reason}"


def _fields(job: Job, whole: bool) -> dict[str, Any]:
    thread_id = thread_of(job)
    fields: dict[str, Any] = {
        "job_id": str(job.job_id),
        "kind": job.kind,
        "status": job.status,
        "priority": job.priority,
        "attempt": job.attempt,
        "tenant": job.tenant_id,
        "owner": job.owner_id,
        "thread_id": str(thread_id) if thread_id else None,
        "worker": job.worker_id,
        **{
            name.removesuffix("_at"): moment.astimezone(dt.UTC).isoformat(timespec="seconds") if moment else None
            for name, moment in (
                ("created_at", job.created_at),
                ("due_at", job.due_at),
                ("started_at", job.started_at),
                ("ended_at", job.ended_at),
                ("cancel_requested_at", job.cancel_requested_at),
            )
        },
        "error": job.error,
    }
    return fields | {"payload": job.payload, "progress": job.progress, "result": job.result} if whole else fields


def _age(age: dt.timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
