"""Executing one leased run: the graph's steps become events and a projection; its end becomes a status."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError, GraphDrained, GraphRecursionError
from langgraph.runtime import RunControl
from langgraph.types import Command, StateSnapshot

from chassis.audit.spool import AuditSpool
from chassis.db.engine import Sessions
from chassis.ports.errors import ChassisError
from chassis.ports.live_events import LiveEvents
from chassis.runs.context import RunContext
from chassis.runs.events import END, RunLog, next_sequence
from chassis.runs.finish import finish
from chassis.runs.lease import Lease, LeaseLostError, fenced, keep
from chassis.runs.projection import StateProjection
from chassis.runs.release import release
from chassis.runs.stream_modes import StreamTranslator, langgraph_modes
from chassis.runs.tables import RunStatus
from chassis.runs.transient import is_transient
from chassis.settings import RunSettings

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

log = structlog.get_logger()


class Executor:
    """Executes leases on one compiled graph."""

    def __init__(
        self,
        graph: "CompiledStateGraph[Any, RunContext, Any, Any]",
        sessions: Sessions,
        live_events: LiveEvents,
        settings: RunSettings,
        spool: AuditSpool,
    ) -> None:
        """Take the graph, which was compiled with the checkpointer, and what it needs around it."""
        self._spool = spool
        self._graph = graph
        self._sessions = sessions
        self._live_events = live_events
        self._settings = settings

    async def execute(self, lease: Lease, control: RunControl) -> None:
        """Run to the end, to a drain, or until the lease is lost; then nothing more is written."""
        work = asyncio.create_task(self._execute(lease, control), name=f"run:{lease.run_id}")
        heartbeat = asyncio.create_task(keep(self._sessions, lease, self._settings.lease_seconds))
        try:
            await asyncio.wait({work, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                log.warning("run.lease_lost", run_id=str(lease.run_id), fence=lease.fence)
            work.cancel()
            heartbeat.cancel()
            await asyncio.gather(work, heartbeat, return_exceptions=True)

    async def _execute(self, lease: Lease, control: RunControl) -> None:
        structlog.contextvars.bind_contextvars(run_id=str(lease.run_id), attempt=lease.attempt)
        try:
            async with self._sessions() as session:
                first = await next_sequence(session, lease.run_id)
            run_log = RunLog(self._sessions, self._live_events, lease, first)
            try:
                await self._stream_to_end(lease, control, run_log)
            finally:
                await run_log.settle()
        except LeaseLostError:
            log.warning("run.lease_lost", fence=lease.fence)
        except GraphDrained:
            await release(self._sessions, lease)
            log.info("run.drained")
        except Exception as error:
            if is_transient(error):
                log.warning("run.left_to_the_sweeper", error=type(error).__name__)
            else:
                log.exception("run.left_to_the_sweeper")

    async def _stream_to_end(self, lease: Lease, control: RunControl, run_log: RunLog) -> None:
        try:
            state = await self._stream(lease, control, run_log)
        except (GraphDrained, LeaseLostError):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("run.failed")
            await self._end(lease, run_log, "error", describe(error))
        else:
            run_log.project(projection_of(state))
            await self._end(lease, run_log, "interrupted" if state.next else "success")

    async def _stream(self, lease: Lease, control: RunControl, run_log: RunLog) -> StateSnapshot:
        """Stream the graph from its input, or from where an earlier attempt of this run left it."""
        run_log.add("metadata", {"run_id": str(lease.run_id), "attempt": lease.attempt})
        config = self._config(lease)
        state = await self._graph.aget_state(config)
        begun = (state.metadata or {}).get("run_id") == str(lease.run_id)
        if not begun or state.next:
            graph_input = None if begun else graph_input_of(lease)
            requested = lease.kwargs["stream_mode"]
            translator = StreamTranslator(requested)
            context = RunContext(lease.caller, lease, self._sessions, self._spool)
            stream: AsyncIterator[Any] = self._graph.astream(
                graph_input,
                config,
                context=context,
                stream_mode=langgraph_modes(requested),
                durability="sync",
                control=control,
            )
            async for mode, data in stream:
                for event, payload in translator.translate(mode, data):
                    run_log.add(event, payload)
                if mode == "checkpoints":
                    run_log.project(StateProjection.from_checkpoint_event(data))
            state = await self._graph.aget_state(config)
        return state

    def _config(self, lease: Lease) -> RunnableConfig:
        given = lease.kwargs.get("config") or {}
        return {
            "configurable": {"thread_id": str(lease.thread_id)},
            "metadata": {**lease.metadata, "run_id": str(lease.run_id), "assistant_id": str(lease.assistant_id)},
            "recursion_limit": min(given.get("recursion_limit", 10_000), self._settings.recursion_limit),
            "tags": given.get("tags", []),
        }

    async def _end(
        self,
        lease: Lease,
        run_log: RunLog,
        status: RunStatus,
        error: dict[str, Any] | None = None,
    ) -> None:
        if error is not None:
            run_log.add("error", error)
        run_log.add(END, None)
        await run_log.settle()
        async with fenced(self._sessions, lease, exclusive=True) as session:
            await run_log.write_last(session)
            await finish(
                session,
                run_id=lease.run_id,
                thread_id=lease.thread_id,
                caller=lease.caller,
                status=status,
                error=error,
            )
        await self._live_events.notify(lease.run_id)
        log.info("run.finished", status=status)


def graph_input_of(lease: Lease) -> Any:
    """Give what the graph is started with: a command (such as the answer to an interrupt), or the input."""
    command = lease.kwargs.get("command")
    if command:
        return Command(resume=command.get("resume"), update=command.get("update"), goto=command.get("goto") or ())
    return lease.kwargs.get("input")


def projection_of(snapshot: StateSnapshot) -> StateProjection:
    """Read a state snapshot, which alone knows the interrupts that a run ended with."""
    tasks = [
        {
            "id": task.id,
            "name": task.name,
            "error": repr(task.error) if task.error else None,
            "interrupts": [asdict(interrupt) for interrupt in task.interrupts],
        }
        for task in snapshot.tasks
    ]
    return StateProjection(
        values=snapshot.values,
        next_nodes=list(snapshot.next),
        tasks=tasks,
        checkpoint_id=snapshot.config.get("configurable", {}).get("checkpoint_id"),
        metadata=dict(snapshot.metadata or {}),
    )


def describe(error: Exception) -> dict[str, Any]:
    """Say what a caller may know: our own errors in their words, of others the kind and where to look."""
    if isinstance(error, ChassisError):
        return {"error": type(error).__name__, "message": error.detail}
    if isinstance(error, GraphRecursionError):
        message = "The agent took more steps than runs.recursion_limit allows; ask for less, or raise the limit."
        return {"error": "GraphRecursionError", "message": message}
    if isinstance(error, EmptyInputError):
        return {"error": "EmptyInputError", "message": "The input has none of the fields that the agent's graph reads."}
    message = "The run failed in an unforeseen way; the worker's log has the details under this run's id."
    return {"error": type(error).__name__, "message": message}
