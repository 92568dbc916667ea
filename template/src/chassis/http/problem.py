"""Every error leaves as application/problem+json (RFC 9457)."""

from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from chassis.http.boundary import Boundary, DataClass
from chassis.ports.errors import ChassisError, UnavailableError

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()


class Problem(Boundary):
    """The body of every error."""

    data_class: ClassVar[DataClass] = "internal"

    type: str = Field("about:blank", description="about:blank: the status code says what kind of problem this is")
    title: str = Field(description="the kind of problem", examples=["Not found"])
    status: int = Field(description="the HTTP status code", examples=[404])
    detail: str = Field(description="what is wrong and what to do", examples=["There is no ticket TCK-9999."])
    errors: list[dict[str, str]] | None = Field(None, description="one entry a wrong field: where, and what is wrong")


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "The request cannot be served; the body says why.",
        "content": {MEDIA_TYPE: {}},
    },
    "5XX": {"model": Problem, "description": "The service failed; the body says how.", "content": {MEDIA_TYPE: {}}},
}


def problem_response(
    status: int,
    title: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Build the response."""
    body = Problem(title=title, status=status, detail=detail, errors=errors).model_dump(exclude_none=True)
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=headers)


async def _chassis_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChassisError)
    headers = {"Retry-After": "1"} if error.status == UnavailableError.status else None
    return problem_response(error.status, error.title, error.detail, headers=headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name every wrong field without repeating what was sent: it may hold personal data."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"]} for item in error.errors()]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
    return problem_response(422, "Invalid request", detail, errors)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(
        error.status_code, str(error.detail), f"{error.detail}.", headers=dict(error.headers or {}) or None
    )


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("database.unavailable", error=type(error).__name__)
    return problem_response(
        503, UnavailableError.title, "The database does not answer; try again shortly.", headers={"Retry-After": "1"}
    )


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DBAPIError)
    if error.connection_invalidated or type(error.orig).__name__ == "OperationalError":
        return await _unavailable(request, error)
    raise error  # the edge middleware answers, logs and adds the headers


def install_problem_handlers(app: FastAPI) -> None:
    """Map every error there can be."""
    app.add_exception_handler(ChassisError, _chassis_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeoutError, _unavailable)
