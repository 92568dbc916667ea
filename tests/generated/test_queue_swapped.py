"""Any queue is replaced by any other with `copier update`, as docs/queues.md of the project says, with runs in flight."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from tests.copier_cli import commit_all, copier, copy
from tests.copier_yml import offered, questions
from tests.generated.project import make, must, open_folder, user_environment

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parent / "in_project"
CLOUD_OF = {"sqs": "aws", "service_bus": "azure", "pubsub": "gcp"}
QUEUES = [*offered(questions()["queue"]), "database"]
"""Each is left for another, and reached from another."""


@dataclass
class Script:
    """A script that runs in a project: lines in, lines out."""

    process: subprocess.Popen[str]
    log: Path

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        line = _lines(self.process).readline()
        assert line, self.log.read_text()[-4000:]
        return json.loads(line)


def _lines(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@contextmanager
def running(project: Path, script: str, environment: dict[str, str]) -> Iterator[Script]:
    """Run it until the context ends, by closing its input."""
    log = project / f"{script}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(project / ".venv/bin/python"), str(SCRIPTS / f"{script}.py")],
            cwd=project,
            env={**user_environment(), **environment, "PYTHONPATH": os.pathsep.join([".", "src"])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            yield Script(process, log)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(180)


@pytest.fixture(scope="module")
def projects(template: Path) -> Iterator[list[Path]]:
    """A project, and what it becomes with one queue after the other."""
    with open_folder() as folder:
        found: list[Path] = []
        for number, queue in enumerate(QUEUES):
            project = folder / f"{number}-{queue}"
            if found:
                shutil.copytree(found[-1], project, ignore=shutil.ignore_patterns(".venv", "*.log"))
                answers = (f"--data=queue={queue}", f"--data=cloud={CLOUD_OF.get(queue, 'none')}")
                done = copier("update", "--defaults", "--quiet", "--vcs-ref", "HEAD", *answers, cwd=project)
                assert done.returncode == 0, done.stderr
            else:
                copy(template, project, {"queue": queue})
            must(make(project, ".venv/.ready"))
            commit_all(project, queue)
            found.append(project)
        yield found


def test_full_a_queue_is_replaced_with_runs_in_flight(projects: list[Path]) -> None:
    with ExitStack() as everything:
        before = everything.enter_context(ExitStack())
        database = everything.enter_context(running(projects[0], "database", {})).hear()
        deployment = before.enter_context(running(projects[0], "deployment", database)).hear()
        clients = everything.enter_context(running(projects[0], "clients", deployment["environment"]))
        clients.tell(deployment["url"])
        clients.hear()
        for project in projects[1:]:
            after = everything.enter_context(ExitStack())
            deployment = after.enter_context(running(project, "deployment", database)).hear()
            clients.tell(deployment["url"])
            clients.hear()
            before.close()
            clients.tell(deployment["url"])
            clients.hear()
            before = after
        clients.tell("end")
        outcome = clients.hear()
    assert outcome["accepted"] >= 16 * len(QUEUES)
    assert (outcome["lost"], outcome["repeated"], outcome["missing"]) == ([], [], [])
    assert outcome["finished"] == outcome["accepted"]
