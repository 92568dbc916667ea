"""Building the API. This process loads neither LangGraph nor LangChain."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.telemetry import TelemetryConfig

from chassis.agent_spec import AgentSpec
from chassis.audit.started import recorded_start
from chassis.container import Container
from chassis.http import assistants, cancellation, health, jobs, run_reads, runs, threads
from chassis.http.access import public, require_access_rules
from chassis.http.boundary import require_data_classes
from chassis.http.middleware import EdgeMiddleware
from chassis.http.problem import PROBLEM_RESPONSES, install_problem_handlers
from chassis.import_strings import load_object
from chassis.management.checks import container_checks, deep_checks
from chassis.management.vitals import Vitals
from chassis.runs.feed import open_feed
from chassis.settings import Settings

Opener = Callable[[], AbstractAsyncContextManager[Container]]

# The span and the figures of each request come from FastAPI itself. Its logs would hold what was sent, and its spans for each
# step within a request cost more than they tell.
TELEMETRY: TelemetryConfig = {"logs": False, "operation_spans": False, "auto_configure": False}


def create_app(settings: Settings, agent: AgentSpec, open_container: Opener, vitals: Vitals | None = None) -> FastAPI:
    """Build the application; raise `UndeclaredAccessError` when a route says not who may call it.

    `vitals` are the process' own, where something else than the application shows them, too.
    """
    vitals = vitals or Vitals()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_container() as container,
            open_feed(container.sessions, container.live_events) as feed,
            recorded_start(container, "serve"),
        ):
            app.state.container, app.state.feed = container, feed
            vitals.begin(container_checks(container), deep_checks(container))
            yield

    app = FastAPI(
        title=settings.service.name,
        description=agent.description,
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
        telemetry=TELEMETRY,
    )
    app.state.vitals = vitals
    install_problem_handlers(app)
    app.add_middleware(EdgeMiddleware, max_body_bytes=settings.http.max_body_bytes)
    domain: APIRouter = load_object(agent.routes)
    for router in (
        health.router,
        health.deep_router,
        assistants.router,
        threads.router,
        runs.router,
        run_reads.router,
        cancellation.router,
        jobs.router,
        domain,
    ):
        app.include_router(router)
    if settings.environment != "production":
        app.include_router(_openapi_router(app))
    require_access_rules(app)
    require_data_classes(app)
    return app


def _openapi_router(app: FastAPI) -> APIRouter:
    router = APIRouter(dependencies=[public("the API's description, outside production only")], include_in_schema=False)

    @router.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @router.get("/")
    async def index() -> HTMLResponse:
        paths = sorted(app.openapi()["paths"])
        items = "".join(f"<li><code>{path}</code></li>" for path in paths)
        return HTMLResponse(
            f"<!doctype html><html lang='en'><title>{app.title}</title><h1>{app.title}</h1>"
            f"<p>The API is described in <a href='/openapi.json'>openapi.json</a>.</p><ul>{items}</ul>"
        )

    return router
