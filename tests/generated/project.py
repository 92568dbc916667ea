"""A generated project as its user has it: its own Makefile, and an environment with nothing of ours."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.copier_cli import copy

OURS = ("VIRTUAL_ENV", "PYTEST", "PYTHON")


def user_environment() -> dict[str, str]:
    """Give the environment without what the tests' own Python and pytest put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that other users may enter, as whom Postgres runs where the tests run as root; remove it at the end.

    Not below pytest's own: each pytest that starts closes that one to others, and so would end the servers of another
    that is running.
    """
    with tempfile.TemporaryDirectory(prefix="agent-chassis-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def heed_interrupts() -> None:
    """Let Ctrl-C reach the processes started from here on; in a shell's background job it is ignored, children included."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def make(project: Path, *arguments: str, seconds: float = 3600) -> subprocess.CompletedProcess[str]:
    """Run make there, with the environment of a user: nothing of ours.

    A project's own tests take a quarter of an hour on two idle cores; the bound is for what hangs. That is interrupted, all
    of it, and fails with its last output, which says where it was.
    """
    command = ["make", "--no-print-directory", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=project, env=user_environment(), stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            message = f"{' '.join(command)} took longer than {seconds} s.\n{output[-6000:]}\n{errors[-4000:]}"
            raise AssertionError(message) from None
        except BaseException:  # Ctrl-C does not reach it, in a session of its own
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def must(done: subprocess.CompletedProcess[str]) -> str:
    """Give the output of a command that must have worked."""
    assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def installed(template: Path, folder: Path, answers: dict[str, str] | None = None) -> Path:
    """Generate a project with its dependencies in an open folder."""
    project = copy(template, folder / "my-agent", answers)
    must(make(project, ".venv/.ready"))
    return project
