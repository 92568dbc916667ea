"""The service desk's endpoints, end to end."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from tests.agent.conftest import TENANT
from tests.support.service import RunningService

pytestmark = pytest.mark.slow


@pytest.fixture
async def http(desk: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.http(TENANT) as client:
        yield client


@pytest.fixture
async def own(desk: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant with no tickets."""
    async with desk.http(f"t-{uuid4().hex[:8]}") as client:
        yield client


NEW = {"subject": "  Screen flickers ", "category": "hardware", "requester": "ada"}


async def test_pages_follow_one_another_without_gaps_or_repeats(http: httpx.AsyncClient) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await http.get("/tickets", params={"limit": 10, **({"cursor": cursor} if cursor else {})})).json()
        seen += [ticket["reference"] for ticket in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 36


async def test_a_page_stays_right_while_tickets_are_opened(own: httpx.AsyncClient) -> None:
    for _ in range(3):
        await own.post("/tickets", json=NEW)
    first = (await own.get("/tickets", params={"limit": 2})).json()
    await own.post("/tickets", json=NEW)
    second = (await own.get("/tickets", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    references = [ticket["reference"] for page in (first, second) for ticket in page["items"]]
    assert len(references) == len(set(references)) == 3
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("params", "field", "value"),
    [
        ({"status": "waiting"}, "status", "waiting"),
        ({"assignee": "MARA"}, "assignee", "mara"),
        ({"text": "wifi"}, None, None),
    ],
)
async def test_filters_narrow(http: httpx.AsyncClient, params: dict[str, str], field: str | None, value: str) -> None:
    items = (await http.get("/tickets", params={**params, "limit": 100})).json()["items"]
    assert 0 < len(items) < 36
    assert all(item[field] == value if field else "wifi" in item["subject"].lower() for item in items)


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 101}, {"status": "odd"}, {"cursor": "x"}, {"colour": "red"}, {"text": "a\x00"}]
)
async def test_a_wrong_query_is_a_problem(http: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await http.get("/tickets", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_text_is_searched_literally(own: httpx.AsyncClient) -> None:
    await own.post("/tickets", json={**NEW, "subject": "100% CPU in a_b"})
    await own.post("/tickets", json={**NEW, "subject": "1000 CPUs in axb"})
    for text in ("100%", "a_b"):
        assert len((await own.get("/tickets", params={"text": text})).json()["items"]) == 1


async def test_open_read_and_change_with_etags(own: httpx.AsyncClient) -> None:
    created = await own.post("/tickets", json=NEW)
    assert created.status_code == 201
    assert created.json()["subject"] == "Screen flickers"
    location, etag = created.headers["location"], created.headers["etag"]

    unchanged = await own.get(location, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)

    missing = await own.patch(location, json={"status": "resolved"})
    assert missing.status_code == 428
    changed = await own.patch(location, json={"status": "resolved"}, headers={"If-Match": etag})
    assert (changed.json()["status"], changed.json()["version"]) == ("resolved", 2)
    assert changed.json()["resolved_at"]
    stale = await own.patch(location, json={"status": "open"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    again = await own.get(location, headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["etag"]) == (200, changed.headers["etag"])


@pytest.mark.parametrize(
    "body",
    [
        {"subject": None},
        {"status": None},
        {"status": "odd"},
        {"number": 1},
        {"subject": ""},
        {"subject": "a\nb"},
        {"description": "a\x00b"},
    ],
)
async def test_a_wrong_change_is_a_problem_and_changes_nothing(own: httpx.AsyncClient, body: dict[str, object]) -> None:
    created = await own.post("/tickets", json=NEW)
    headers = {"If-Match": created.headers["etag"]}
    answer = await own.patch(created.headers["location"], json=body, headers=headers)
    assert answer.status_code == 422
    assert (await own.get(created.headers["location"])).json() == created.json()


async def test_other_tenants_tickets_do_not_exist(desk: RunningService, own: httpx.AsyncClient) -> None:
    location = (await own.post("/tickets", json=NEW)).headers["location"]
    async with desk.http("somebody-else") as other:
        assert (await other.get(location)).status_code == 404
        assert (await other.get("/tickets")).json()["items"] == []


async def test_a_viewer_reads_only(desk: RunningService) -> None:
    async with desk.http(TENANT, role="viewer") as viewer:
        assert (await viewer.get("/tickets")).status_code == 200
        assert (await viewer.post("/tickets", json=NEW)).status_code == 403


@pytest.mark.parametrize("reference", ["TCK-999999", "tck-1", "TCK-", "1001", "TCK-99999999999"])
async def test_what_is_not_there_is_a_problem(own: httpx.AsyncClient, reference: str) -> None:
    assert (await own.get(f"/tickets/{reference}")).status_code in {404, 422}


async def test_the_description_has_examples(http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    assert described["components"]["schemas"]["TicketIn"]["examples"]
    assert set(described["paths"]["/tickets/{reference}"]) == {"get", "patch"}
