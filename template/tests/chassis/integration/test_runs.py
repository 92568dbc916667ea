"""Runs through the stock SDK: accepted, executed, streamed, joined."""

import asyncio
from uuid import uuid4

import pytest
from langgraph_sdk.errors import ConflictError, NotFoundError
from tests.support.service import RunningService

pytestmark = pytest.mark.slow


async def test_wait_gives_the_final_values(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create(metadata={"topic": "x"})
    values = await client.runs.wait(thread["thread_id"], "agent", input={"rounds": 3})
    assert values == {"rounds": 3, "done": 3, "log": ["round 0", "round 1", "round 2"]}
    state = await client.threads.get_state(thread["thread_id"])
    assert (state["values"], state["next"], state["tasks"]) == (values, [], [])
    found = await client.threads.get(thread["thread_id"])
    assert (found["status"], found["metadata"], found["values"]) == ("idle", {"topic": "x"}, values)


async def test_a_stream_has_metadata_the_requested_modes_and_an_end(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    created: list[dict[str, object]] = []
    stream = client.runs.stream(
        thread["thread_id"],
        "agent",
        input={"rounds": 2},
        stream_mode=["updates", "custom"],
        on_run_created=lambda metadata: created.append(dict(metadata)),
    )
    parts = [part async for part in stream]
    assert [part.event for part in parts] == ["metadata", "custom", "updates", "custom", "updates", "updates", "end"]
    assert parts[2].data == {"step": {"done": 1, "log": ["round 0"]}}
    assert created[0]["run_id"] == parts[0].data["run_id"]


async def test_a_stream_resumes_after_the_last_event_seen(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    run = await client.runs.create(thread["thread_id"], "agent", input={"rounds": 4}, stream_mode="values")
    whole = [part async for part in client.runs.join_stream(thread["thread_id"], run["run_id"])]
    assert [part.event for part in whole] == ["metadata", *["values"] * 5, "end"]
    seen = whole[3].id
    rest = [part async for part in client.runs.join_stream(thread["thread_id"], run["run_id"], last_event_id=seen)]
    assert rest == whole[4:]


async def test_create_then_join(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    run = await client.runs.create(thread["thread_id"], "agent", input={"rounds": 1}, metadata={"by": "test"})
    assert run["status"] == "pending"
    assert (await client.runs.join(thread["thread_id"], run["run_id"]))["done"] == 1
    found = await client.runs.get(thread["thread_id"], run["run_id"])
    assert (found["status"], found["metadata"]) == ("success", {"by": "test"})
    assert [item["run_id"] for item in await client.runs.list(thread["thread_id"])] == [run["run_id"]]


async def test_a_run_without_a_thread_gets_one_of_its_own(service: RunningService) -> None:
    values = await service.sdk().runs.wait(None, "agent", input={"rounds": 1})
    assert isinstance(values, dict)
    assert values["done"] == 1


async def test_runs_of_one_thread_are_executed_in_order_one_at_a_time(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    runs = [
        await client.runs.create(thread["thread_id"], "agent", input={"rounds": 3 * (number + 1), "delay": 0.02})
        for number in range(3)
    ]
    final = await client.runs.join(thread["thread_id"], runs[-1]["run_id"])
    assert final["log"] == [f"round {number}" for number in range(9)]


async def test_a_busy_thread_rejects_when_asked_to(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    run = await client.runs.create(thread["thread_id"], "agent", input={"rounds": 1, "delay": 0.5})
    with pytest.raises(ConflictError):
        await client.runs.create(thread["thread_id"], "agent", input={}, multitask_strategy="reject")
    await client.runs.join(thread["thread_id"], run["run_id"])


async def test_an_interrupted_run_is_resumed_by_a_command(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    values = await client.runs.wait(thread["thread_id"], "agent", input={"rounds": 1, "ask": True})
    assert isinstance(values, dict)
    assert values["__interrupt__"][0]["value"] == "Shall I?"
    assert (await client.threads.get(thread["thread_id"]))["status"] == "interrupted"
    assert (await client.threads.get_state(thread["thread_id"]))["next"] == ["ask"]
    values = await client.runs.wait(thread["thread_id"], "agent", command={"resume": "yes"})
    assert isinstance(values, dict)
    assert values["answer"] == "yes"
    assert (await client.threads.get(thread["thread_id"]))["status"] == "idle"


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("known", "SampleError", "The sample was told to fail."),
        ("unknown", "ValueError", "The run failed in an unforeseen way"),
    ],
)
async def test_a_failed_run_says_why_and_no_more(service: RunningService, kind: str, error: str, message: str) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    values = await client.runs.wait(thread["thread_id"], "agent", input={"fail": kind}, raise_error=False)
    assert isinstance(values, dict)
    assert values["__error__"]["error"] == error
    assert values["__error__"]["message"].startswith(message)
    assert "secret" not in str(values)
    assert (await client.threads.get(thread["thread_id"]))["status"] == "error"


async def test_a_failed_thread_can_be_used_again(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create()
    await client.runs.wait(thread["thread_id"], "agent", input={"fail": "known", "rounds": 1}, raise_error=False)
    values = await client.runs.wait(thread["thread_id"], "agent", input={"fail": "", "rounds": 1})
    assert isinstance(values, dict)
    assert values["done"] == 1


async def test_what_belongs_to_others_is_not_found(service: RunningService) -> None:
    owner, colleague, stranger = service.sdk("acme", "ada"), service.sdk("acme", "bob"), service.sdk("other", "ada")
    thread = await owner.threads.create()
    run = await owner.runs.create(thread["thread_id"], "agent", input={"rounds": 1})
    for client in (colleague, stranger):
        with pytest.raises(NotFoundError):
            await client.threads.get(thread["thread_id"])
        with pytest.raises(NotFoundError):
            await client.runs.get(thread["thread_id"], run["run_id"])
        with pytest.raises(NotFoundError):
            await client.runs.create(thread["thread_id"], "agent", input={}, if_not_exists="create")
        assert await client.threads.search(ids=None) == []


async def test_many_runs_at_once_all_end(service: RunningService) -> None:
    client = service.sdk()
    values = await asyncio.gather(*(client.runs.wait(None, "agent", input={"rounds": 2}) for _ in range(40)))
    assert [value["done"] for value in values if isinstance(value, dict)] == [2] * 40


async def test_what_is_not_supported_is_refused_by_name(service: RunningService) -> None:
    async with service.http() as http:
        body = {"assistant_id": "agent", "input": {}, "webhook": "https://x", "multitask_strategy": "rollback"}
        answer = await http.post("/runs", json=body)
    assert answer.status_code == 501
    assert answer.json()["detail"] == (
        "This server does not support webhook, multitask_strategy=rollback; leave it out."
    )


async def test_an_unknown_assistant_or_thread_is_not_found(service: RunningService) -> None:
    client = service.sdk()
    with pytest.raises(NotFoundError):
        await client.runs.create(None, "nobody", input={})
    with pytest.raises(NotFoundError):
        await client.runs.create(str(uuid4()), "agent", input={})
    assert (await client.assistants.get("agent"))["graph_id"] == "agent"
    assert len(await client.assistants.search()) == 1
