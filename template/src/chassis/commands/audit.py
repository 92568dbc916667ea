"""`audit`: keep, verify and read the audit log."""

import argparse
import asyncio
import datetime as dt
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import structlog
import uvloop
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.audit.keys import signing_key
from chassis.audit.read import export, tail
from chassis.audit.signing import Head, PublicKey
from chassis.audit.verify import Report, trusted, verify
from chassis.db.engine import open_engine
from chassis.management.listener import management, management_socket
from chassis.management.vitals import Vitals
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import ConfigurationError, UnavailableError
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.instrumentation import LIGHT
from chassis.telemetry.logging import configure_logging
from chassis.telemetry.start import start_telemetry
from chassis.wiring import INSTRUMENTATIONS, open_adapter_context, open_keeper

log = structlog.get_logger()

ROLE_HINT = "Migrate first, and connect as a login in the role <database>_auditor."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with the log."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    acts.add_parser("keep", help="seal, sign and ship what is committed, until stopped; one process does, others wait")
    verifying = acts.add_parser("verify", help="recompute the chain; exit 1 and say where when it was tampered with")
    verifying.add_argument(
        "--head", type=Path, metavar="FILE", help="heads kept outside the database, such as the sink's file: JSON lines"
    )
    verifying.add_argument(
        "--public-key",
        action="append",
        default=[],
        metavar="BASE64",
        help="trust this key, too (`audit key` prints it)",
    )
    exporting = acts.add_parser("export", help="print sealed events as JSON lines, oldest first")
    exporting.add_argument("--after", type=int, default=0, metavar="SEQUENCE", help="leave out events up to this seal")
    tailing = acts.add_parser("tail", help="print the newest events, sealed or not")
    tailing.add_argument("-n", type=int, default=20, metavar="COUNT", help="how many (default 20)")
    acts.add_parser("key", help="print the public key that verifies the heads")


def run(options: argparse.Namespace) -> int:
    """Do it."""
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    acts = {"keep": _keep, "verify": _verify, "export": _export, "tail": _tail, "key": _key}
    return uvloop.run(acts[options.act](settings, options))


async def _keep(settings: Settings, _options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    telemetry = start_telemetry(settings, "audit_keep", (*LIGHT, *INSTRUMENTATIONS))
    vitals = Vitals()
    with management_socket(settings.management) as listening:
        async with (
            management(listening, vitals, telemetry.exposition),
            open_keeper(settings, telemetry.traces) as keeper,
        ):
            vitals.begin(keeper.checks(), keeper.checks(deep=True))
            await keeper.run(stop)
    log.info("audit.keeper_stopped")
    return 0


async def _verify(settings: Settings, options: argparse.Namespace) -> int:
    outside = read_heads(options.head) if options.head else []
    async with _log_of(settings) as (engine, context), engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        key = await signing_key(settings.audit, context.secrets)
        keys = [key.public, *(PublicKey.from_text(text) for text in options.public_key)]
        report = await verify(connection, trusted(keys), outside, settings.audit.head_seconds)
    print(describe(report, len(outside)))
    return 1 if report.problems else 0


async def _export(settings: Settings, options: argparse.Namespace) -> int:
    async with _log_of(settings) as (engine, _):
        async for record in export(engine, options.after, settings.service):
            print(json.dumps(record.body, ensure_ascii=False))
    return 0


async def _tail(settings: Settings, options: argparse.Namespace) -> int:
    async with _log_of(settings) as (engine, _):
        for line in await tail(engine, options.n, settings.service):
            print(line)
    return 0


@asynccontextmanager
async def _log_of(settings: Settings) -> AsyncIterator[tuple[AsyncEngine, AdapterContext]]:
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, context.service) as engine,
    ):
        try:
            yield engine, context
        except (psycopg.OperationalError, OperationalError) as error:
            message = "The database cannot be reached; CHASSIS__DATABASE__URL says where it is looked for."
            raise UnavailableError(message) from error
        except ProgrammingError as error:
            message = f"The audit log cannot be read: {str(error.orig).splitlines()[0]}. {ROLE_HINT}"
            raise ConfigurationError(message) from error


async def _key(settings: Settings, _options: argparse.Namespace) -> int:
    async with open_adapter_context(settings) as context:
        key = await signing_key(settings.audit, context.secrets)
    print(key.public.text)
    print(f"key id {key.public.key_id}", file=sys.stderr)
    return 0


def read_heads(path: Path) -> Sequence[Head]:
    """Read heads from JSON lines: bare ones, or as the sink writes them among events; others are passed over."""
    found = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            data = json.loads(line) if line.strip() else {}
            head = data if "chain" in data else data.get("unmapped", {}).get("head")
            if head is not None:
                found.append(Head.from_json(head))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise ConfigurationError(message) from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        message = f"{path} is no file of heads: each line is one head as JSON, or a record of the audit sink."
        raise ConfigurationError(message) from error
    if not found:
        message = f"{path} holds no head; heads are the records with `unmapped.head`."
        raise ConfigurationError(message)
    return found


def describe(report: Report, outside: int) -> str:
    """Say what was found, in lines of at most 80 columns where that is in our hands."""
    if report.problems:
        count = "1 problem" if len(report.problems) == 1 else f"{len(report.problems)} problems"
        lines = [f"The audit log is not whole: {count}.", *(f"- {text}" for text in report.problems)]
    elif report.newest is None:
        lines = ["Nothing was sealed yet: is the sealer running (python -m chassis audit keep)?"]
    else:
        until = f"{report.newest.signed_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        count = "1 event" if report.sealed == 1 else f"{report.sealed} events"
        lines = [
            f"Verified {count}: none was changed, removed, inserted or put in another order.",
            f"Signed until {until}: {report.newest.sequence} of them, by head {report.newest.number}",
            f"with key {report.newest.key_id}. Younger ones could still be cut off unseen.",
        ]
        if outside:
            lines.append(f"Heads kept outside the database that agree: {outside}.")
    if report.unsealed:
        lines.append(f"Not sealed yet: {report.unsealed}.")
    return "\n".join(lines)
