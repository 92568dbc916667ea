"""What routes ask for: the container, the caller, a transaction."""

from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.container import Container
from chassis.ports.errors import UnauthenticatedError
from chassis.ports.identity import Principal


def container_of(request: Request) -> Container:
    """Give the process's container."""
    return cast("Container", request.app.state.container)


def caller_of(request: Request) -> Principal:
    """Give the principal that the route's access rule established."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise UnauthenticatedError
    return principal


async def session_of(request: Request) -> AsyncIterator[AsyncSession]:
    """Open the request's one transaction; it commits before the answer is sent, or not at all."""
    async with container_of(request).sessions.begin() as session:
        yield session


ContainerDependency = Annotated[Container, Depends(container_of)]
CallerDependency = Annotated[Principal, Depends(caller_of)]
SessionDependency = Annotated[AsyncSession, Depends(session_of, scope="function")]
