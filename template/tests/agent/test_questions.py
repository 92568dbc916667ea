"""Questions in many words; each answer is compared with SQL written for this test, not with the agent's own."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.agent.conftest import TENANT, said
from tests.support.service import RunningService

pytestmark = pytest.mark.slow

UNRESOLVED = "status <> 'resolved'"
LATE = "((status = 'resolved' AND resolved_at > due_at) OR (status <> 'resolved' AND due_at < now()))"
AGE = "extract(epoch FROM coalesce(resolved_at, now()) - opened_at) / 86400"

COUNTS = [
    ("How many tickets are open?", "status = 'open'"),
    ("How many tickets are there?", "true"),
    ("What is the total number of tickets?", "true"),
    ("Count the urgent tickets.", "priority = 'urgent'"),
    ("How many critical tickets are not resolved?", f"priority = 'urgent' AND {UNRESOLVED}"),
    ("How many open tickets are past their deadline?", f"status = 'open' AND {LATE}"),
    ("How many tickets are overdue?", LATE),
    ("How many network tickets do we have?", "category = 'network'"),
    ("How many vpn or connectivity problems are closed?", "category = 'network' AND status = 'resolved'"),
    ("How many tickets is mara working on, that is, assigned to mara?", "assignee = 'mara'"),
    ("How many unresolved tickets are handled by Jonas?", f"assignee = 'jonas' AND {UNRESOLVED}"),
    ("How many tickets are unassigned?", "assignee IS NULL"),
    ("How many open tickets has nobody taken?", "status = 'open' AND assignee IS NULL"),
    ("How many tickets are older than 14 days?", "opened_at < now() - interval '14 days'"),
    (
        "How many unresolved tickets were opened more than ten days ago?",
        f"opened_at < now() - interval '10 days' AND {UNRESOLVED}",
    ),
    ("Count the hardware tickets that are in progress", "category = 'hardware' AND status = 'in_progress'"),
    ("How many tickets are on hold?", "status = 'waiting'"),
    ("How many important software tickets?", "priority = 'high' AND category = 'software'"),
    ("Number of resolved tickets that missed their deadline?", f"status = 'resolved' AND {LATE}"),
    ("how many low facilities tickets", "priority = 'low' AND category = 'facilities'"),
]
FIGURES = [
    ("What is the average age of open tickets?", f"SELECT round(avg({AGE}), 1) FROM ticket WHERE status = 'open'"),
    ("How old is the oldest unresolved ticket?", f"SELECT round(max({AGE}), 1) FROM ticket WHERE {UNRESOLVED}"),
    ("What is the mean age of urgent tickets?", f"SELECT round(avg({AGE}), 1) FROM ticket WHERE priority = 'urgent'"),
    (
        "How many days do network tickets take to resolve?",
        f"SELECT round(avg({AGE}), 1) FROM ticket WHERE category = 'network' AND status = 'resolved'",
    ),
    (
        "What is the maximum age of a hardware ticket?",
        f"SELECT round(max({AGE}), 1) FROM ticket WHERE category = 'hardware'",
    ),
]
GROUPS = [
    ("How many tickets are there per status?", "status", "true"),
    ("How many open tickets by category?", "category", "status = 'open'"),
    ("Count the overdue tickets for each priority.", "priority", LATE),
]
LISTS = [
    ("Which tickets are urgent and not resolved?", f"priority = 'urgent' AND {UNRESOLVED}"),
    ("List the waiting tickets", "status = 'waiting'"),
    ('Find tickets about "wifi"', "subject ILIKE '%wifi%'"),
    ("Show me the late network tickets.", f"category = 'network' AND {LATE}"),
]


async def ask(desk: RunningService, question: str) -> str:
    values: Any = await desk.sdk(TENANT).runs.wait(None, "agent", input=said(question))
    calls = [call for message in values["messages"] for call in message.get("tool_calls") or []]
    assert calls, "the model must have called a tool"
    return str(values["messages"][-1]["content"])


async def fetch(desk: RunningService, query: str) -> list[tuple[Any, ...]]:
    scoped = query.replace(" FROM ticket WHERE ", f" FROM ticket WHERE tenant_id = '{TENANT}' AND ")
    async with desk.container.sessions() as session:
        return [tuple(row) for row in await session.execute(text(scoped))]


def plain(figure: Any) -> str:
    return str(int(figure)) if figure == int(figure) else str(float(figure))


@pytest.mark.parametrize(("question", "condition"), COUNTS, ids=[question for question, _ in COUNTS])
async def test_counts(desk: RunningService, question: str, condition: str) -> None:
    [(expected,)] = await fetch(desk, f"SELECT count(*) FROM ticket WHERE ({condition})")
    assert (await ask(desk, question)).split()[0] == str(expected)


@pytest.mark.parametrize(("question", "query"), FIGURES, ids=[question for question, _ in FIGURES])
async def test_figures(desk: RunningService, question: str, query: str) -> None:
    [(before,)] = await fetch(desk, query)
    answer = await ask(desk, question)
    [(after,)] = await fetch(desk, query)  # ages grow while the question is answered
    assert answer.rstrip(".").split()[-1] in {plain(before), plain(after)}


@pytest.mark.parametrize(("question", "column", "condition"), GROUPS, ids=[question for question, _, _ in GROUPS])
async def test_groups(desk: RunningService, question: str, column: str, condition: str) -> None:
    rows = await fetch(desk, f"SELECT {column}, count(*) FROM ticket WHERE ({condition}) GROUP BY 1 ORDER BY 1")
    expected = ", ".join(f"{name}: {count}" for name, count in rows)
    assert expected in await ask(desk, question)


@pytest.mark.parametrize(("question", "condition"), LISTS, ids=[question for question, _ in LISTS])
async def test_lists(desk: RunningService, question: str, condition: str) -> None:
    rows = await fetch(desk, f"SELECT number FROM ticket WHERE ({condition}) ORDER BY opened_at")
    answer = await ask(desk, question)
    assert [word for word in answer.replace(";", " ").split() if word.startswith("TCK-")] == [
        f"TCK-{n}" for (n,) in rows
    ]


async def test_two_questions_in_one(desk: RunningService) -> None:
    answer = await ask(desk, "How many tickets are open, and how many are urgent?")
    [(first,)] = await fetch(desk, "SELECT count(*) FROM ticket WHERE status = 'open'")
    [(second,)] = await fetch(desk, "SELECT count(*) FROM ticket WHERE priority = 'urgent'")
    assert answer == f"{first} tickets match. {second} tickets match."


async def test_a_conversation_goes_on(desk: RunningService) -> None:
    client = desk.sdk(TENANT)
    thread = await client.threads.create()
    await client.runs.wait(thread["thread_id"], "agent", input=said("How many tickets are open?"))
    values: Any = await client.runs.wait(thread["thread_id"], "agent", input=said("How many are closed?"))
    [(closed,)] = await fetch(desk, "SELECT count(*) FROM ticket WHERE status = 'resolved'")
    assert values["messages"][-1]["content"] == f"{closed} tickets match."
    assert len(values["messages"]) == 8


async def test_the_answer_streams_word_by_word(desk: RunningService) -> None:
    client = desk.sdk(TENANT)
    stream = client.runs.stream(
        None,
        "agent",
        input=said("How many tickets are open?"),
        stream_mode="messages-tuple",
    )
    chunks = [part.data[0] async for part in stream if part.event == "messages"]
    words = [chunk["content"] for chunk in chunks if chunk["type"] == "AIMessageChunk" and chunk["content"]]
    assert len(words) == 3
    assert "".join(words).endswith(" tickets match.")
