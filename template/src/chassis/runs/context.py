"""What a run's tools and nodes can reach: the caller, the database, and the promise not to do a thing twice."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langgraph.errors import GraphBubbleUp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.spool import AuditSpool
from chassis.db.engine import Sessions
from chassis.jobs.lease import Lease, fenced
from chassis.ports.fence import LeaseLostError
from chassis.ports.identity import Principal
from chassis.runs.receipts import ToolCall, storable
from chassis.runs.remote import RemoteCall
from chassis.runs.resolutions import Act, EffectUnknownError, Unknown
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
        self, tool: str, tool_call_id: str | None, effect: Callable[[AsyncSession], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Let a tool call take effect in this database exactly once, and give its result however often it is executed.

        The effect, its receipt and its audit event commit in one transaction. A call repeated after a crash finds the receipt
        and is answered from it. What was intended is audited before, in a transaction of its own: of a call that never
        returns, the log has the intent.
        """
        await self._spool.require_room()
        call = self._call(tool, tool_call_id)
        async with call.fenced() as session:
            call.record(session, "tool.intended")
        try:
            async with call.fenced() as session:
                receipt = await call.receipt(session)
                if receipt is None:
                    receipt = call.new_receipt("done", storable(await effect(session)))
                    session.add(receipt)
                    call.record(session, "tool.called")
                elif receipt.state != "done":  # a release before this one made it a call of another service
                    raise EffectUnknownError
                return receipt.result
        except (LeaseLostError, GraphBubbleUp):
            raise
        except Exception as error:
            await call.note_failure(error)
            raise

    async def once_remote(self, tool: str, tool_call_id: str | None, act: Act, *, unknown: Unknown) -> dict[str, Any]:
        """Let a tool call take effect at another service, and give its result however often it is executed.

        The intent is committed before `act(key)`, a receipt with its result after; `key` is the same for each execution of
        this call. When an intent has no receipt, since the worker died or `act` failed in whatever way, nobody here knows
        whether the other service did it: that is found out as `unknown` says, which also decides what is guaranteed
        (docs/tools.md).

        `act` raises `EffectRefusedError` when the other service refused for good, which is kept and raised again for each
        execution. Check arguments before this call: whatever else `act` raises, a mistake included, means "unknown".
        """
        await self._spool.require_room()
        return await RemoteCall(self._call(tool, tool_call_id), act, unknown).result()

    async def receipts(self, tool_call_ids: Sequence[str]) -> dict[str, ToolReceipt]:
        """Read what is known of these calls; a call without consequences has no receipt."""
        mine = ToolReceipt.thread_id == self.thread_id, ToolReceipt.tool_call_id.in_(tool_call_ids)
        async with self.session() as session:
            return {found.tool_call_id: found for found in await session.scalars(select(ToolReceipt).where(*mine))}

    def _call(self, tool: str, tool_call_id: str | None) -> ToolCall:
        return ToolCall(self._sessions, self._lease, self.thread_id, tool, tool_call_id or "")
