"""A question to a person stands until it is answered: a new input neither answers it nor makes it forgotten."""

import asyncio
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError
from tests.support.service import RunningService

pytestmark = pytest.mark.slow


async def thread_with_a_question(client: LangGraphClient) -> str:
    thread_id: str = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread_id, "agent", input={"rounds": 1, "ask": True})
    return thread_id


async def answered(client: LangGraphClient, thread_id: str) -> Any:
    values: Any = await client.runs.wait(thread_id, "agent", command={"resume": "yes"})
    return values.get("answer")


async def test_a_new_input_is_refused_and_the_question_can_still_be_answered(service: RunningService) -> None:
    client = service.sdk()
    thread_id = await thread_with_a_question(client)
    with pytest.raises(ConflictError, match=r"give it with command\.resume"):
        await client.runs.create(thread_id, "agent", input={"rounds": 1})
    assert (await client.threads.get(thread_id))["status"] == "interrupted"
    assert await answered(client, thread_id) == "yes"


async def test_a_new_input_that_was_accepted_before_the_question_is_refused_too(service: RunningService) -> None:
    client = service.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    asking = await client.runs.create(thread_id, "agent", input={"rounds": 1, "ask": True, "delay": 0.5})
    late = [await client.runs.create(thread_id, "agent", input={"rounds": 1}) for _ in range(2)]
    for run in (asking, *late):
        async with asyncio.timeout(60):
            await client.runs.join(thread_id, run["run_id"])
    assert [(await client.runs.get(thread_id, run["run_id"]))["status"] for run in late] == ["error", "error"]
    assert (await client.threads.get(thread_id))["status"] == "interrupted"
    assert await answered(client, thread_id) == "yes"


async def test_whoever_says_so_drops_the_question(service: RunningService) -> None:
    client = service.sdk()
    thread_id = await thread_with_a_question(client)
    values: Any = await client.runs.wait(
        thread_id, "agent", input={"rounds": 1, "ask": False}, multitask_strategy="interrupt"
    )
    assert values["done"] == 2
    assert (await client.threads.get(thread_id))["status"] == "idle"


async def test_an_answer_that_fails_frees_the_thread(service: RunningService) -> None:
    """Else a tool that cannot cope with its answer would keep the thread for ever."""
    client = service.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread_id, "agent", input={"rounds": 1, "ask": True, "stumble": True})
    await client.runs.wait(thread_id, "agent", command={"resume": "yes"}, raise_error=False)
    assert (await client.threads.get(thread_id))["status"] == "error"
    values: Any = await client.runs.wait(thread_id, "agent", input={"rounds": 1, "ask": False, "stumble": False})
    assert values["done"] == 2
