"""Executing one leased run: the graph's steps become events and a projection; its end becomes a status."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError, GraphDrained, GraphRecursionError
from langgraph.runtime import RunControl
from langgraph.types import Command, StateSnapshot
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.spool import AuditSpool
from chassis.db.engine import Sessions, single_statement
from chassis.jobs.attempt import DrainedError, Ending
from chassis.jobs.keeper import Hold
from chassis.ports.errors import ChassisError
from chassis.ports.live_events import LiveEvents
from chassis.runs.context import RunContext
from chassis.runs.events import EMPTY, FLUSH_SECONDS, PROJECT_SECONDS, RunLog, extent
from chassis.runs.model_seen import ModelCalls
from chassis.runs.projection import StateProjection
from chassis.runs.question import QuestionPendingError, last_status, passes_over
from chassis.runs.steps import StepRecorder
from chassis.runs.stream_modes import StreamTranslator, langgraph_modes
from chassis.runs.tables import Run, Thread
from chassis.settings import RunSettings
from chassis.telemetry.prices import PriceTable

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph


RequireStored = Callable[[str, str], Awaitable[None]]
"""`Checkpoints.require`: raises unless a thread's checkpoint, or a later one, is in the state store."""


class Leased(NamedTuple):
    """What a run has that other jobs have not, and the last checkpoint of its thread that was stored."""

    thread_id: UUID
    assistant_id: UUID
    metadata: dict[str, Any]
    multitask_strategy: str
    stored: str | None


LEASED = (
    select(Run.thread_id, Run.assistant_id, Run.run_metadata, Run.multitask_strategy, Thread.stored_checkpoint_id)
    .join(Thread)
    .where(Run.job_id == bindparam("job"))
)


class GraphRunner:
    """Executes runs on one compiled graph."""

    def __init__(
        self,
        graph: "CompiledStateGraph[Any, RunContext, Any, Any]",
        sessions: Sessions,
        live_events: LiveEvents,
        settings: RunSettings,
        spool: AuditSpool,
        require_stored: RequireStored,
        prices: PriceTable,
        calls: ModelCalls,
    ) -> None:
        """Take the graph, which was compiled with the checkpointer, and what it needs around it."""
        self.prices = prices
        self.calls = calls
        self.require_stored = require_stored
        self.graph = graph
        self.sessions = sessions
        self.live_events = live_events
        self.settings = settings
        self.spool = spool

    def __call__(self, hold: Hold) -> "RunExecution":
        """Make the execution of one attempt."""
        return RunExecution(self, hold)


class RunExecution:
    """One attempt at one run; see `chassis.jobs.attempt.Execution`."""

    def __init__(self, runner: GraphRunner, hold: Hold) -> None:
        """Begin nothing yet."""
        self._runner = runner
        self._lease = hold.lease
        self._control = RunControl()
        self._steps = StepRecorder(hold.lease.caller.tenant_id, runner.prices, runner.calls)
        self._log: RunLog | None = None

    async def run(self) -> Ending:
        """Stream the graph from its input, or from where an earlier attempt left it, to its end or an interrupt."""
        runner, lease = self._runner, self._lease
        async with single_statement(runner.sessions) as session:
            run = Leased(*(await session.execute(LEASED, {"job": lease.job_id})).one())
            begun = EMPTY if lease.first else await extent(session, lease.job_id)
        log = self._log = RunLog(
            runner.sessions, runner.live_events, lease, run.thread_id, begun, runner.settings.log_bytes
        )
        # Where nothing is streamed nobody waits to see it begin, and a short run needs no batch of its own for it.
        within = FLUSH_SECONDS if lease.payload["stream_mode"] else PROJECT_SECONDS
        log.add("metadata", {"run_id": str(lease.job_id), "attempt": lease.attempt}, within)
        if run.stored is not None:  # else an emptied store would look like a thread that has just begun
            await runner.require_stored(str(run.thread_id), run.stored)
        try:
            state = await self._stream(run, log, never_run=lease.first and run.stored is None)
        except GraphDrained:
            raise DrainedError from None
        log.project(state)
        return Ending("interrupted" if state.tasks else "success")

    def drain(self) -> None:
        """Let LangGraph stop at the end of the step."""
        self._control.request_drain()

    async def settle(self) -> None:
        """Wait for a batch of events that is being written."""
        if self._log is not None:
            await self._log.settle()

    async def write_last(self, session: AsyncSession) -> None:
        """Write the last batch of events, the state, and what was done."""
        if self._log is not None:  # without one nothing was begun
            await self._log.write_last(session, self._steps.steps)

    def describe(self, error: Exception) -> dict[str, Any]:
        """Say what a caller may know: our own errors in their words, of others the kind and where to look."""
        return describe(error)

    async def _stream(self, run: Leased, log: RunLog, *, never_run: bool) -> StateProjection:
        graph, runner, lease = self._runner.graph, self._runner, self._lease
        config = self._config(run)
        begun = False
        if not never_run:
            state = await graph.aget_state(config)
            begun = (state.metadata or {}).get("run_id") == str(lease.job_id)
            if begun and not unfinished(state):
                return projection_of(state)
            if not begun and state.interrupts and passes_over(lease.payload, run.multitask_strategy):
                await self._require_no_question(run.thread_id)
        requested = lease.payload["stream_mode"]
        translator = StreamTranslator(requested)
        stream: AsyncIterator[Any] = graph.astream(
            None if begun else graph_input_of(lease.payload),
            config,
            context=RunContext(lease, run.thread_id, runner.sessions, runner.spool),
            stream_mode=langgraph_modes(requested),
            durability="sync",
            control=self._control,
        )
        last: StateProjection | None = None
        async for mode, data in stream:
            for event, payload in translator.translate(mode, data):
                log.add(event, payload)
            if mode == "checkpoints":
                last = StateProjection.from_checkpoint_event(data)
                log.project(last)
        if last is None or last.tasks:
            return projection_of(
                await graph.aget_state(config)
            )  # which alone knows the interrupts that a run ended with
        return replace(last, stored_checkpoint_id=last.checkpoint_id)  # what was streamed to the end is stored

    async def _require_no_question(self, thread_id: UUID) -> None:
        """Refuse a run that was accepted while another ran, which then ended with a question."""
        async with single_statement(self._runner.sessions) as session:
            if await session.scalar(last_status(thread_id)) == "interrupted":
                raise QuestionPendingError

    def _config(self, run: Leased) -> RunnableConfig:
        given = self._lease.payload.get("config") or {}
        return {
            "configurable": {"thread_id": str(run.thread_id)},
            "metadata": {**run.metadata, "run_id": str(self._lease.job_id), "assistant_id": str(run.assistant_id)},
            "recursion_limit": min(given.get("recursion_limit", 10_000), self._runner.settings.recursion_limit),
            "tags": given.get("tags", []),
            "callbacks": [self._steps],
        }


def unfinished(state: StateSnapshot) -> bool:
    """Say whether the graph has steps before it.

    `state.next` does not tell: a step whose writes were stored, but not yet the checkpoint after it, is not in it.
    """
    return bool(state.tasks)


def graph_input_of(payload: Mapping[str, Any]) -> Any:
    """Give what the graph is started with: a command (such as the answer to an interrupt), or the input."""
    command = payload.get("command")
    if command:
        return Command(resume=command.get("resume"), update=command.get("update"), goto=command.get("goto") or ())
    return payload.get("input")


def projection_of(snapshot: StateSnapshot) -> StateProjection:
    """Read a state snapshot."""
    tasks = [
        {
            "id": task.id,
            "name": task.name,
            "error": repr(task.error) if task.error else None,
            "interrupts": [asdict(interrupt) for interrupt in task.interrupts],
        }
        for task in snapshot.tasks
    ]
    checkpoint_id = snapshot.config.get("configurable", {}).get("checkpoint_id")
    return StateProjection(
        values=snapshot.values,
        next_nodes=list(snapshot.next),
        tasks=tasks,
        checkpoint_id=checkpoint_id,
        stored_checkpoint_id=checkpoint_id,
        metadata=dict(snapshot.metadata or {}),
    )


def describe(error: Exception) -> dict[str, Any]:
    """Say what a caller may know of a failed run."""
    if isinstance(error, ChassisError):
        return {"error": type(error).__name__, "message": error.detail}
    if isinstance(error, GraphRecursionError):
        message = "The agent took more steps than runs.recursion_limit allows; ask for less, or raise the limit."
        return {"error": "GraphRecursionError", "message": message}
    if isinstance(error, EmptyInputError):
        return {"error": "EmptyInputError", "message": "The input has none of the fields that the agent's graph reads."}
    message = "The run failed in an unforeseen way; the worker's log has the details under this run's id."
    return {"error": type(error).__name__, "message": message}
