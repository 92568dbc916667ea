"""`python -m chassis jobs ...`, as an operator or a script calls it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from tests.support.isolation import isolated_environment

from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.dev.environment import DATABASE_URL
from chassis.jobs.finish import finish
from chassis.jobs.insert import insert
from chassis.jobs.tables import Job, JobStatus
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

COLUMNS = 80
SECRET = "hunter2"


class Operator:
    """A database with jobs, and the command line on it."""

    def __init__(self, environment: Mapping[str, str], container: Container) -> None:
        self.environment = environment
        self.container = container
        self.tenant = f"t-{uuid4().hex[:8]}"

    async def jobs(self, *arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chassis", "jobs", *map(str, arguments)]
        environment = {**self.environment, "PYTHONPATH": os.pathsep.join([".", "src"]), **changes}
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )

    async def task(self, status: JobStatus = "pending", kind: str = "sums") -> str:
        principal = Principal(self.tenant, "ada")
        job = Job(
            job_id=uuid4(),
            kind=kind,
            payload={"note": SECRET},
            caller=principal.to_json(),
            tenant_id=self.tenant,
            owner_id="ada",
        )
        async with self.container.sessions.begin() as session:
            await insert(session, principal, job)
        return await self.ended(str(job.job_id), status)

    async def run(self, status: JobStatus = "pending", thread_id: UUID | None = None) -> str:
        request = RunRequest(uuid4(), {"stream_mode": ["values"]}, {}, create_thread=True)
        async with self.container.sessions.begin() as session:
            principal = Principal(self.tenant, "ada")
            run = await accept(session, self.container.kinds, principal, thread_id, request)
        return await self.ended(str(run.run_id), status)

    async def ended(self, job_id: str, status: JobStatus) -> str:
        if status != "pending":
            async with self.container.sessions.begin() as session:
                error = {"error": "AttemptsExhausted", "message": "Given up after 5 attempts."}
                await finish(session, self.container.kinds, UUID(job_id), status, error=error)
        return job_id

    async def status(self, job_id: str) -> str:
        async with self.container.sessions() as session:
            return (await session.get_one(Job, UUID(job_id))).status

    async def actions(self, job_id: str) -> list[tuple[str, str]]:
        async with self.container.sessions() as session:
            found = select(AuditEvent).where(AuditEvent.resource.endswith(job_id)).order_by(AuditEvent.event_id)
            return [(event.action, event.tenant_id) for event in await session.scalars(found)]


@pytest.fixture(scope="module")
async def opened(environment: Mapping[str, str]) -> AsyncIterator[tuple[dict[str, str], Container]]:
    own = await isolated_environment(environment, "jobscommand")
    async with open_container(load_settings(own)) as container:
        yield own, container


@pytest.fixture
def operator(opened: tuple[dict[str, str], Container]) -> Operator:
    """A tenant of its own."""
    return Operator(*opened)


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_depth_counts_what_waits_and_what_runs(environment: Mapping[str, str]) -> None:
    own = await isolated_environment(environment, "jobsdepth")
    async with open_container(load_settings(own)) as container:
        operator = Operator(own, container)
        empty = await operator.jobs("depth")
        assert empty.stdout.startswith("queued 0, running 0, delayed 0")
        [before] = objects(await operator.jobs("depth", "--json"))  # a queue that is given is that of other tests, too
        ids = [UUID(await operator.task()) for _ in range(6)]
        await operator.task("success")
        async with container.sessions.begin() as session:
            hour = func.make_interval(0, 0, 0, 0, 1)
            for changed, values in (
                (ids[:2], {"status": "running"}),
                (ids[2:3], {"due_at": func.now() + hour}),
                (ids[3:4], {"due_at": func.now() - hour}),
            ):
                await session.execute(update(Job).where(Job.job_id.in_(changed)).values(values))
        [found] = objects(await operator.jobs("depth", "--json"))
        assert 3600 <= found.pop("oldest_seconds") < 3700
        assert found.pop("at_broker") == before["at_broker"], "these were announced to nobody"
        assert found == {"queued": 3, "delayed": 1, "running": 2}
        line = (await operator.jobs("depth")).stdout
        assert line.startswith("queued 3 (the oldest 60m), running 2, delayed 1")
        assert len(line) <= COLUMNS


async def test_list_narrows_and_fits_a_terminal(operator: Operator) -> None:
    dead = await operator.task("dead", kind="a_task_with_a_name_that_is_rather_long")
    pending, run = await operator.task(), await operator.run("error")
    async with operator.container.sessions.begin() as session:
        old = update(Job).where(Job.job_id == UUID(dead)).values(created_at=func.now() - func.make_interval(0, 0, 0, 3))
        await session.execute(old)
    everything = await operator.jobs("list", "--tenant", operator.tenant)
    assert everything.returncode == 0, everything.stderr
    assert [line.split()[0] for line in everything.stdout.splitlines()] == [run, pending, dead]
    assert all(len(line) < COLUMNS for line in everything.stdout.splitlines())
    found: list[dict[str, Any]] = []
    for arguments, expected in (
        (["--status", "dead", "--status", "error"], [run, dead]),
        (["--kind", "agent"], [run]),
        (["--older-than", "2d"], [dead]),
        (["--limit", "1"], [run]),
        (["--thread", uuid4()], []),
    ):
        found = objects(await operator.jobs("list", "--json", "--tenant", operator.tenant, *arguments))
        assert [job["job_id"] for job in found] == expected
    assert SECRET not in str(found)


async def test_show_says_all_and_is_audited(operator: Operator) -> None:
    job_id = await operator.task("dead")
    shown = await operator.jobs("show", job_id)
    assert shown.returncode == 0, shown.stderr
    assert f'  "note": "{SECRET}"' in shown.stdout
    assert "Given up after 5 attempts." in shown.stdout
    assert all(len(line) < COLUMNS for line in shown.stdout.splitlines())
    [job] = objects(await operator.jobs("show", job_id, "--json"))
    assert (job["status"], job["payload"], job["tenant"]) == ("dead", {"note": SECRET}, operator.tenant)
    assert (await operator.actions(job_id))[-2:] == [("job.read", "system")] * 2


async def test_a_dry_run_says_which_and_changes_nothing(operator: Operator) -> None:
    dead, pending = await operator.run("dead"), await operator.task()
    before = [await operator.actions(job_id) for job_id in (dead, pending)]
    redriven = await operator.jobs("redrive", "--tenant", operator.tenant, "--dry-run")
    cancelled = await operator.jobs("cancel", "--tenant", operator.tenant, "--dry-run")
    assert redriven.stdout.startswith(f"would be redriven  {dead} dead")
    assert cancelled.stdout.startswith(f"would be cancelled  {pending} pending")
    for done in (redriven, cancelled):
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
        assert len(done.stdout.rstrip()) < COLUMNS
    assert [await operator.status(job_id) for job_id in (dead, pending)] == ["dead", "pending"]
    assert [await operator.actions(job_id) for job_id in (dead, pending)] == before


async def test_many_are_redriven_by_filter_announced_and_audited_as_the_operator(operator: Operator) -> None:
    dead, run, failed = await operator.task("dead"), await operator.run("dead"), await operator.task("error")
    announced: list[None] = []
    async with operator.container.queue.listen(lambda: announced.append(None)):
        done = await operator.jobs("redrive", "--tenant", operator.tenant, "--status", "dead", "--json")
        async with asyncio.timeout(30):
            while not announced:  # noqa: ASYNC110 - another process announces
                await asyncio.sleep(0.02)
    assert done.returncode == 0, done.stderr
    assert [(job["job_id"], job["outcome"], job["status"]) for job in objects(done)] == [
        (dead, "redriven", "pending"),
        (run, "redriven", "pending"),
    ]
    assert await operator.status(failed) == "error"
    assert (await operator.actions(dead))[-1] == ("job.redriven", "system")
    assert (await operator.actions(run))[-1] == ("run.redriven", "system")


async def test_many_are_cancelled_by_their_ids(operator: Operator) -> None:
    task, run, ended = await operator.task(), await operator.run(), await operator.task("success")
    done = await operator.jobs("cancel", task, run, ended)
    assert done.returncode == 0, done.stderr
    assert [line.partition("  ")[0] for line in done.stdout.splitlines()] == ["cancelled", "cancelled", "had ended"]
    assert [await operator.status(job_id) for job_id in (task, run, ended)] == ["cancelled", "cancelled", "success"]
    assert ("job.cancelled", "system") in await operator.actions(task)
    assert ("run.cancelled", "system") in await operator.actions(run)


async def test_what_cannot_be_done_is_said_and_keeps_nothing_else_from_it(operator: Operator) -> None:
    thread_id = uuid4()
    moved_on, unknown, pending = await operator.run("dead", thread_id), uuid4(), await operator.task()
    await operator.run("success", thread_id)
    dead = await operator.task("dead")
    done = await operator.jobs("redrive", moved_on, unknown, pending, dead)
    assert done.returncode == 1
    assert all(len(line) < COLUMNS for line in done.stdout.splitlines())
    said = " ".join(done.stdout.split())
    for sentence in (
        f"refused {moved_on} Later runs exist on this run's thread",
        f"refused {unknown} There is no job {unknown}",
        f"refused {pending} job/sums/{pending} is pending; Only what has failed",
        f"redriven {dead} pending",
    ):
        assert sentence in said
    refused = objects(await operator.jobs("redrive", unknown, "--json"))
    assert [(job["outcome"], job["job_id"]) for job in refused] == [("refused", str(unknown))]


async def test_nothing_to_do_is_said(operator: Operator) -> None:
    done = await operator.jobs("cancel", "--tenant", operator.tenant)
    assert (done.returncode, done.stdout) == (0, "There is nothing to cancel.\n")


@pytest.mark.parametrize(
    ("changes", "arguments", "code", "sentence"),
    [
        ({DATABASE_URL: "postgresql://x@127.0.0.1:1/x"}, ["list"], 1, "The database cannot be reached"),
        ({}, ["redrive"], 2, "Name either the jobs to redrive by their ids, or a filter"),
        ({}, ["cancel", str(uuid4()), "--kind", "agent"], 2, "Name either the jobs to cancel by their ids"),
        ({}, ["show", str(uuid4())], 1, "There is no job"),
        ({}, ["show", "x"], 2, "invalid UUID value: 'x'"),
        ({}, ["list", "--older-than", "soon"], 2, "'soon' is no age; they look like 90s, 30m, 12h or 7d"),
        ({}, ["list", "--limit", "0"], 2, "'0' is no number from 1 to 100000"),
        ({}, ["list", "--status", "odd"], 2, "invalid choice: 'odd'"),
    ],
)
async def test_a_mistake_is_one_sentence(
    operator: Operator, changes: dict[str, str], arguments: list[str], code: int, sentence: str
) -> None:
    done = await operator.jobs(*arguments, **changes)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_empty_database_is_one_sentence(operator: Operator) -> None:
    empty = operator.environment[DATABASE_URL].rpartition("/")[0] + "/postgres"
    done = await operator.jobs("list", **{DATABASE_URL: empty})
    assert done.returncode == 2
    assert "Migrate first" in done.stderr
    assert "Traceback" not in done.stderr
