"""The HTTP edge: problems, headers, limits, roles, health."""

import pytest
from tests.support.service import RunningService

from chassis.http.middleware import SECURITY_HEADERS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/threads", 405),
        ("GET", "/threads/no-uuid", 422),
        ("GET", "/threads/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/sample/failure", 500),
    ],
)
async def test_every_response_has_the_headers_and_every_error_is_a_problem(
    service: RunningService, method: str, path: str, status: int
) -> None:
    async with service.http() as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert dict(answer.headers).items() >= {name.lower(): value for name, value in SECURITY_HEADERS.items()}.items()
    assert answer.headers["x-request-id"]
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert "secret" not in answer.text


async def test_a_request_id_is_kept_when_it_is_harmless(service: RunningService) -> None:
    async with service.http() as http:
        kept = await http.get("/health/live", headers={"X-Request-ID": "abc-123"})
        replaced = await http.get("/health/live", headers={"X-Request-ID": "a b<script>"})
    assert kept.headers["x-request-id"] == "abc-123"
    assert len(replaced.headers["x-request-id"]) == 32


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused(service: RunningService, declared: bool) -> None:
    body = b'{"metadata": {"x": "' + b"x" * 1_100_000 + b'"}}'

    async def pieces() -> object:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    async with service.http() as http:
        answer = await http.post("/threads", content=body if declared else pieces())  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_roles_decide(service: RunningService) -> None:
    async with service.http(role="viewer") as http:
        refused = await http.post("/threads", json={})
        allowed = await http.post("/threads/search", json={})
    assert (refused.status_code, allowed.status_code) == (403, 200)
    assert "runs:write" in refused.json()["detail"]


async def test_a_foreign_credential_is_refused(service: RunningService) -> None:
    async with service.http() as http:
        answer = await http.post("/threads/search", json={}, headers={"Authorization": "Bearer something"})
    assert answer.status_code == 401


async def test_what_was_sent_is_not_echoed(service: RunningService) -> None:
    async with service.http() as http:
        answer = await http.post("/threads", json={"thread_id": "hunter2", "x": "hunter2"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert {error["where"] for error in answer.json()["errors"]} == {"body.thread_id", "body.x"}


async def test_ready_and_the_description(service: RunningService) -> None:
    async with service.http() as http:
        ready = await http.get("/health/ready")
        described = await http.get("/openapi.json")
    assert ready.json() == {"status": "ok", "checks": {"database": "ok", "queue": "ok"}}
    operations = [op for path in described.json()["paths"].values() for op in path.values()]
    assert all(op["responses"].keys() >= {"4XX", "5XX"} for op in operations)


async def test_a_thread_is_created_changed_found_and_deleted(service: RunningService) -> None:
    client = service.sdk()
    thread = await client.threads.create(metadata={"a": 1})
    again = await client.threads.create(thread_id=thread["thread_id"], if_exists="do_nothing")
    assert again["thread_id"] == thread["thread_id"]
    changed = await client.threads.update(thread["thread_id"], metadata={"b": 2})
    assert changed is not None
    assert changed["metadata"] == {"a": 1, "b": 2}
    assert [found["thread_id"] for found in await client.threads.search(metadata={"b": 2})] == [thread["thread_id"]]
    await client.threads.delete(thread["thread_id"])
    assert await client.threads.search() == []
