"""Access rules. Every route declares one; a route without stops start-up."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from chassis.http.dependencies import container_of
from chassis.ports.errors import ConfigurationError, ForbiddenError
from chassis.ports.identity import Principal

Check = Callable[[Request], Awaitable[Principal | None]]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Marks a dependency as an access rule; `permission` is None for a public route, whose `reason` says why."""

    check: Check
    permission: str | None
    reason: str | None = None

    async def __call__(self, request: Request) -> Principal | None:
        """Apply the rule to a request."""
        return await self.check(request)


class UndeclaredAccessError(ConfigurationError):
    """Every route must declare who may call it: dependencies=[can("thing:read")] or [public("reason")]."""


def can(permission: str) -> Any:
    """Let callers through whose role grants `permission`; the principal is then `request.state.principal`."""

    async def check(request: Request) -> Principal:
        container = container_of(request)
        principal = await container.authenticator.authenticate(dict(request.headers))
        request.state.principal = principal
        if not container.roles.allow(principal, permission):
            message = f"This needs the permission '{permission}', which none of your roles grants."
            raise ForbiddenError(message)
        return principal

    return params.Depends(AccessRule(check, permission))


def public(reason: str) -> Any:
    """Let everybody through, for the reason given."""

    async def check(_request: Request) -> None:
        return None

    return params.Depends(AccessRule(check, None, reason))


def require_access_rules(app: FastAPI) -> None:
    """Raise `UndeclaredAccessError` naming every route that lacks exactly one access rule."""
    undeclared = [_name(route) for route in iter_route_contexts(app.routes) if len(list(rules_of(route))) != 1]
    if undeclared:
        message = f"{UndeclaredAccessError.__doc__} Without exactly one rule: {', '.join(sorted(undeclared))}."
        raise UndeclaredAccessError(message)


def rules_of(route: RouteContext) -> Iterator[AccessRule]:
    """Yield the access rules a route declares, on itself or on its routers."""
    dependant = getattr(route, "dependant", None)
    if isinstance(dependant, Dependant):
        yield from _rules(dependant)


def _rules(dependant: Dependant) -> Iterator[AccessRule]:
    if isinstance(dependant.call, AccessRule):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _rules(inner)


def _name(route: RouteContext) -> str:
    methods = ",".join(sorted(route.methods or ())) or type(route.original_route).__name__
    return f"{methods} {route.path}"
