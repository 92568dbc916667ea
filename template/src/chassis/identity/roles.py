"""The permissions the chassis itself knows, and the roles that grant them."""

from collections.abc import Mapping

from chassis.ports.identity import Roles

RUNS_READ = "runs:read"
RUNS_WRITE = "runs:write"
JOBS_READ = "jobs:read"
JOBS_WRITE = "jobs:write"
JOBS_ADMINISTER = "jobs:administer"
"""Sees, cancels and redrives the jobs of everybody in the tenant, instead of one's own."""
HEALTH_READ = "health:read"
"""Sees how each thing is that the service depends on."""

READ = frozenset({RUNS_READ, JOBS_READ})
WRITE = frozenset({RUNS_WRITE, JOBS_WRITE})

CHASSIS_ROLES: Mapping[str, frozenset[str]] = {
    "viewer": READ,
    "user": READ | WRITE,
    "admin": READ | WRITE | {JOBS_ADMINISTER, HEALTH_READ},
}


def merge_roles(*tables: Mapping[str, frozenset[str]]) -> Roles:
    """Union the grants of several tables, role by role."""
    names = {name for table in tables for name in table}
    return Roles({name: frozenset().union(*(table.get(name, frozenset()) for table in tables)) for name in names})
