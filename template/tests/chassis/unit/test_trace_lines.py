"""A run in the terminal."""

import datetime as dt
from typing import Any
from uuid import UUID

from chassis.commands.trace_lines import Attempted, Told, lines
from chassis.runs.tables import RunStep

RUN = UUID("1db105f4-a30d-4027-8d6d-3985f141d8b3")


def step(number: int, parent: int | None, kind: str, name: str, seconds: float | None, **more: Any) -> RunStep:
    began = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    given = {"outcome": "success", "fence": 1, "began_at": began, **more}
    return RunStep(run_id=RUN, number=number, parent=parent, kind=kind, name=name, seconds=seconds, **given)


def test_a_run_is_a_tree_with_its_slow_moment_marked() -> None:
    steps = [
        step(1, None, "step", "model", 0.2),
        step(2, 1, "model", "local-planner-1", 0.15, input_tokens=40, output_tokens=2, cost=0.0),
        step(3, None, "step", "tools", 12.5),
        step(4, 3, "tool", "search_tickets", 12.4, outcome="error"),
        step(5, None, "step", "model", 0.1),
        step(6, 5, "model", "a-model-with-a-name-that-is-really-rather-long", None, input_tokens=1, output_tokens=1),
    ]
    drawn = list(lines(Told(RUN, "success", 13.0, 0.25, [Attempted(1, steps)])))
    assert drawn == [
        "run 1db105f4-a30d-4027-8d6d-3985f141d8b3  success",
        "from accepted to its end                 13.000 s  44 tokens price unknown",
        "before a worker began                     0.250 s",
        "├─ model                                  0.200 s",
        "│  └─ local-planner-1                     0.150 s  40+2 tokens $0.0000",
        "├─ tools                                 12.500 s",
        "│  └─ search_tickets                     12.400 s  error  <- slowest",
        "└─ model                                  0.100 s",
        "   └─ a-model-with-a-name-that-is-r…    not ended  1+1 tokens price unknown",
    ]
    assert max(map(len, drawn)) <= 80


def test_an_attempt_that_died_is_said_to_have() -> None:
    kept = [step(1, None, "step", "model", 0.2, fence=2)]
    drawn = list(lines(Told(RUN, "success", 13.0, 0.25, [Attempted(1, []), Attempted(2, kept)])))
    assert drawn[3:5] == ["attempt 1", "   nothing is kept: it did nothing, or its worker died"]
    assert drawn[5] == "attempt 2"
