"""The few paths that probes and Prometheus ask for. No framework: nothing here has parameters, callers or a body."""

import asyncio
from collections.abc import Callable

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.management.looking import State
from chassis.management.vitals import Vitals

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format: "Exposition formats", prometheus.io/docs/instrumenting/exposition_formats."""


def management_app(vitals: Vitals, exposition: Callable[[], bytes]) -> ASGIApp:
    """Build the application; `exposition` gives the metrics as Prometheus reads them."""

    async def live() -> Response:
        return _answer("ok")  # depends on nothing, so that an outage of the database restarts no pod

    async def startup() -> Response:
        return _answer("ok" if vitals.started else "unavailable")

    async def ready() -> Response:
        readiness = await vitals.readiness()
        return _answer(readiness.status, checks=dict(readiness.checks))

    async def deep() -> Response:
        # Without credentials, as the whole port: it says less than the figures do, and however often it is asked, it looks once.
        depth = await vitals.depth()
        return _answer(depth.status, checks=depth.checks())

    async def metrics() -> Response:
        # In a thread: with thousands of series it takes milliseconds, which streams would wait for.
        return Response(await asyncio.to_thread(exposition), headers={"Content-Type": METRICS_TYPE})

    answers = {
        "/health/live": live,
        "/health/startup": startup,
        "/health/ready": ready,
        "/health/deep": deep,
        "/metrics": metrics,
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = answers.get(scope["path"])
        if answer is None:
            response: Response = PlainTextResponse("There is no such page.\n", 404)
        elif scope["method"] not in ("GET", "HEAD"):
            response = PlainTextResponse("This is to be read.\n", 405, {"Allow": "GET, HEAD"})
        else:
            response = await answer()
        await response(scope, receive, send)

    return app


def _answer(status: State, **more: object) -> Response:
    return JSONResponse({"status": status, **more}, 200 if status == "ok" else 503)
