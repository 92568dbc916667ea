"""When a schedule is due."""

import datetime as dt
from dataclasses import replace

import pytest
from tests.support.sample_agent import SAMPLE

from chassis.jobs.schedule import Schedule
from chassis.ports.errors import ConfigurationError

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("schedule", "now", "before", "after"),
    [
        (Schedule("count", HOUR), "2026-11-26T05:59:59+00:00", "2026-11-26T05:00+00:00", "2026-11-26T06:00+00:00"),
        (Schedule("count", HOUR), "2026-11-26T06:00:00+00:00", "2026-11-26T06:00+00:00", "2026-11-26T07:00+00:00"),
        (
            Schedule("count", DAY, 3 * HOUR),
            "2026-11-26T02:00+00:00",
            "2026-11-25T03:00+00:00",
            "2026-11-26T03:00+00:00",
        ),
        (
            Schedule("count", DAY, 3 * HOUR),
            "2026-11-26T03:00+01:00",
            "2026-11-25T03:00+00:00",
            "2026-11-26T03:00+00:00",
        ),
        (Schedule("count", DAY, -HOUR), "2026-11-26T12:00+00:00", "2026-11-25T23:00+00:00", "2026-11-26T23:00+00:00"),
    ],
)
def test_ticks_are_counted_from_the_epoch(schedule: Schedule, now: str, before: str, after: str) -> None:
    assert schedule.tick_before(at(now)) == at(before)
    assert schedule.tick_after(at(now)) == at(after)


@pytest.mark.parametrize(
    ("name", "schedule", "words"),
    [
        ("Nightly", Schedule("count", DAY), "a name is lower-case letters, digits and _"),
        ("nightly", Schedule("cuont", DAY), "has the task 'cuont' done; AgentSpec.tasks names"),
        ("nightly", Schedule("count", dt.timedelta(milliseconds=999)), "a second or more"),
    ],
)
def test_a_schedule_that_cannot_be_kept_stops_start_up(name: str, schedule: Schedule, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        replace(SAMPLE, schedules={name: schedule})
