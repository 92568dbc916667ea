"""Whether the process lives, and whether it can serve."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chassis.container import Container
from chassis.http.access import public
from chassis.http.boundary import Boundary, DataClass
from chassis.http.dependencies import container_of
from chassis.ports.errors import UnavailableError

TIMEOUT_SECONDS = 1.0
State = Literal["ok", "unavailable"]
router = APIRouter(prefix="/health", tags=["health"], dependencies=[public("probes carry no credentials")])


class Health(Boundary):
    """The state of the process and of what it depends on."""

    data_class: ClassVar[DataClass] = "public"

    status: State
    checks: dict[str, State] = Field(default_factory=dict)


@router.get("/live")
async def live() -> Health:
    """Say that the process runs; depends on nothing, so that a database outage restarts no pod."""
    return Health(status="ok")


@router.get("/ready", responses={503: {"model": Health}})
async def ready(response: Response, container: Annotated[Container, Depends(container_of)]) -> Health:
    """Say whether requests can be served now: the database answers within a second.

    The queue is not needed for that. That it cannot be reached is said, and costs nobody a replica.
    """
    database, queue = await asyncio.gather(_answers(_ask(container)), _answers(container.queue.check()))
    if database != "ok":
        response.status_code = 503
    return Health(status=database, checks={"database": database, "queue": queue})


async def _ask(container: Container) -> None:
    async with container.sessions() as session:
        await session.execute(text("SELECT 1"))


async def _answers(asking: Coroutine[Any, Any, None]) -> State:
    try:
        await asyncio.wait_for(asking, TIMEOUT_SECONDS)
    except (SQLAlchemyError, OSError, UnavailableError):
        return "unavailable"
    return "ok"
