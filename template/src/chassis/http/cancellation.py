"""Cancelling runs: one, many, and those whose client has gone. `client.runs.cancel` and `cancel_many` of the SDK."""

from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, select

from chassis.container import Container
from chassis.db.engine import single_statement
from chassis.http.access import can
from chassis.http.boundary import Boundary, DataClass
from chassis.http.dependencies import CallerDependency, FeedDependency, container_of, transaction
from chassis.http.followed import WhenLeft
from chassis.identity.roles import RUNS_WRITE
from chassis.jobs.cancel import cancel
from chassis.jobs.tables import ACTIVE, JobStatus
from chassis.jobs.transient import TRANSIENT
from chassis.ports.errors import NotFoundError, UnsupportedError
from chassis.ports.identity import Principal
from chassis.runs.feed import follow
from chassis.runs.tables import Run

router = APIRouter(tags=["runs"])
log = structlog.get_logger()

BATCH = 100
STATUSES: dict[str, tuple[JobStatus, ...]] = {"pending": ("pending",), "running": ("running",), "all": ACTIVE}

Action = Annotated[
    Literal["interrupt", "rollback"], Query(description="interrupt keeps what finished steps have done; the only one")
]
Wait = Annotated[bool, Query(description="1 answers when the run has ended")]


class RunsCancel(Boundary):
    """Which of your runs to cancel: those named of one thread, or all with a status."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "pending"}]})

    thread_id: UUID | None = None
    run_ids: list[UUID] | None = Field(None, min_length=1, max_length=1000)
    status: Literal["pending", "running", "all"] | None = None

    @model_validator(mode="after")
    def something_is_meant(self) -> Self:
        """Nobody cancels everything by leaving everything out."""
        if self.status is None and (self.thread_id is None or self.run_ids is None):
            message = "name the runs by thread_id and run_ids, or all with a status"
            raise ValueError(message)
        return self


def require_action(action: str) -> None:
    """Raise `UnsupportedError` for what would have to take back finished steps."""
    if action != "interrupt":
        message = f"This server does not support action={action}; use action=interrupt."
        raise UnsupportedError(message)


def own(caller: Principal) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions that keep a caller to its own runs."""
    return Run.tenant_id == caller.tenant_id, Run.owner_id == caller.subject


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", status_code=202, dependencies=[can(RUNS_WRITE)])
async def cancel_run(
    thread_id: UUID,
    run_id: UUID,
    request: Request,
    caller: CallerDependency,
    feed: FeedDependency,
    wait: Wait = False,
    action: Action = "interrupt",
) -> Response:
    """Cancel a run; one that has ended stays as it is. 202 when it was asked for, 204 with `wait` when it has ended."""
    require_action(action)
    async with transaction(request) as session:
        mine = select(Run).where(Run.run_id == run_id, Run.thread_id == thread_id, *own(caller)).with_for_update()
        run = await session.scalar(mine)
        if run is None:
            message = f"There is no run {run_id} on this thread, or you may not see it."
            raise NotFoundError(message)
        await cancel(session, container_of(request).kinds, caller, run)
    if not wait:
        return Response(status_code=202)
    async for _ in follow(feed, run_id):
        if await request.is_disconnected():
            break
    return Response(status_code=204)


@router.post("/runs/cancel", status_code=204, dependencies=[can(RUNS_WRITE)])
async def cancel_runs(
    body: RunsCancel, request: Request, caller: CallerDependency, action: Action = "interrupt"
) -> None:
    """Cancel several of your runs; those that have ended stay as they are, and an id that is not yours is a 404."""
    require_action(action)
    conditions = [*own(caller)]
    if body.thread_id is not None:
        conditions.append(Run.thread_id == body.thread_id)
    if body.run_ids is not None:
        conditions.append(Run.run_id.in_(body.run_ids))
        await _require_all(request, set(body.run_ids), conditions)
    conditions += [Run.status.in_(STATUSES[body.status or "all"]), Run.cancel_requested_at.is_(None)]
    # So many at a time, so that no transaction is long; each takes those that the ones before have left.
    due = select(Run).where(*conditions).order_by(Run.sequence).limit(BATCH).with_for_update()
    batch = BATCH
    while batch == BATCH:
        async with transaction(request) as session:
            runs = list(await session.scalars(due))
            for run in runs:
                await cancel(session, container_of(request).kinds, caller, run)
        batch = len(runs)


async def _require_all(request: Request, run_ids: set[UUID], conditions: list[ColumnElement[bool]]) -> None:
    async with single_statement(container_of(request).sessions) as session:
        found = set(await session.scalars(select(Run.run_id).where(*conditions)))
    if missing := sorted(map(str, run_ids - found)):
        message = f"There is no run {missing[0]} on this thread, or you may not see it; none was cancelled."
        raise NotFoundError(message)


def cancelling(container: Container, caller: Principal, run_id: UUID) -> WhenLeft:
    """Give what cancels the run when its client has gone."""

    async def when_left() -> None:
        try:
            async with container.sessions.begin() as session:
                run = await session.scalar(select(Run).where(Run.run_id == run_id).with_for_update())
                if run is not None:
                    await cancel(session, container.kinds, caller, run)
        except TRANSIENT as error:
            log.warning("run.left_uncancelled", run_id=str(run_id), error=type(error).__name__)

    return when_left
