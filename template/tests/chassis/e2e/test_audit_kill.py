"""kill -9 of writers and of the keeper, a collector that is away: no event is lost, none is doubled but by its id.

KILLS=20 makes it 10,000 events by 8 writers, 20 kills and a sink that is down for 60 s.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.audit import keeper_environment, report_on
from tests.support.isolation import OWNER_URL, isolated_environment

from chassis.audit.signing import Head
from chassis.commands.audit import read_heads

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "2"))
SEED = int(os.environ.get("SEED", "1"))
WRITERS = 8
EACH = 1250 if KILLS >= 20 else 60
SINK_DOWN_SECONDS = 60.0 if KILLS >= 20 else 3.0


@dataclass
class Killable:
    """A process that is started again where it was killed."""

    name: str
    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.output.open("ab") as output, (self.folder / "errors.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command()], env=self.environment, stdout=output, stderr=errors
            )

    def command(self) -> list[str]:
        return ["chassis", "audit", "keep"]

    @property
    def output(self) -> Path:
        return self.folder / f"{self.name}.out"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def done(self) -> bool:
        return False


class Writer(Killable):
    """A process that writes the events which it has not yet said to be committed."""

    def command(self) -> list[str]:
        return ["tests.support.audit_writer", self.name, str(len(self.committed()) + 1), str(EACH)]

    def committed(self) -> list[int]:
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        return [int(line) for line in lines if line]

    def done(self) -> bool:
        return self.process.poll() == 0


@contextmanager
def ended(process: Killable) -> Iterator[Killable]:
    try:
        yield process
    finally:
        process.kill()


def shipped(sink: Path) -> list[dict[str, Any]]:
    if not sink.exists():
        return []
    lines = sink.read_bytes().split(b"\n")
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            continue  # the end of a write that was cut short; what it was part of is shipped again
    return records


@pytest.mark.timeout(600 + 30 * KILLS)
async def test_nothing_is_lost(environment: Mapping[str, str], tmp_path: Path) -> None:
    own = await isolated_environment(environment, "auditkill")
    own["PYTHONPATH"] = os.pathsep.join([".", "src"])
    sink = tmp_path / "sink" / "audit.jsonl"
    sink.parent.mkdir()
    moments = random.Random(SEED)  # noqa: S311 - a reproducible draw
    with ExitStack() as stack:
        keeping = stack.enter_context(keeper_environment(own, sink))
        keepers = [
            stack.enter_context(ended(Killable(f"keeper-{number}", keeping, tmp_path)))
            for number in range(2)  # one works, the other waits
        ]
        writers = [Writer(f"w{number}", own, tmp_path) for number in range(WRITERS)]
        for writer in writers:
            stack.enter_context(ended(writer))
        away = asyncio.create_task(take_away(sink))
        for _ in range(KILLS):
            await asyncio.sleep(moments.uniform(0.2, 1.0))
            victim = moments.choice([*writers, *keepers])
            if not victim.done():
                victim.kill()
                victim.start()
        async with asyncio.timeout(240):
            while not all(writer.done() for writer in writers):  # noqa: ASYNC110 - processes
                await asyncio.sleep(0.1)
        await away
        count = await count_events(own[OWNER_URL])
        async with asyncio.timeout(120):
            while len({uid_of(entry) for entry in shipped(sink) if is_event(entry)}) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    said = {f"{writer.name}-{number}" for writer in writers for number in writer.committed()}
    assert len(said) == WRITERS * EACH
    events = {uid_of(entry): entry for entry in shipped(sink) if is_event(entry)}
    found = {entry["resources"][0]["uid"] for entry in events.values() if is_counted(entry)}
    assert said <= found, "an event was committed and is not in the sink"
    assert len(events) == count, "an id stands for one event"
    sequences = sorted(entry["metadata"]["sequence"] for entry in events.values())
    assert sequences == list(range(1, count + 1))
    report = await report_on(own[OWNER_URL], read_heads_of(sink, tmp_path))
    assert (report.problems, report.sealed, report.unsealed) == ([], count, 0)


async def take_away(sink: Path) -> None:
    """Make the sink unreachable for a while."""
    await asyncio.sleep(1)
    aside = sink.parent.with_name("aside")
    sink.parent.rename(aside)
    await asyncio.sleep(SINK_DOWN_SECONDS)
    aside.rename(sink.parent)


async def count_events(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT count(*) FROM audit_event")).fetchone()
        assert row is not None
        return int(row[0])


def is_event(entry: dict[str, Any]) -> bool:
    return "event_id" in entry["unmapped"]


def is_counted(entry: dict[str, Any]) -> bool:
    return bool(entry["metadata"]["event_code"] == "thing.counted")


def uid_of(entry: dict[str, Any]) -> str:
    return str(entry["metadata"]["uid"])


def read_heads_of(sink: Path, folder: Path) -> list[Head]:
    whole = folder / "whole.jsonl"
    whole.write_text("\n".join(json.dumps(entry) for entry in shipped(sink)))
    return list(read_heads(whole))
