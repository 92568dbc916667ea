"""Breaking a control on purpose turns a named test red; a control that can be broken unnoticed is none."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.copier_cli import copy
from tests.generated.test_generated import make, must

pytestmark = pytest.mark.slow

UNIT, CONTRACT, INTEGRATION = "tests/chassis/unit", "tests/chassis/contract", "tests/chassis/integration"


@dataclass(frozen=True)
class Sabotage:
    """Replace `old` by `new` in `file`; then `test` must fail."""

    file: str
    old: str
    new: str
    test: str


SABOTAGES = {
    "the queue announces nothing": Sabotage(
        "src/chassis/adapters/queue/database.py",
        "await notify(connection, CHANNEL, str(run_id))",
        "await connection.execute('SELECT 1')",
        f"{CONTRACT}/test_run_queue.py::test_a_published_run_wakes_a_listener",
    ),
    "the secret backend echoes": Sabotage(
        "src/chassis/adapters/secret_backend/env.py",
        "return Secret(name, value)",
        "return Secret(value, value)",
        f"{CONTRACT}/test_secrets.py::test_a_secret_is_read_by_name",
    ),
    "live events reach nobody": Sabotage(
        "src/chassis/adapters/live_events/postgres.py",
        "grown.set()",
        "grown.clear()",
        f"{CONTRACT}/test_live_events.py",
    ),
    "checkpoints stay in memory": Sabotage(
        "src/chassis/adapters/checkpointer/postgres.py",
        "return self._saver\n",
        "from langgraph.checkpoint.memory import InMemorySaver; return InMemorySaver()\n",
        "tests/chassis/e2e/test_kill.py::test_a_run_survives_its_worker",
    ),
    "the local model forgets deadlines": Sabotage(
        "src/chassis/adapters/model/local_planner.py",
        'if kind.get("type") == "boolean":',
        'if kind.get("type") == "never":',
        "tests/agent/test_questions.py::test_counts",
    ),
    "the remote model goes without its key": Sabotage(
        "src/chassis/adapters/model/openai_compatible.py",
        "SecretStr(key.reveal())",
        'SecretStr("none")',
        f"{CONTRACT}/test_models.py",
    ),
    "any credential is good enough": Sabotage(
        "src/chassis/adapters/identity/development.py",
        "raise UnauthenticatedError(message)",
        "return self._default",
        f"{CONTRACT}/test_identity.py",
    ),
    "the development principal is let into production": Sabotage(
        "src/chassis/adapters/identity/development_settings.py",
        "if in_production(info):",
        "if False:",
        f"{UNIT}/test_settings.py",
    ),
    "a route has no access rule": Sabotage(
        "src/chassis/http/threads.py",
        '@router.get("/{thread_id}", dependencies=[can(RUNS_READ)])',
        '@router.get("/{thread_id}")',
        f"{UNIT}/test_access.py",
    ),
    "a model has no data class": Sabotage(
        "src/chassis/http/health.py",
        '    data_class: ClassVar[DataClass] = "public"\n',
        "",
        f"{UNIT}/test_boundary.py",
    ),
    "every role may do everything": Sabotage(
        "src/chassis/ports/identity.py",
        "return any(permission in",
        "return True or any(permission in",
        f"{INTEGRATION}/test_edge.py::test_roles_decide",
    ),
    "threads are shared": Sabotage(
        "src/chassis/http/threads.py",
        "where(Thread.tenant_id == caller.tenant_id, Thread.owner_id == caller.subject)",
        "where(Thread.tenant_id == caller.tenant_id)",
        f"{INTEGRATION}/test_runs.py::test_what_belongs_to_others_is_not_found",
    ),
    "a fence that keeps nobody out": Sabotage(
        "src/chassis/runs/lease.py",
        '.where(Run.run_id == lease.run_id, Run.fence == lease.fence, Run.status == "running")\n            .with_for_update',
        ".where(Run.run_id == lease.run_id)\n            .with_for_update",
        f"{INTEGRATION}/test_leases.py::test_an_expired_run_is_taken_over_and_the_old_worker_can_write_nothing",
    ),
    "effects without receipts": Sabotage(
        "src/chassis/runs/context.py",
        "if claimed is not None:",
        "if True:",
        f"{INTEGRATION}/test_leases.py::test_a_repeated_tool_call_is_answered_from_its_receipt",
    ),
    "nobody sweeps": Sabotage(
        "src/chassis/runs/sweep.py",
        "Run.lease_expires_at < func.now()",
        "Run.lease_expires_at > func.now()",
        f"{INTEGRATION}/test_leases.py",
    ),
    "two runs of a thread at once": Sabotage(
        "src/chassis/runs/lease.py",
        '.where(Run.status == "pending", ~blocked)',
        '.where(Run.status == "pending")',
        f"{INTEGRATION}/test_leases.py::test_a_thread_has_one_running_run_at_a_time",
    ),
    "a migration that differs from the tables": Sabotage(
        "migrations/chassis/20261123_threads_and_runs.py",
        'sa.Column("worker_id", sa.Text(), nullable=True)',
        'sa.Column("worker", sa.Text(), nullable=True)',
        f"{INTEGRATION}/test_migrations.py::test_up_down_and_up_again",
    ),
    "an unsafe migration": Sabotage(
        "migrations/agent/20261123_tickets.py",
        '    op.create_index(op.f("ix_ticket_tenant_id_number")',
        '    op.drop_column("ticket", "assignee")\n    op.create_index(op.f("ix_ticket_tenant_id_number")',
        f"{INTEGRATION}/test_migrations.py::test_the_sql_is_safe",
    ),
    "no security headers": Sabotage(
        "src/chassis/http/middleware.py",
        "headers.setdefault(name, value)",
        "headers.get(name)",
        f"{INTEGRATION}/test_edge.py",
    ),
    "what was sent is echoed": Sabotage(
        "src/chassis/http/problem.py",
        '"what": item["msg"]}',
        '"what": str(item.get("input"))}',
        f"{INTEGRATION}/test_edge.py::test_what_was_sent_is_not_echoed",
    ),
    "the API loads LangGraph": Sabotage(
        "src/chassis/http/app.py",
        "from chassis.settings import Settings\n",
        "from chassis.settings import Settings\nimport langgraph.graph\n",
        f"{UNIT}/test_light.py",
    ),
    "a change without If-Match": Sabotage(
        "src/agent/routes.py",
        "    if_match(version, ticket_etag(ticket))\n",
        "",
        "tests/agent/test_routes.py",
    ),
    "other tenants' tickets": Sabotage(
        "src/agent/tickets.py",
        "where(Ticket.tenant_id == principal.tenant_id, *conditions)",
        "where(*conditions)",
        "tests/agent/test_routes.py::test_other_tenants_tickets_do_not_exist",
    ),
}


@pytest.fixture(scope="module")
def victim(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to break."""
    directory = tmp_path_factory.mktemp("sabotage")
    for path in (directory, *directory.parents[:2]):
        path.chmod(0o755)
    project = copy(template, directory / "my-agent")
    must(make(project, ".venv/.ready"))
    return project


def outcome(project: Path, test: str) -> int:
    command = [".venv/bin/python", "-m", "pytest", "-q", "-x", test]
    return subprocess.run(command, cwd=project, capture_output=True, check=False, timeout=300).returncode


@pytest.mark.parametrize("name", SABOTAGES)
def test_full_a_broken_control_turns_its_test_red(victim: Path, name: str) -> None:
    sabotage = SABOTAGES[name]
    path = victim / sabotage.file
    original = path.read_text()
    assert original.count(sabotage.old) == 1, "the sabotage no longer finds its place"
    path.write_text(original.replace(sabotage.old, sabotage.new))
    try:
        broken = outcome(victim, sabotage.test)
    finally:
        path.write_text(original)
    assert broken == 1, f"{sabotage.test} did not notice"


def test_full_the_unbroken_project_passes_those_tests(victim: Path) -> None:
    tests = sorted({sabotage.test for sabotage in SABOTAGES.values()})
    command = [".venv/bin/python", "-m", "pytest", "-q", *tests]
    done = subprocess.run(command, cwd=victim, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
