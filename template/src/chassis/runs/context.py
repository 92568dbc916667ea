"""What a run's tools and nodes can reach: the caller, the database, and the promise not to do a thing twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.audit.spool import AuditSpool
from chassis.db import json
from chassis.db.engine import Sessions
from chassis.jobs.lease import Lease, fenced
from chassis.ports.identity import Principal
from chassis.runs.tables import ToolReceipt


@dataclass(frozen=True)
class RunContext:
    """LangGraph's runtime context in every graph: `runtime.context`."""

    _lease: Lease = field(repr=False)
    thread_id: UUID
    _sessions: Sessions = field(repr=False)
    _spool: AuditSpool = field(repr=False)

    @property
    def principal(self) -> Principal:
        """For whom the run is executed, with the roles of the moment it was accepted."""
        return self._lease.caller

    @property
    def run_id(self) -> UUID:
        """The run itself."""
        return self._lease.job_id

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for reading, refused when the run has been taken over."""
        async with fenced(self._sessions, self._lease) as session:
            yield session

    async def once(
        self, tool: str, tool_call_id: str, effect: Callable[[AsyncSession], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Let a tool call take effect exactly once, and give its result however often the call is executed.

        The effect, its receipt and its audit event commit in one transaction, so this holds for effects in this
        database only. A call repeated after a crash finds the receipt and is answered from it. What was intended is audited
        before, in a transaction of its own: of a call that fails or never returns, the log has the intent.
        """
        await self._spool.require_room()
        await self._intend(tool, tool_call_id)
        async with fenced(self._sessions, self._lease) as session:
            key = {"thread_id": self.thread_id, "tool_call_id": tool_call_id}
            claimed = await session.scalar(
                insert(ToolReceipt)
                .values(
                    **key,
                    tool=tool,
                    result={},
                    tenant_id=self.principal.tenant_id,
                    owner_id=self.principal.subject,
                )
                .on_conflict_do_nothing()
                .returning(ToolReceipt.tool_call_id)
            )
            receipt = await session.get_one(ToolReceipt, key)
            if claimed is not None:
                receipt.result = json.loads(json.dump_bytes(await effect(session)))
                record(session, self.principal, "tool.called", f"tool/{tool}", **self._ids(tool_call_id))
            return receipt.result

    async def _intend(self, tool: str, tool_call_id: str) -> None:
        async with fenced(self._sessions, self._lease) as session:
            record(session, self.principal, "tool.intended", f"tool/{tool}", **self._ids(tool_call_id))

    def _ids(self, tool_call_id: str) -> dict[str, Any]:
        return {"run_id": str(self.run_id), "thread_id": str(self.thread_id), "tool_call_id": tool_call_id}
