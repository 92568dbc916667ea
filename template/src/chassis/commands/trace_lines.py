"""A run as lines of at most 80 columns."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.runs.tables import RunStep

NAME_COLUMNS = 36
SLOWEST = "  <- slowest"
NOT_FAILURES = ("success", "running", "interrupted")


@dataclass(frozen=True)
class Attempted:
    """One attempt, and what is kept of it."""

    fence: int
    steps: Sequence[RunStep]


@dataclass(frozen=True)
class Told:
    """A run; it waited so long before a worker first began with it, `None` while it waits."""

    run_id: UUID
    status: str
    seconds: float
    waited: float | None
    attempts: Sequence[Attempted]


def lines(run: Told) -> Iterator[str]:
    """Draw it: each attempt, its steps, and within them the calls of models and tools."""
    kept = [step for attempt in run.attempts for step in attempt.steps]
    yield f"run {run.run_id}  {run.status}"
    yield f"{'from accepted to its end':<{NAME_COLUMNS}}  {_seconds(run.seconds)}{_totals(kept)}"
    if run.waited is not None:
        yield f"{'before a worker began':<{NAME_COLUMNS}}  {_seconds(run.waited)}"
    slowest = _slowest(kept)
    for attempt in run.attempts:
        if len(run.attempts) > 1:
            yield f"attempt {attempt.fence}"
        if not attempt.steps:
            yield "   nothing is kept: it did nothing, or its worker died"
        yield from _below(attempt.steps, None, "", slowest)


def slow_lines(steps: Iterable[RunStep]) -> Iterator[str]:
    """List what took long, each with its run, when it began (UTC) and how it ended."""
    for step in steps:
        began = step.began_at.astimezone(dt.UTC)
        yield f"{_seconds(step.seconds)}  {step.run_id}  {began:%Y-%m-%d %H:%M}  {step.outcome}"


def _below(steps: Sequence[RunStep], parent: int | None, indent: str, slowest: RunStep | None) -> Iterator[str]:
    mine = [step for step in steps if step.parent == parent]
    for step in mine:
        last = step is mine[-1]
        name = f"{indent}{'└─ ' if last else '├─ '}{step.name}"
        told = f"  {step.outcome}" if step.outcome not in NOT_FAILURES else ""
        mark = SLOWEST if step is slowest else ""
        yield f"{_cut(name):<{NAME_COLUMNS}}  {_seconds(step.seconds)}{_usage(step)}{told}{mark}"
        yield from _below(steps, step.number, indent + ("   " if last else "│  "), slowest)


def _slowest(steps: Sequence[RunStep]) -> RunStep | None:
    """Find what took longest by itself: what a step's calls took is theirs."""

    def own(step: RunStep) -> float:
        within = [one for one in steps if (one.fence, one.parent) == (step.fence, step.number)]
        return (step.seconds or 0) - sum(one.seconds or 0 for one in within)

    return max(steps, key=own, default=None)


def _usage(step: RunStep) -> str:
    if step.kind != "model":
        return ""
    if step.input_tokens is None or step.output_tokens is None:
        return "  tokens unknown"
    cost = "price unknown" if step.cost is None else f"${step.cost:.4f}"
    return f"  {step.input_tokens}+{step.output_tokens} tokens {cost}"


def _totals(steps: Sequence[RunStep]) -> str:
    calls = [step for step in steps if step.kind == "model"]
    tokens = sum((step.input_tokens or 0) + (step.output_tokens or 0) for step in calls)
    known = all(step.cost is not None for step in calls)
    cost = f"${sum(step.cost or 0 for step in calls):.4f}" if known else "price unknown"
    return f"  {tokens} tokens {cost}" if calls else ""


def _seconds(seconds: float | None) -> str:
    return f"{'not ended':>11}" if seconds is None else f"{seconds:>9.3f} s"


def _cut(name: str) -> str:
    return name if len(name) <= NAME_COLUMNS else f"{name[: NAME_COLUMNS - 1]}…"
