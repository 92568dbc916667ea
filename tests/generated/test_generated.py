"""Generated projects live: their own checks and tests, `make run`, a question, and kill -9 of the worker.

Each value that code depends on occurs in one of them. A project is copied with the plain command line, and its own Makefile is
all that is called, as its user would.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.copier_cli import ROOT, commit_all
from tests.copier_yml import offered, questions, suites
from tests.generated.project import heed_interrupts, installed, make, must, open_folder, user_environment

pytestmark = pytest.mark.slow

QUESTION = "How many open tickets are past their deadline?"
ANSWER = re.compile(r"^\d+ tickets match\.", re.MULTILINE)
SEED = int(os.environ.get("SEED") or datetime.now(UTC).strftime("%Y%m%d"))
CHOSEN = {value for question in questions().values() for value in offered(question)}


def projects() -> Iterator[Any]:
    """Name each project; all but the defaults and one that the seed draws are left to the full run."""
    defaults, *others = suites()
    yield pytest.param(defaults, id="project=defaults")
    for number, answers in enumerate(others):
        name = "-".join(str(value) for value in answers.values() if value in CHOSEN and value not in defaults.values())
        yield pytest.param(answers, id=f"project={name}{'' if number == SEED % len(others) else '-full'}")


@pytest.fixture(scope="module")
def port() -> int:
    """A port that is free; two projects run at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
        return found


@pytest.fixture(scope="module", params=projects())
def generated(request: pytest.FixtureRequest, template: Path) -> Iterator[Path]:
    """A project for each value that its code depends on, with its dependencies."""
    with open_folder() as folder:
        yield installed(template, folder, request.param)


@contextlib.contextmanager
def running(project: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run `make run` until the end of the context, and end it as Ctrl-C in a terminal does."""
    log = project / "run.log"
    heed_interrupts()
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "run", f"PORT={port}"],
            cwd=project,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        wait_for(log, "Ready after", 60)
        yield process, log
    finally:
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # an impatient person
        process.wait(60)


def wait_for(log: Path, text: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while text not in (content := log.read_text()):
        assert time.monotonic() < deadline, f"no '{text}' in:\n{content[-4000:]}"
        time.sleep(0.1)
    return content


def workers(project: Path) -> list[int]:
    """Find the worker processes of this project."""
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout
    pattern = re.compile(rf"^ *(\d+) {re.escape(str(project))}\S* -m chassis work$", re.MULTILINE)
    return [int(pid) for pid in pattern.findall(listed)]


def servers(project: Path) -> list[str]:
    """Find every process that belongs to this project."""
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(project) in line and "pytest" not in line]


def test_its_lock_has_the_tested_versions_of_everything(generated: Path) -> None:
    tested = set(tomllib.loads((generated / "pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"])
    locked = tomllib.loads((generated / "uv.lock").read_text())["package"]
    found = {f"{package['name']}=={package['version']}" for package in locked if "registry" in package["source"]}
    assert len(found) > 100
    assert found <= tested


def test_its_own_checks_and_tests_pass(generated: Path, request: pytest.FixtureRequest) -> None:
    drawn = os.environ.get("KILLS_OF_THE_DRAWN") if request.node.callspec.id != "project=defaults" else None
    output = must(make(generated, "test", *([f"KILLS={drawn}"] if drawn else [])))
    assert "Contracts: 8 kept, 0 broken." in output
    assert re.search(r"\d+ passed", output)


def test_it_passes_without_network(generated: Path) -> None:
    unreachable = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "UV_OFFLINE": "1"}
    done = subprocess.run(
        ["make", "check"], cwd=generated, env={**os.environ, **unreachable}, capture_output=True, text=True, check=False
    )
    must(done)


def test_it_runs_answers_and_survives_kill_9_of_its_worker(generated: Path, port: int) -> None:
    with running(generated, port) as (_, log):
        assert "make ask" in log.read_text()
        assert ANSWER.search(must(make(generated, "ask", f"PORT={port}", f"Q={QUESTION}")))
        [worker] = workers(generated)
        os.kill(worker, signal.SIGKILL)
        # Asked while no worker is there: the supervisor starts another, and the answer still arrives.
        assert ANSWER.search(must(make(generated, "ask", f"PORT={port}", f"Q={QUESTION}")))
        wait_for(log, f"`work` (process {worker}) ended with -9; starting it again.", 10)
        assert workers(generated) != [worker]
    assert servers(generated) == [], "Ctrl-C ends everything that was started"


def test_mistakes_are_one_sentence(generated: Path, port: int) -> None:
    nobody = make(generated, "ask", "PORT=1", f"Q={QUESTION}")
    assert nobody.returncode != 0
    assert "start it with `make run`" in nobody.stderr
    nothing = make(generated, "ask", "Q=")
    assert "Ask something" in nothing.stderr
    with running(generated, port):
        second = make(generated, "run", f"PORT={port}")
    assert second.returncode != 0
    assert f"Port {port} is in use" in second.stderr
    assert "Traceback" not in nobody.stderr + nothing.stderr + second.stderr


def test_a_migration_is_written_for_a_changed_table(generated: Path) -> None:
    models = generated / "src/agent/models.py"
    before = models.read_text()
    models.write_text(
        before.replace("    version: Mapped[int]", "    colour: Mapped[str | None]\n    version: Mapped[int]")
    )
    try:
        assert "Read it before you commit it" in must(make(generated, "migration", "M=add colour"))
        [written] = (generated / "migrations/agent").glob("*_add_colour.py")
        text = written.read_text()
        written.unlink()
    finally:
        models.write_text(before)
    assert text.count('"ticket"') == 2
    assert "colour" in text


@pytest.mark.parametrize("script", sorted((ROOT / "bench/in_project").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_what_it_measures(generated: Path, script: Path) -> None:
    """Nothing else looks at the benchmarks when a name in the project changes; here they are imported, not run."""
    code = f"import runpy; runpy.run_path({str(script)!r}, run_name='imported')"
    path = os.pathsep.join([str(generated), str(generated / "src"), str(script.parent)])
    python = str(generated / ".venv/bin/python")
    must(
        subprocess.run(
            [python, "-c", code],
            cwd=generated,
            env={**user_environment(), "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    )


def test_what_its_ci_looks_for_is_not_in_it(generated: Path) -> None:
    commit_all(generated, "start")
    for verb in ("bandit", "secrets", "workflows", "pins-check"):
        must(make(generated, verb))
