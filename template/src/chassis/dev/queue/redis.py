"""The broker of `queue=redis` on a laptop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.redis import redis_server

URL = "CHASSIS__QUEUE__URL"


@contextmanager
def queue_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that point to the broker: the environment's own, or those of one started here."""
    if URL in environ:
        yield {URL: environ[URL]}
        return
    with redis_server(directory) as url:
        yield {URL: url}
