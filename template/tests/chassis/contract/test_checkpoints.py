"""What every state store must do with checkpoints; the chosen one is tested, on a real server."""

import asyncio
import datetime as dt
import operator
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import psycopg
import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.graph import END, START, StateGraph
from tests.support.checkpoints import Claims, checkpoints_on, config_of, growing_graph, working_under
from tests.support.state_store import StateStore

from chassis.checkpoints.pruning import pruning
from chassis.jobs.transient import is_transient
from chassis.ports.checkpoints import CheckpointsLostError
from chassis.ports.fence import LeaseLostError

pytestmark = pytest.mark.slow


class Growing(TypedDict):
    messages: Annotated[list[str], operator.add]


async def test_it_conforms_to_langgraph_in_everything(state_store: StateStore) -> None:
    @checkpointer_test(name="chosen")
    async def chosen() -> AsyncIterator[BaseCheckpointSaver[str]]:
        async with checkpoints_on(state_store, keep_last=1000) as checkpoints:
            yield checkpoints.saver

    report = await validate(chosen)
    assert {name: result.failures for name, result in report.results.items() if result.failures} == {}
    assert {name for name, result in report.results.items() if result.passed} == {one.value for one in Capability}


async def test_a_zombie_writes_nothing(state_store: StateStore, claims: Claims) -> None:
    thread_id = str(uuid4())
    config = config_of(thread_id)
    first = await claims.claim()
    async with checkpoints_on(state_store) as checkpoints:
        saver = checkpoints.saver
        with working_under(first):
            await growing_graph(saver).ainvoke({"steps": 2}, config, durability="sync")
            state = await saver.aget_tuple(config)
            assert state is not None
        with working_under(await claims.take_over(first)):
            assert await saver.aget_tuple(config) is not None
        before = await state_store.count(thread_id)
        assert state is not None
        with working_under(first):
            checkpoint = {**empty_checkpoint(), "channel_values": {"a": [1]}, "channel_versions": {"a": "9"}}
            for write in (
                saver.aput(state.config, checkpoint, {"step": 0}, {"a": "9"}),  # type: ignore[arg-type]
                saver.aput_writes(state.config, [("messages", ["late"])], "task"),
                saver.adelete_thread(thread_id),
                saver.aprune([thread_id]),
                checkpoints.prune(thread_id, 1),
                checkpoints.delete(thread_id),
            ):
                with pytest.raises(LeaseLostError):
                    await write
        assert await state_store.count(thread_id) == before
        found = await saver.aget_tuple(config)
        assert found is not None
        assert found.checkpoint["id"] == state.checkpoint["id"]


async def test_a_step_that_failed_after_it_had_written_is_done_again_whole(state_store: StateStore) -> None:
    """LangGraph keeps what it had written beside the error, and would take that for all that the step had to say."""
    failures = [psycopg.OperationalError(), ValueError()]

    def further(state: Growing) -> str:
        if failures and len(state["messages"]) == 2:
            raise failures.pop()
        return "add" if len(state["messages"]) < 4 else END

    async def add(state: Growing) -> Growing:
        return {"messages": [f"message {len(state['messages'])}"]}

    async with checkpoints_on(state_store) as checkpoints:
        graph = StateGraph(Growing)
        graph.add_node("add", add)
        graph.add_edge(START, "add")
        graph.add_conditional_edges("add", further)
        compiled, config = graph.compile(checkpointer=checkpoints.saver), config_of(str(uuid4()))
        given: Growing | None = {"messages": []}
        for failure in (ValueError, psycopg.OperationalError):
            with pytest.raises(failure):
                await compiled.ainvoke(given, config, durability="sync")
            given = None
        ended = await compiled.ainvoke(None, config, durability="sync")
    assert ended["messages"] == [f"message {number}" for number in range(4)]


async def test_a_graph_that_is_overtaken_in_a_step_saves_nothing_of_it(state_store: StateStore, claims: Claims) -> None:
    thread_id = str(uuid4())
    config = config_of(thread_id)
    fence = await claims.claim()

    async with checkpoints_on(state_store) as checkpoints:

        async def overtake(number: int) -> None:
            if number == 1:
                with working_under(await claims.take_over(fence)):
                    await checkpoints.saver.aget_tuple(config)

        with working_under(fence), pytest.raises(LeaseLostError):
            await growing_graph(checkpoints.saver, overtake).ainvoke({"steps": 3}, config, durability="sync")
        found = await checkpoints.saver.aget_tuple(config)
        assert found is not None
        assert found.checkpoint["channel_values"]["done"] == 1
        assert found.pending_writes == []


async def test_a_later_job_of_the_thread_goes_on_where_an_earlier_one_ended(
    state_store: StateStore, claims: Claims
) -> None:
    config = config_of(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        many_claims = await claims.take_over(await claims.take_over(await claims.claim()))
        for fence, steps in ((many_claims, 2), (await claims.claim(), 4)):
            with working_under(fence):
                await graph.ainvoke({"steps": steps}, config, durability="sync")
        assert (await graph.aget_state(config)).values["done"] == 4


async def test_without_a_claim_everybody_may_write(state_store: StateStore, claims: Claims) -> None:
    config = config_of(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        with working_under(await claims.claim()):
            await growing_graph(checkpoints.saver).ainvoke({"steps": 1}, config, durability="sync")
        await growing_graph(checkpoints.saver).ainvoke({"steps": 3}, config, durability="sync")


async def test_what_a_worker_saves_whose_clock_is_behind_is_the_newest(state_store: StateStore) -> None:
    config = config_of(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        await graph.ainvoke({"steps": 1}, config, durability="sync")
        found = await checkpoints.saver.aget_tuple(config)
        assert found is not None
        tomorrow = _later(found.checkpoint["id"])
        await checkpoints.saver.aput(
            found.config, {**found.checkpoint, "id": tomorrow}, {"step": 5, "source": "loop", "parents": {}}, {}
        )
        await graph.ainvoke({"steps": 3}, config, durability="sync")
        found = await checkpoints.saver.aget_tuple(config)
        assert found is not None
        assert found.checkpoint["channel_values"]["done"] == 3
        assert found.checkpoint["id"] > tomorrow


def _later(checkpoint_id: str) -> str:
    """Move a checkpoint's id a day ahead, give or take: the first twelve digits count 409.6 microseconds."""
    digits = checkpoint_id.replace("-", "")
    moved = f"{int(digits[:12], 16) + 210_937_500:012x}"
    return f"{moved[:8]}-{moved[8:]}-{checkpoint_id[14:]}"


async def test_a_store_that_is_gone_is_an_error_and_never_a_fresh_start(state_store: StateStore) -> None:
    config = config_of(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        begun: list[int] = []

        async def note(number: int) -> None:
            begun.append(number)

        graph = growing_graph(checkpoints.saver, note)
        await graph.ainvoke({"steps": 2}, config, durability="sync")
        begun.clear()
        with state_store.outage():
            caught = await asyncio.gather(
                checkpoints.saver.aget_tuple(config),
                graph.aget_state(config),
                graph.ainvoke({"steps": 3}, config, durability="sync"),
                checkpoints.require(config["configurable"]["thread_id"], "0"),
                checkpoints.check(),
                return_exceptions=True,
            )
        errors = [found for found in caught if isinstance(found, BaseException) and is_transient(found)]
        assert len(errors) == 5, caught
        assert begun == [], "the graph began anew"
        await checkpoints.check()
        assert (await graph.ainvoke({"steps": 3}, config, durability="sync"))["done"] == 3
        assert begun == [2]


async def test_state_that_was_lost_is_noticed_by_who_continues(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    config = config_of(thread_id)
    async with checkpoints_on(state_store) as checkpoints:
        await growing_graph(checkpoints.saver).ainvoke({"steps": 2}, config, durability="sync")
        found = await checkpoints.saver.aget_tuple(config)
        assert found is not None
        await checkpoints.require(thread_id, found.checkpoint["id"])
        with pytest.raises(CheckpointsLostError):
            await checkpoints.require(thread_id, _later(found.checkpoint["id"]))
        await state_store.forget()
        with pytest.raises(CheckpointsLostError):
            await checkpoints.require(thread_id, found.checkpoint["id"])


async def test_pruning_keeps_the_last_and_what_they_refer_to(state_store: StateStore) -> None:
    thread_id, other = str(uuid4()), str(uuid4())
    async with checkpoints_on(state_store, keep_last=1000) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        for one in (thread_id, other):
            await graph.ainvoke({"steps": 8, "word": "kept"}, config_of(one), durability="sync")
        before, others = await state_store.count(thread_id), await state_store.count(other)
        history = [state async for state in graph.aget_state_history(config_of(thread_id))]
        assert await checkpoints.prune(thread_id, 3) == len(history) - 3
        assert [state async for state in graph.aget_state_history(config_of(thread_id))] == history[:3]
        assert await state_store.count(thread_id) < before / 2
        assert await state_store.count(other) == others
        assert (await graph.ainvoke({"steps": 10}, config_of(thread_id), durability="sync"))["done"] == 10


async def test_pruning_by_age_spares_the_last(state_store: StateStore) -> None:
    threads = [str(uuid4()) for _ in range(3)]
    async with checkpoints_on(state_store, keep_last=1000) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        for one in threads:
            await graph.ainvoke({"steps": 4}, config_of(one), durability="sync")
        ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        assert await checkpoints.prune_older(ago, 100) == 0
        ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=10)
        assert await checkpoints.prune_older(ahead, 2) == 2
        assert await checkpoints.prune_older(ahead, 100) == 1
        assert await checkpoints.prune_older(ahead, 100) == 0
        for one in threads:
            assert len([state async for state in graph.aget_state_history(config_of(one))]) == 1
            assert (await graph.aget_state(config_of(one))).values["done"] == 4


async def test_storage_grows_with_the_length_of_a_run_and_not_with_its_square(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    async with checkpoints_on(state_store, keep_last=10) as checkpoints:
        sizes: dict[int, tuple[int, int]] = {}

        async def measure(number: int) -> None:
            if number in (75, 150, 300):
                sizes[number] = await state_store.count(thread_id), len(await state_store.raw())

        graph = growing_graph(checkpoints.saver, measure)
        await graph.ainvoke({"steps": 301}, config_of(thread_id), durability="sync")
    assert sizes[300][0] < 20 * 10
    assert sizes[300][1] < 2.5 * sizes[150][1] < 2.5 * 2.5 * sizes[75][1]


async def test_a_deleted_thread_leaves_nothing(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        await growing_graph(checkpoints.saver).ainvoke({"steps": 2}, config_of(thread_id), durability="sync")
        await checkpoints.delete(thread_id)
        assert await state_store.count(thread_id) == 0
        assert await checkpoints.saver.aget_tuple(config_of(thread_id)) is None


async def test_the_hourly_job_prunes_by_age(state_store: StateStore) -> None:
    config = config_of(uuid4())
    async with checkpoints_on(state_store, keep_last=1000) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        await graph.ainvoke({"steps": 4}, config, durability="sync")
        settings = state_store.settings.checkpoints.model_copy(update={"keep_days": -10.0})
        unused: Any = None
        await pruning(checkpoints, settings)(unused)
        assert len([state async for state in graph.aget_state_history(config)]) == 1
