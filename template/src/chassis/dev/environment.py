"""The environment of a laptop's processes: where the services are, found or started."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chassis import selected
from chassis.db.roles import AUDIT_GRANTS
from chassis.dev.postgres import create_database, create_login, postgres_server
from chassis.dev.services import past_proxies
from chassis.import_strings import load_object

DATABASE_URL = "CHASSIS__DATABASE__URL"
MANAGEMENT_PORT = "CHASSIS__MANAGEMENT__PORT"
LOGIN_URL = "CHASSIS_DEV_{}_DATABASE_URL"
# As whom the processes that are no administrator's connect; see db/roles.py.
ROLES = {"serve": "app", "work": "app", "seed": "app", "keep": "sealer", "verify": "auditor"}


@contextmanager
def development_environment(
    directory: Path, environ: Mapping[str, str], environment: str = "development"
) -> Iterator[dict[str, str]]:
    """Start what `environ` does not name, and give the environment for the service's processes."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        database = environ.get(DATABASE_URL)
        services = {**environ, **past_proxies(environ)}
        if database is None:
            database = create_database(stack.enter_context(postgres_server(directory)), "agent")
            services |= logins(database)
        for choice in (
            selected.DEV_QUEUE,
            selected.DEV_STATE_STORE,
            selected.DEV_SECRET_BACKEND,
            selected.DEV_AUDIT_SINK,
        ):
            services |= stack.enter_context(load_object(choice)(directory, environ))
        # Several processes of one service are on this machine, and perhaps several services.
        yield {**services, "CHASSIS__ENVIRONMENT": environment, DATABASE_URL: database, MANAGEMENT_PORT: "0"}


def logins(database: str) -> dict[str, str]:
    """Create a login for each role of a database of this machine's server, and name their URLs."""
    return {LOGIN_URL.format(role.upper()): create_login(database, role) for role in AUDIT_GRANTS}


def as_role(environment: Mapping[str, str], role: str) -> dict[str, str]:
    """Give the environment of a process that connects as this role; as the owner where the database is not ours."""
    return {**environment, DATABASE_URL: environment.get(LOGIN_URL.format(role.upper()), environment[DATABASE_URL])}
