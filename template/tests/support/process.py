"""Runs an agent, the sample unless one is named, as a process: `python -m tests.support.process [work|serve [MODULE:NAME]]`."""

import asyncio
import datetime as dt
import os
import sys
from contextlib import AbstractContextManager, nullcontext

import time_machine
from tests.support.sample_agent import SAMPLE

from chassis.agent_spec import AgentSpec
from chassis.commands.serve import serve
from chassis.commands.work import work
from chassis.import_strings import load_object
from chassis.settings_loader import load_settings


def clock_off_by(hours: float) -> AbstractContextManager[object]:
    """Have this process, and it alone, believe in another time of day; how fast time passes stays the same."""
    return (
        time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours), tick=True) if hours else nullcontext()
    )


if __name__ == "__main__":
    configured = load_settings()
    what, *named = sys.argv[1:] or ["work"]
    chosen: AgentSpec = load_object(named[0]) if named else SAMPLE
    if what == "serve":
        serve(configured, chosen, grace_seconds=5)
    else:
        with clock_off_by(float(os.environ.get("TESTS_CLOCK_OFF_BY_HOURS", "0"))):
            asyncio.run(work(configured, agent=chosen))
