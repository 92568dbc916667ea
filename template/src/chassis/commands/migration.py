"""`migration`: write a migration for what changed in the tables of src/agent."""

import argparse
import asyncio

from chassis.db.migrations import revise
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.wiring import open_adapter_context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the migration is about and whose it is."""
    parser.add_argument("message", help="what changes, such as 'add ticket due date'")
    parser.add_argument("--branch", choices=["agent", "chassis"], default="agent", help="chassis is the template's")


def run(options: argparse.Namespace) -> int:
    """Compare the tables with an up-to-date database and write the difference."""
    return asyncio.run(_run(load_settings(), options))


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_adapter_context(settings) as context:
        path = await asyncio.to_thread(revise, await context.database.conninfo(), options.branch, options.message)
    print(f"Read it before you commit it: {path}")
    return 0
