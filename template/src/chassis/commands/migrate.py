"""`migrate`: bring the database up to date, or show and check what that means."""

import argparse
import asyncio

import structlog
from sqlalchemy.exc import ProgrammingError

from chassis.audit.record import operator, record
from chassis.db.engine import make_sessions, open_engine
from chassis.db.migrations import check, downgrade, offline_sql, upgrade
from chassis.db.roles import grants_sql, roles_sql
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_adapter_context, prepare_checkpoints

log = structlog.get_logger()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the modes, of which one is chosen."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail when the tables and the migrations differ")
    mode.add_argument("--down-to", metavar="REVISION", help="go back, such as chassis@-1 or agent@base")
    mode.add_argument("--sql", action="store_true", help="print the SQL and change nothing")


def run(options: argparse.Namespace) -> int:
    """Upgrade to all heads, the checkpointer's tables included, unless told otherwise."""
    if options.sql:
        print(offline_sql(), roles_sql(), grants_sql(), sep="\n")
        return 0
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    return asyncio.run(_run(settings, options))


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_adapter_context(settings) as context:
        if options.check:
            problem = await asyncio.to_thread(check, await context.database.conninfo())
            print(problem or "The tables and the migrations agree.")
            return 1 if problem else 0
        if options.down_to:
            await asyncio.to_thread(downgrade, await context.database.conninfo(), options.down_to)
        else:
            await migrate(settings, context)
        await _note(settings, context, options.down_to or "heads")
    return 0


async def _note(settings: Settings, context: AdapterContext, target: str) -> None:
    """Record who migrated, unless the log itself was taken down."""
    async with open_engine(context.database, settings.database, context.service) as engine:
        try:
            async with make_sessions(engine, settings.service.name, settings.service.version).begin() as session:
                record(session, operator(), "schema.migrated", "schema/public", target=target)
        except ProgrammingError:
            log.warning("audit.migration_not_recorded", target=target)


async def migrate(settings: Settings, context: AdapterContext) -> None:
    """Bring the database up to date, the checkpointer's tables included; Alembic runs in a thread of its own."""
    loop = asyncio.get_running_loop()

    def prepare_here() -> None:
        asyncio.run_coroutine_threadsafe(prepare_checkpoints(settings, context), loop).result()

    await asyncio.to_thread(upgrade, await context.database.conninfo(), prepare_here)
