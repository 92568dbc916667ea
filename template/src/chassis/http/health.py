"""Whether the process lives, and whether it can serve; the same as on the management port, for whatever stands before it."""

from typing import ClassVar

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.http.access import public
from chassis.http.boundary import Boundary, DataClass
from chassis.http.dependencies import VitalsDependency
from chassis.management.vitals import State

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


@router.get("/startup", responses={503: {"model": Health}})
async def startup(response: Response, vitals: VitalsDependency) -> Health:
    """Say whether everything was opened that serving needs."""
    return _answer(response, Health(status="ok" if vitals.started else "unavailable"))


@router.get("/ready", responses={503: {"model": Health}})
async def ready(response: Response, vitals: VitalsDependency) -> Health:
    """Say whether requests can be served now: the database answers within a second. At most a second old."""
    readiness = await vitals.readiness()
    return _answer(response, Health(status=readiness.status, checks=dict(readiness.checks)))


def _answer(response: Response, health: Health) -> Health:
    if health.status != "ok":
        response.status_code = 503
    return health
