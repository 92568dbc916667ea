"""Whether the process lives, and whether it can serve; the same as on the management port, for whatever stands before it."""

from typing import ClassVar, TypeVar

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.http.access import can, public
from chassis.http.boundary import Boundary, DataClass
from chassis.http.dependencies import VitalsDependency
from chassis.identity.roles import HEALTH_READ
from chassis.management.looking import DeepState, State

router = APIRouter(prefix="/health", tags=["health"], dependencies=[public("probes carry no credentials")])


# Not `sensitive`: each access would be written to the database before it is served, so that nobody could ask while that is
# away, which is when it matters. Who is refused is audited, as everywhere.
deep_router = APIRouter(prefix="/health", tags=["health"], dependencies=[can(HEALTH_READ)])


class Health(Boundary):
    """The state of the process and of what it depends on."""

    data_class: ClassVar[DataClass] = "public"

    status: State
    checks: dict[str, State] = Field(default_factory=dict)


class DependencyHealth(Boundary):
    """How one thing is that the process depends on.

    status: unknown where nobody could tell, or nobody has looked lately.
    needed: whether nothing goes on without it.
    milliseconds: how long it took to answer, or was waited for; of the model, how long its last call took.
    age_seconds: how long ago that was, where somebody else has looked before.
    """

    data_class: ClassVar[DataClass] = "internal"

    status: DeepState
    needed: bool
    milliseconds: float | None
    age_seconds: float | None


class DeepHealth(Boundary):
    """The state of the process and of everything that it depends on."""

    data_class: ClassVar[DataClass] = "internal"

    status: State
    checks: dict[str, DependencyHealth]


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


@deep_router.get("/deep", responses={503: {"model": DeepHealth}})
async def deep(response: Response, vitals: VitalsDependency) -> DeepHealth:
    """Say how everything is that the service depends on, each waited for up to 3 s, all at once; at most 10 s old."""
    depth = await vitals.depth()
    checks = {name: DependencyHealth(**check) for name, check in depth.checks().items()}
    return _answer(response, DeepHealth(status=depth.status, checks=checks))


Answer = TypeVar("Answer", Health, DeepHealth)


def _answer(response: Response, health: Answer) -> Answer:
    if health.status != "ok":
        response.status_code = 503
    return health
