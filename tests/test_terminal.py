"""The questions in a real terminal, at 80 and 120 columns."""

import os
import re
import sys
from pathlib import Path

import pexpect
import pytest
import yaml

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]|\r")
DOWN, ENTER, CLEAR, CTRL_C = "\x1b[B", "\r", "\x15", "\x03"


def terminal(template: Path, target: Path, columns: int) -> "pexpect.spawn[str]":
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONWARNINGS": "ignore"}
    return pexpect.spawn(
        sys.executable,
        ["-m", "copier", "copy", str(template), str(target)],
        env=environment,
        dimensions=(40, columns),
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.parametrize("columns", [80, 120])
def test_a_person_answers(template: Path, tmp_path: Path, columns: int) -> None:
    target = tmp_path / "out"
    session = terminal(template, target, columns)
    session.expect("Name of the service")
    session.send(CLEAR + "Bad Name" + ENTER)
    session.expect("Use a-z, 0-9")
    session.send(CLEAR + "billing-agent" + ENTER)
    for question in (
        "What it is for",
        "Organisation that owns",
        "Host of the repository",
        "Owner there",
        "Where to report",
    ):
        session.expect(question)
        session.send(ENTER)
    session.expect("Licence of the service")
    session.send(DOWN + DOWN + ENTER)
    for question in ("Where it runs", "Where secrets come from"):
        session.expect(question)
        session.send(ENTER)
    session.expect("What wakes the workers")
    session.expect("Redis or Valkey")
    session.send(DOWN + ENTER)
    for question in (
        "Where agent state lives",
        "Who gets a copy of the audit log",
        "Where traces of requests and runs go",
        "Who proposes newer",
    ):
        session.expect(question)
        session.send(ENTER)
    session.expect("Two commands")
    session.expect(pexpect.EOF)
    session.wait()
    assert session.exitstatus == 0
    text = ANSI.sub("", session.before or "")
    assert "make run" in text
    assert max(len(line) for line in text.splitlines() if str(target) not in line) <= columns
    stored = yaml.safe_load((target / ".copier-answers.yml").read_text())
    assert (stored["project_name"], stored["licence"], stored["queue"]) == ("billing-agent", "mit", "redis")


def test_ctrl_c_leaves_nothing(template: Path, tmp_path: Path) -> None:
    session = terminal(template, tmp_path / "out", 80)
    session.expect("Name of the service")
    session.send("my-agent" + ENTER)
    session.expect("What it is for")
    session.send(CTRL_C)
    session.expect(pexpect.EOF)
    session.wait()
    assert session.exitstatus != 0
    assert "Traceback" not in (session.before or "")
    assert not (tmp_path / "out").exists()
