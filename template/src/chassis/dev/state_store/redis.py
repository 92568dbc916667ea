"""The server of `state_store=redis` on a laptop: one of its own, which keeps its data as the real one has to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.redis import redis_server

URL = "CHASSIS__STATE_STORE__URL"


@contextmanager
def state_store_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that point to the server: the environment's own, or those of one started here."""
    if URL in environ:
        yield {URL: environ[URL]}
        return
    with redis_server(directory / "state_store", persistent=True) as url:
        yield {URL: url}
