"""`jobs`: see what workers do and what has failed; begin it again, or cancel it."""

import argparse
import asyncio
import datetime as dt
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import get_args
from uuid import UUID

import psycopg
from sqlalchemy.exc import OperationalError, ProgrammingError

from chassis.audit.record import operator, record
from chassis.commands.job_lines import depth_json, depth_line, describe, explain, line, to_json
from chassis.container import Container
from chassis.jobs.cancel import cancel
from chassis.jobs.changes import announce_changes
from chassis.jobs.depth import depth
from chassis.jobs.find import JobFilter, find, newest_first
from chassis.jobs.finish import action_of, resource_of
from chassis.jobs.redrive import redrive, require_redrivable
from chassis.jobs.tables import ACTIVE, REDRIVABLE, Job, JobStatus
from chassis.ports.errors import ConfigurationError, ConflictError, NotFoundError, UnavailableError
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_container

MOST = 100_000
AGE = re.compile(r"\A(\d{1,6})([smhd])\Z")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
POSSIBLE: dict[str, tuple[JobStatus, ...]] = {"redrive": REDRIVABLE, "cancel": ACTIVE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with jobs."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    listing = acts.add_parser("list", help="show jobs, the newest first")
    _add_filters(listing, limit=20)
    showing = acts.add_parser("show", help="show all of one job; audited, as it may hold personal data")
    showing.add_argument("ids", nargs=1, type=UUID, metavar="ID")
    acts.add_parser("depth", help="count what waits and what runs, for autoscaling")
    for act, summary in (
        ("redrive", "begin jobs again that failed, were cancelled, ran out of time or are dead"),
        ("cancel", "cancel jobs that wait or run"),
    ):
        acting = acts.add_parser(
            act, help=summary, description=f"{summary[0].upper()}{summary[1:]}: by ids or by filter."
        )
        acting.add_argument("ids", nargs="*", type=UUID, metavar="ID")
        _add_filters(acting, limit=1000)
        acting.add_argument("--dry-run", action="store_true", help="say which these are, and change nothing")
    for subparser in acts.choices.values():
        subparser.add_argument("--json", action="store_true", help="print a JSON object a line")


def _add_filters(parser: argparse.ArgumentParser, limit: int) -> None:
    parser.add_argument(
        "--status", action="append", choices=get_args(JobStatus), metavar="STATUS", help="can be repeated"
    )
    parser.add_argument("--kind", help="agent, or the name of a task")
    parser.add_argument("--thread", type=UUID, metavar="ID", help="the agent's runs on this thread")
    parser.add_argument("--tenant", help="of this tenant")
    parser.add_argument(
        "--older-than", type=_age, metavar="AGE", help="accepted longer ago, such as 90s, 30m, 12h or 7d"
    )
    parser.add_argument(
        "--limit", type=_count, default=limit, metavar="COUNT", help=f"at most so many (default {limit})"
    )


def _age(text: str) -> dt.timedelta:
    if (match := AGE.match(text)) is None:
        message = f"'{text}' is no age; they look like 90s, 30m, 12h or 7d"
        raise argparse.ArgumentTypeError(message)
    return dt.timedelta(**{UNITS[match[2]]: int(match[1])})


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST):
        message = f"'{text}' is no number from 1 to {MOST}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    acts = {"list": _list, "show": _show, "depth": _depth, "redrive": _act, "cancel": _act}

    async def act() -> int:
        async with _said_in_a_sentence(), open_container(settings) as container:
            return await acts[options.act](container, options)

    return asyncio.run(act())


@asynccontextmanager
async def _said_in_a_sentence() -> AsyncIterator[None]:
    try:
        yield
    except (psycopg.OperationalError, OperationalError) as error:
        message = "The database cannot be reached; CHASSIS__DATABASE__URL says where it is looked for."
        raise UnavailableError(message) from error
    except ProgrammingError as error:
        reason = str(error.orig).splitlines()[0]
        message = (
            f"The jobs cannot be read: {reason}. Migrate first, and connect as a login in the role <database>_app."
        )
        raise ConfigurationError(message) from error


def filter_of(options: argparse.Namespace) -> JobFilter:
    """Read the filter from the arguments."""
    return JobFilter(
        statuses=tuple(options.status or ()),
        kind=options.kind,
        thread_id=options.thread,
        tenant_id=options.tenant,
        older_than=options.older_than,
    )


async def _list(container: Container, options: argparse.Namespace) -> int:
    async with container.sessions() as session:
        jobs = list(await session.scalars(newest_first(filter_of(options)).limit(options.limit)))
    for job in jobs:
        print(to_json(job) if options.json else line(job))
    return 0


async def _show(container: Container, options: argparse.Namespace) -> int:
    async with container.sessions.begin() as session:
        job = await find(session, options.ids[0], JobFilter())
        record(session, operator(), action_of(job, "read"), resource_of(job))
    print(to_json(job, whole=True) if options.json else describe(job))
    return 0


async def _depth(container: Container, options: argparse.Namespace) -> int:
    async with container.sessions() as session:
        counted = await depth(session)
    try:
        at_broker = await container.queue.depth()
    except UnavailableError:
        print("The broker cannot be reached; the rest is the database's.", file=sys.stderr)
        at_broker = None
    print(depth_json(counted, at_broker) if options.json else depth_line(counted, at_broker))
    return 0


async def _act(container: Container, options: argparse.Namespace) -> int:
    """Act on each job in a transaction of its own; what cannot be done for one keeps no other from it."""
    failed = 0
    chosen = await _chosen(container, options)
    for job_id in chosen:
        try:
            job, done = await _act_on(container, job_id, options.act, options.dry_run)
        except (NotFoundError, ConflictError) as error:
            failed += 1
            print(explain(job_id, error, options.json))
            continue
        print(to_json(job, outcome=done) if options.json else f"{done}  {line(job, 79 - len(done) - 2)}")
    if not chosen and not options.json:
        print(f"There is nothing to {options.act}.")
    return 1 if failed else 0


async def _chosen(container: Container, options: argparse.Namespace) -> Sequence[UUID]:
    narrowed = filter_of(options)
    if bool(options.ids) == narrowed.narrows:
        message = (
            f"Name either the jobs to {options.act} by their ids, or a filter such as --status, --kind or --tenant."
        )
        raise ConfigurationError(message)
    if options.ids:
        return list(dict.fromkeys(options.ids))
    possible = Job.status.in_(POSSIBLE[options.act])
    async with container.sessions() as session:
        # The oldest first, so that what is begun again comes in the order in which it was accepted.
        statement = newest_first(narrowed, possible).order_by(None).order_by(Job.sequence).limit(options.limit)
        return [job.job_id for job in await session.scalars(statement)]


async def _act_on(container: Container, job_id: UUID, act: str, dry_run: bool) -> tuple[Job, str]:
    """Act on one job, and say what was done."""
    async with container.sessions() as session, session.begin() as transaction:
        job = await find(session, job_id, JobFilter(), lock=True)
        if act == "redrive":
            require_redrivable(job)
            await redrive(session, container.kinds, operator(), job)
            done = "would be redriven" if dry_run else "redriven"
        elif await cancel(session, container.kinds, operator(), job):
            done = "would be cancelled" if dry_run else "cancelled"
        else:
            done = "had ended"
        if dry_run:
            await transaction.rollback()
    if not dry_run:
        await announce_changes(session, container.queue, container.live_events)
    async with container.sessions() as session:
        return await find(session, job_id, JobFilter()), done
