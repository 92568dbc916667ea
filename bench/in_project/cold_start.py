"""API cold start to the first ready answer, against the imports of others that it needs. Runs in a generated project."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from chassis.dev.environment import development_environment
from chassis.dev.services import free_port

RUNS = 7
THIRD_PARTY = (
    "fastapi, fastapi.openapi.utils, opentelemetry.exporter.prometheus, opentelemetry.sdk.trace, orjson, psycopg, "
    "psycopg_pool, pydantic_settings, sqlalchemy.ext.asyncio, sqlalchemy.dialects.postgresql.psycopg, "
    "structlog, uvicorn, uvicorn.loops.auto, uvicorn.protocols.http.auto, uvicorn.lifespan.on"
)


def main() -> None:
    """Measure alternately, so that a slow moment of the machine hits both."""
    imports, ours, ready = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o755)
        with development_environment(Path(directory), os.environ, "development") as environment:
            subprocess.run(
                [sys.executable, "-m", "chassis", "migrate"], env=environment, check=True, capture_output=True
            )
            for _ in range(RUNS):
                imports.append(timed([sys.executable, "-c", f"import os, {THIRD_PARTY}; os._exit(0)"], environment))
                ours.append(
                    timed(
                        [sys.executable, "-c", "import os, chassis.commands.serve, agent.routes; os._exit(0)"],
                        environment,
                    )
                )
                ready.append(cold_start(environment))
    base, own, first = (statistics.median(values) for values in (imports, ours, ready))
    print(
        json.dumps(
            {
                "cold start: bare imports, seconds": round(base, 3),
                "cold start: with our modules, seconds": round(own, 3),
                "cold start: to ready, seconds": round(first, 3),
                "cold start: ratio to bare imports (<= 1.4)": round(first / base, 3),
            }
        )
    )


def timed(command: list[str], environment: Mapping[str, str]) -> float:
    """Time a whole process."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True)
    return time.perf_counter() - started


def cold_start(environment: Mapping[str, str]) -> float:
    """Time a server from its start to its first ready answer."""
    port = free_port()
    settings = {"CHASSIS__HTTP__PORT": str(port), "CHASSIS__SERVICE__LOG_LEVEL": "error"}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "chassis", "serve"], env={**environment, **settings})
    try:
        while True:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5),
            ):
                return time.perf_counter() - started
            time.sleep(0.01)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
