"""`trace`: what a run did, as a tree in the terminal, from its own records: no backend is needed.

With `--slowest NAME`, the runs in which a step, tool or model took longest: metrics name it, but no run.
"""

import argparse
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import uvloop
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.commands.trace_lines import Attempted, Told, lines, slow_lines
from chassis.db.engine import make_sessions, open_engine
from chassis.jobs.tables import AGENT_RUN, Job
from chassis.ports.errors import NotFoundError
from chassis.runs.kept_steps import kept_steps, slowest_steps
from chassis.runs.tables import RunStep
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_adapter_context

MOST_RUNS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("run_id", nargs="?", type=UUID, metavar="RUN", help="its id; the newest without one")
    which.add_argument(
        "--slowest",
        metavar="NAME",
        help=f"list the {MOST_RUNS} runs in which the step, tool or model of this name took longest; reads all that is kept",
    )


def run(options: argparse.Namespace) -> int:
    """Draw it."""
    settings = load_settings()
    configure_logging(settings.environment, "warning")
    if options.slowest is not None:
        drawn = slow_lines(uvloop.run(read_slowest(settings, options.slowest)))
    else:
        drawn = lines(uvloop.run(read(settings, options.run_id)))
    for line in drawn:
        print(line)
    return 0


@asynccontextmanager
async def _session(settings: Settings) -> AsyncIterator[AsyncSession]:
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, context.service) as engine,
        make_sessions(engine, settings.service.name, settings.service.version)() as session,
    ):
        yield session


async def read_slowest(settings: Settings, name: str) -> Sequence[RunStep]:
    """Read, of each run that has a step, tool or model of this name, the time that took longest; the slowest runs first."""
    async with _session(settings) as session:
        found = await slowest_steps(session, name, MOST_RUNS)
    if not found:
        message = f"No run has kept a step, tool or model that is called '{name}' and has ended."
        raise NotFoundError(message)
    return found


async def read(settings: Settings, run_id: UUID | None) -> Told:
    """Read a run's records; numbers and names, no content."""
    newest = select(Job).where(Job.kind == AGENT_RUN).order_by(Job.sequence.desc()).limit(1)
    seconds = func.extract("epoch", func.coalesce(Job.ended_at, func.now()) - Job.created_at)
    waited = func.extract("epoch", Job.started_at - Job.created_at)
    async with _session(settings) as session:
        job = await session.scalar(newest) if run_id is None else await session.get(Job, run_id)
        if job is None:
            message = "There is no run yet." if run_id is None else f"There is no run {run_id}."
            raise NotFoundError(message)
        took, before = (await session.execute(select(seconds, waited).where(Job.job_id == job.job_id))).one()
        steps = await kept_steps(session, job.job_id)
        return Told(
            job.job_id,
            job.status,
            float(took),
            None if job.started_at is None else float(before),
            [
                Attempted(fence, [step for step in steps if step.fence == fence])
                for fence in range(1, job.fence + (job.status != "running"))
            ],
        )
