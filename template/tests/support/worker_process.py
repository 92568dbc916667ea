"""Processes that tests kill: workers, and another service."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT


@contextmanager
def worker_process(
    environment: Mapping[str, str], log: Path, agent: str = "tests.support.sample_agent:SAMPLE"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of an agent; it is killed in the end, if it was not before."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.process", "work", agent],
            env=environment,
            stdout=output,
            stderr=output,
        )
        with ended(process):
            yield process


@contextmanager
def ledger_server(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run another service that keeps its ledger in the folder; give its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.ledger_server", str(folder)], env=environment, stdout=subprocess.PIPE
    )
    with ended(process):
        assert process.stdout is not None
        with process.stdout:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process with the context, frozen or not."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(SIGCONT)
            process.kill()
        process.wait()
