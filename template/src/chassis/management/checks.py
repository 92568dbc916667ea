"""What the processes of the service depend on."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chassis.container import Container
from chassis.db.engine import single_statement
from chassis.management.looking import Check, Found
from chassis.management.vitals import Checks
from chassis.ports.secrets import SecretManager
from chassis.runs.model_seen import last_call

MODEL_READ_SECONDS = 2.0
LATELY_SECONDS = 900.0
"""What the last call of the model was like says nothing about now after so long."""
PROBES_MISSED = 3


def container_checks(container: Container) -> Checks:
    """Ask what a container holds, for probes.

    Without the database nothing can be accepted or executed. The queue is not needed for that: that it cannot be reached
    is said, and costs nobody a replica.
    """

    async def database() -> None:
        async with single_statement(container.sessions) as session:
            await session.execute(text("SELECT 1"))

    return Checks(needed={"database": database}, told={"queue": container.queue.check})


def deep_checks(container: Container) -> Checks:
    """Ask everything that a container holds, for who wants to know what is broken.

    Needed is what stops all work when it is missing: without a state store no run goes on, and without room in the audit log
    changes are refused. Without the queue workers find jobs by looking, and what was read from the secret backend outlives it
    for a while. The model is told of, since what is known of it may be minutes old.
    """
    near = container_checks(container)
    needed = {**near.needed, "state_store": container.live_events.check, "audit_log": container.spool.check}
    told = {
        **near.told,
        "secret_backend": secret_backend(container.adapter_context.secrets),
        "model": _model(container),
    }
    return Checks(needed, told)


def secret_backend(secrets: SecretManager) -> Check:
    """Read from the backend; unknown is how it is where this process has never asked it for anything."""

    async def read() -> Found | None:
        return None if await secrets.check() else Found("unknown")

    return read


def _model(container: Container) -> Check:
    model = container.settings.model
    lately = max(LATELY_SECONDS, PROBES_MISSED * (model.probe_seconds or 0))

    async def last() -> Found:
        """Read what workers have noted: this process may know no model."""
        try:
            async with asyncio.timeout(MODEL_READ_SECONDS):
                call = await last_call(container.sessions, model.name)
        except (SQLAlchemyError, OSError):  # that the database is away says nothing about the model
            return Found("unknown")
        if call is None:
            return Found("unknown")
        if call.age_seconds > lately:
            return Found("unknown", age_seconds=call.age_seconds)
        return Found("ok" if call.succeeded else "unavailable", call.seconds, call.age_seconds)

    return last
