"""Who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose identity was established: the tenant it belongs to, its id there, and its roles."""

    tenant_id: str
    subject: str
    roles: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the form that travels in a run row, so that a worker acts for the same caller."""
        return {"tenant_id": self.tenant_id, "subject": self.subject, "roles": list(self.roles)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Principal":
        """Read what `to_json` wrote."""
        return cls(tenant_id=data["tenant_id"], subject=data["subject"], roles=tuple(data["roles"]))


@dataclass(frozen=True, slots=True)
class Roles:
    """Which permissions each role grants, such as `{"viewer": {"tickets:read"}}`; an unknown role grants nothing."""

    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def allow(self, principal: Principal, permission: str) -> bool:
        """Say whether any of the principal's roles grants `permission`."""
        return any(permission in self.grants.get(role, ()) for role in principal.roles)


class Authenticator(Protocol):
    """Establishes who is calling from the request's headers."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the caller; raise `UnauthenticatedError` when it cannot be established. Header names are lower case."""
        ...
