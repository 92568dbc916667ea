"""The broker of `queue=rabbitmq` on a laptop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.rabbitmq import rabbitmq_server

URL = "CHASSIS__QUEUE__URL"


@contextmanager
def queue_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that point to the broker: the environment's own, or those of one started here."""
    if URL in environ:
        yield {URL: environ[URL]}
        return
    with rabbitmq_server(directory / "rabbitmq") as server:
        yield {URL: server.url}
