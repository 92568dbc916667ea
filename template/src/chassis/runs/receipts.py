"""The receipt of one consequential tool call, and what the audit log is told of it: every write under the run's fence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import Outcome, record
from chassis.db import json
from chassis.db.engine import Sessions
from chassis.jobs.lease import Lease, fenced
from chassis.ports.errors import ChassisError
from chassis.runs.tables import ToolReceipt


class EffectRefusedError(ChassisError):
    """The other service refused this for good, so nothing was done there; change what you ask for."""

    status = 422
    title = "Refused"


class ToolCallIdError(ChassisError):
    """A consequential tool call needs an id that no other call on its thread has, since its receipt is found by it."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool with consequences, as the run that makes it may write about it."""

    sessions: Sessions
    lease: Lease
    thread_id: UUID
    tool: str
    tool_call_id: str

    def __post_init__(self) -> None:
        """Refuse an empty id: two calls that had one would be taken for the same."""
        if not self.tool_call_id:
            raise ToolCallIdError

    @property
    def key(self) -> str:
        """What the call is known by elsewhere: the same however often it is executed, 36 characters."""
        return str(uuid5(self.thread_id, self.tool_call_id))

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction, refused with `LeaseLostError` when the run has been taken over."""
        async with fenced(self.sessions, self.lease) as session:
            yield session

    async def receipt(self, session: AsyncSession) -> ToolReceipt | None:
        """Read what is known of the call; raise `EffectRefusedError` when it was refused, as it was then."""
        found = await session.get(ToolReceipt, {"thread_id": self.thread_id, "tool_call_id": self.tool_call_id})
        if found is not None and found.tool != self.tool:
            raise ToolCallIdError
        if found is not None and found.state == "refused":
            raise EffectRefusedError(found.result["detail"])
        return found

    def new_receipt(self, state: str, result: dict[str, Any]) -> ToolReceipt:
        """Make the row; the caller adds it."""
        return ToolReceipt(
            thread_id=self.thread_id,
            tool_call_id=self.tool_call_id,
            tool=self.tool,
            state=state,
            result=result,
            tenant_id=self.lease.caller.tenant_id,
            owner_id=self.lease.caller.subject,
        )

    def record(self, session: AsyncSession, action: str, outcome: Outcome = "success", **details: Any) -> None:
        """Add an audit event of the call to the transaction."""
        ids = {"run_id": str(self.lease.job_id), "thread_id": str(self.thread_id), "tool_call_id": self.tool_call_id}
        record(session, self.lease.caller, action, f"tool/{self.tool}", outcome=outcome, **ids, **details)

    async def note_failure(self, error: BaseException) -> None:
        """Tell the audit log that the call failed, and as what; the error's words may hold anything, so they stay out."""
        async with self.fenced() as session:
            self.record(session, "tool.called", "failure", error=type(error).__name__)


def storable(result: dict[str, Any]) -> dict[str, Any]:
    """Give a result as it will be read from its receipt, so that the first execution answers like every later one."""
    stored: dict[str, Any] = json.loads(json.dump_bytes(result))
    return stored
