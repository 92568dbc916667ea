"""`trace`: what a run did, as a tree in the terminal, from its own records: no backend is needed."""

import argparse
from uuid import UUID

import uvloop
from sqlalchemy import func, select

from chassis.commands.trace_lines import Attempted, Told, lines
from chassis.db.engine import make_sessions, open_engine
from chassis.jobs.tables import AGENT_RUN, Job
from chassis.ports.errors import NotFoundError
from chassis.runs.kept_steps import kept_steps
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_adapter_context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run."""
    parser.add_argument("run_id", nargs="?", type=UUID, metavar="RUN", help="its id; the newest without one")


def run(options: argparse.Namespace) -> int:
    """Draw it."""
    settings = load_settings()
    configure_logging(settings.environment, "warning")
    for line in lines(uvloop.run(read(settings, options.run_id))):
        print(line)
    return 0


async def read(settings: Settings, run_id: UUID | None) -> Told:
    """Read a run's records; numbers and names, no content."""
    newest = select(Job).where(Job.kind == AGENT_RUN).order_by(Job.sequence.desc()).limit(1)
    seconds = func.extract("epoch", func.coalesce(Job.ended_at, func.now()) - Job.created_at)
    waited = func.extract("epoch", Job.started_at - Job.created_at)
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, context.service) as engine,
        make_sessions(engine, settings.service.name, settings.service.version)() as session,
    ):
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
