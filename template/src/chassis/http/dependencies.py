"""What routes ask for: the container, the caller, a transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.container import Container
from chassis.jobs.changes import announce_changes
from chassis.jobs.outbox import TRACE_CONTEXT
from chassis.management.vitals import Vitals
from chassis.ports.errors import UnauthenticatedError
from chassis.ports.identity import Principal
from chassis.runs.feed import EventFeed
from chassis.telemetry.tracing import current_carrier


def container_of(request: Request) -> Container:
    """Give the process's container."""
    return cast("Container", request.app.state.container)


def feed_of(request: Request) -> EventFeed:
    """Give the process's feed of events."""
    return cast("EventFeed", request.app.state.feed)


def caller_of(request: Request) -> Principal:
    """Give the principal that the route's access rule established."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise UnauthenticatedError
    return principal


async def session_of(request: Request) -> AsyncIterator[AsyncSession]:
    """Give the request's one transaction; it commits before the answer is sent, or not at all."""
    async with transaction(request) as session:
        yield session


@asynccontextmanager
async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a transaction on a request's behalf.

    Jobs that were accepted or ended in it are announced afterwards: nobody must ever know more than the database. They belong
    to the request's trace.
    """
    container = container_of(request)
    async with container.sessions.begin() as session:
        session.info[TRACE_CONTEXT] = current_carrier()
        yield session
    await announce_changes(session, container.queue, container.live_events)


# FastAPI calls a dependency that is no coroutine in a thread: a detour of its own for each, and for nothing.
async def _container(request: Request) -> Container:
    return container_of(request)


async def _feed(request: Request) -> EventFeed:
    return feed_of(request)


async def _vitals(request: Request) -> Vitals:
    return cast("Vitals", request.app.state.vitals)


async def _caller(request: Request) -> Principal:
    return caller_of(request)


ContainerDependency = Annotated[Container, Depends(_container)]
FeedDependency = Annotated[EventFeed, Depends(_feed)]
VitalsDependency = Annotated[Vitals, Depends(_vitals)]
CallerDependency = Annotated[Principal, Depends(_caller)]
SessionDependency = Annotated[AsyncSession, Depends(session_of, scope="function")]
