"""The permissions the chassis itself knows, and the roles that grant them."""

from collections.abc import Mapping

from chassis.ports.identity import Roles

RUNS_READ = "runs:read"
RUNS_WRITE = "runs:write"

CHASSIS_ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({RUNS_READ}),
    "user": frozenset({RUNS_READ, RUNS_WRITE}),
    "admin": frozenset({RUNS_READ, RUNS_WRITE}),
}


def merge_roles(*tables: Mapping[str, frozenset[str]]) -> Roles:
    """Union the grants of several tables, role by role."""
    names = {name for table in tables for name in table}
    return Roles({name: frozenset().union(*(table.get(name, frozenset()) for table in tables)) for name in names})
