"""Access rules. Every route declares one; a route without stops start-up."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from chassis.audit.record import Outcome, record
from chassis.http.dependencies import container_of
from chassis.ports.errors import ConfigurationError, ForbiddenError, UnauthenticatedError
from chassis.ports.identity import Principal

# RFC 9110, 9.2.1: these are read-only by their definition.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
NOBODY = Principal(tenant_id="unknown", subject="unknown")
MAX_PATH_VALUE = 64

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


def can(permission: str, *, sensitive: bool = False) -> Any:
    """Let callers through whose role grants `permission`; the principal is then `request.state.principal`.

    Whoever is refused is audited, and so is each access to an endpoint that is `sensitive`, before it is served. Requests
    that change something are refused while the audit log has no room (`AuditSpoolFullError`).
    """

    async def check(request: Request) -> Principal:
        container = container_of(request)
        try:
            principal = await container.authenticator.authenticate(dict(request.headers))
        except UnauthenticatedError:
            await _audit(request, NOBODY, "access.refused", permission, "failure")
            raise
        request.state.principal = principal
        if not container.roles.allow(principal, permission):
            await _audit(request, principal, "access.refused", permission, "failure")
            message = f"This needs the permission '{permission}', which none of your roles grants."
            raise ForbiddenError(message)
        if request.method not in SAFE_METHODS:
            await container.spool.require_room()
        if sensitive:
            await _audit(request, principal, "endpoint.accessed", permission, "success")
        return principal

    return params.Depends(AccessRule(check, permission))


async def _audit(request: Request, principal: Principal, action: str, permission: str, outcome: Outcome) -> None:
    """Record in a transaction of its own: what is refused has no other, and what is served is recorded all the same."""
    route = getattr(request.scope.get("route"), "path", "unknown")
    async with container_of(request).sessions.begin() as session:
        record(
            session,
            principal,
            action,
            f"endpoint/{request.method} {route}",
            outcome=outcome,
            permission=permission,
            path={name: str(value)[:MAX_PATH_VALUE] for name, value in request.path_params.items()},
        )


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
