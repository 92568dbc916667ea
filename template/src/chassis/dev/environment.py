"""The environment of a laptop's processes: where the services are, found or started."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chassis import selected
from chassis.dev.postgres import create_database, postgres_server
from chassis.import_strings import load_object

DATABASE_URL = "CHASSIS__DATABASE__URL"


@contextmanager
def development_environment(
    directory: Path, environ: Mapping[str, str], environment: str = "development"
) -> Iterator[dict[str, str]]:
    """Start what `environ` does not name, and give the environment for the service's processes."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        database = environ.get(DATABASE_URL)
        if database is None:
            database = create_database(stack.enter_context(postgres_server(directory)), "agent")
        services = dict(environ)
        for choice in (selected.DEV_QUEUE, selected.DEV_SECRET_BACKEND):
            services |= stack.enter_context(load_object(choice)(directory, environ))
        yield {**services, "CHASSIS__ENVIRONMENT": environment, DATABASE_URL: database}
