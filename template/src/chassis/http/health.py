"""Whether the process lives, and whether it can serve."""

import asyncio
from typing import Annotated, ClassVar, Literal

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
router = APIRouter(prefix="/health", tags=["health"], dependencies=[public("probes carry no credentials")])


class Health(Boundary):
    """The state of the process and of what it depends on."""

    data_class: ClassVar[DataClass] = "public"

    status: Literal["ok", "unavailable"]
    checks: dict[str, Literal["ok", "unavailable"]] = Field(default_factory=dict)


@router.get("/live")
async def live() -> Health:
    """Say that the process runs; depends on nothing, so that a database outage restarts no pod."""
    return Health(status="ok")


@router.get("/ready", responses={503: {"model": Health}})
async def ready(response: Response, container: Annotated[Container, Depends(container_of)]) -> Health:
    """Say whether requests can be served now: the database answers within a second."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), container.sessions() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError, UnavailableError):
        response.status_code = 503
        return Health(status="unavailable", checks={"database": "unavailable"})
    return Health(status="ok", checks={"database": "ok"})
