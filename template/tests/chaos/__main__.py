"""`make chaos`: breaks a running service for a while, then counts what was lost and what was done twice.

make chaos SECONDS=60 SEED=7
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.fleet import Fleet
from tests.chaos.load import Load, Outcome, in_words, outcome_of, until_idle
from tests.chaos.monkey import Monkey
from tests.chaos.outages import behind_relays
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE

from chassis.dev.environment import development_environment
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

CLIENTS = 6
WORKERS = 3
LEASE_SECONDS = 2.0
REST_SECONDS = 180.0
KEPT = Path(".dev/chaos")
SETTINGS = {
    "CHASSIS__RUNS__LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "CHASSIS__RUNS__POLL_SECONDS": "0.5",
    "CHASSIS__RUNS__MAX_ATTEMPTS": "100",
    "CHASSIS__RUNS__DRAIN_SECONDS": "5",
}


def say(line: str) -> None:
    """Show progress at once."""
    print(line, flush=True)


async def chaos(seconds: float, seed: int, directory: Path) -> int:
    """Break things for so many seconds; give the exit code."""
    say(f"Starting an API, {WORKERS} workers and what they need; seed {seed} ...")
    with development_environment(directory, {**os.environ, **SETTINGS}, "test") as services:
        environment = await isolated_environment(services, "chaos")
        led, relays = behind_relays(environment)
        fleet = Fleet(led, directory, WORKERS)
        load = Load(f"http://127.0.0.1:{fleet.port}")
        monkey = Monkey(fleet, relays, LEASE_SECONDS, seed)
        with fleet.running():
            await asyncio.to_thread(fleet.wait_for_api)
            clients = [asyncio.create_task(load.client(0.2)) for _ in range(CLIENTS)]
            started = time.monotonic()
            await asyncio.sleep(1)
            await monkey.work(seconds, lambda name: say(f"{time.monotonic() - started:6.1f} s  {name}"))
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
            say("Leaving it in peace until everything has ended ...")
            async with open_container(load_settings(environment), agent=SAMPLE) as container:
                await until_idle(container.sessions, REST_SECONDS)
                outcome = await outcome_of(container.sessions, load.accepted)
        return report(monkey, load, outcome)


def report(monkey: Monkey, load: Load, outcome: Outcome) -> int:
    """Print the table; give 1 when anything was lost or repeated."""
    say("")
    for name, count in sorted(monkey.done.items()):
        say(f"{name:<58} {count:>4} x")
    refused = sum(load.refused.values())
    say(f"\n{len(load.accepted)} runs were accepted, {outcome.finished} finished; {refused} requests were refused.")
    say(f"How long runs stood still: {in_words(outcome.resumes)}.")
    for problem, entries in (("lost", outcome.lost), ("repeated", outcome.repeated), ("missing", outcome.missing)):
        for entry in entries[:10]:
            say(f"  {problem}: {entry}")
    say(f"{len(outcome.lost) + len(outcome.missing)} lost, {len(outcome.repeated)} repeated")
    return 1 if outcome.lost or outcome.repeated or outcome.missing or not load.accepted else 0


def main() -> int:
    """Break a service of its own; where that shows something, keep the logs."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long things are broken")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what draws the moments")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="chassis-chaos-", ignore_cleanup_errors=True) as place:
        directory = Path(place)
        directory.chmod(0o755)
        code = asyncio.run(chaos(options.seconds, options.seed, directory))
        if code:
            KEPT.mkdir(parents=True, exist_ok=True)
            for log in directory.glob("*.log"):
                (KEPT / log.name).write_bytes(log.read_bytes())
            say(f"The logs are in {KEPT}; the same again: make chaos SEED={options.seed}")
    return code


if __name__ == "__main__":
    sys.exit(main())
