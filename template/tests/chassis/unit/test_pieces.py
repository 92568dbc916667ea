"""Small pieces on their own."""

import logging
from pathlib import Path

import pytest

from chassis import selected
from chassis.db import json
from chassis.db.base import Base
from chassis.dev.services import past_proxies
from chassis.http.etag import etag_of, if_match
from chassis.http.pagination import decode_cursor, encode_cursor
from chassis.import_strings import BadImportStringError, load_object
from chassis.ports.errors import (
    ChassisError,
    InvalidRequestError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
)
from chassis.ports.secrets import Secret, with_password
from chassis.runs.stream_modes import langgraph_modes
from chassis.wiring import BY_IMPORT_STRING, load_agent


def test_a_secret_shows_itself_only_when_revealed(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("database_password", "hunter2")
    with caplog.at_level(logging.INFO):
        logging.getLogger().info("%s %r", secret, secret)
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {caplog.text}"
    assert secret.reveal() == "hunter2"


@pytest.mark.parametrize("user", ["app", "app:old"])
def test_a_password_is_put_into_a_url_whatever_it_holds(user: str) -> None:
    url = with_password(f"postgresql://{user}@db:5432/app?x=1", "p@ss:/w%rd")
    assert url == "postgresql://app:p%40ss%3A%2Fw%25rd@db:5432/app?x=1"


def test_every_import_string_leads_somewhere() -> None:
    agent = load_agent()
    strings = [agent.graph, agent.routes, f"{agent.models}:__name__", *BY_IMPORT_STRING]
    strings += [
        selected.CHECKPOINTS,
        selected.DEV_AUDIT_SINK,
        selected.DEV_QUEUE,
        selected.DEV_STATE_STORE,
        selected.OPEN_AUDIT_SINK,
        selected.DEV_SECRET_BACKEND,
        *selected.MODELS.values(),
        *([agent.seed] if agent.seed else []),
    ]
    assert all(load_object(string) is not None for string in strings)


@pytest.mark.parametrize("string", ["chassis", "chassis.nowhere:x", "chassis.settings:nothing"])
def test_a_wrong_import_string_is_one_sentence(string: str) -> None:
    with pytest.raises(BadImportStringError, match="'chassis"):
        load_object(string)


def test_every_table_carries_tenant_owner_and_creation_time() -> None:
    load_object(f"{load_agent().models}:__name__")
    models = [mapper.class_.__table__ for mapper in Base.registry.mappers]
    assert models
    for table in models:
        assert {"tenant_id", "owner_id", "created_at"} <= set(table.columns.keys()), table.name
    others = set(Base.metadata.tables) - {table.name for table in models}
    assert others == {"audit_unsealed", "audit_seal", "audit_head", "audit_shipment"}, (
        "these are the log's, not a tenant's"
    )


def test_json_survives_what_postgres_cannot_hold() -> None:
    assert json.loads(json.dumps({"a\x00b": ["c\x00d", r"\u0000 as text"]})) == {
        "a\ufffdb": ["c\ufffdd", r"\u0000 as text"]
    }
    assert json.dumps({"set": {1}, "other": object}).startswith('{"set":[1],"other":"<class')


def test_an_error_speaks_with_its_docstring() -> None:
    assert NotFoundError().detail == "There is nothing here under that id, or you may not see it."
    assert NotFoundError("No such thing.").detail == "No such thing."
    assert {error.status for error in ChassisError.__subclasses__()} <= {
        401,
        403,
        404,
        409,
        412,
        422,
        428,
        500,
        501,
        503,
    }


def test_if_match_protects_changes() -> None:
    tag = etag_of("ticket", 1)
    if_match(tag, tag)
    if_match(f'"other", {tag}', tag)
    with pytest.raises(PreconditionRequiredError):
        if_match(None, tag)
    with pytest.raises(PreconditionFailedError):
        if_match(etag_of("ticket", 2), tag)


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "eyJhIjoxfQ", encode_cursor("a", "b"), encode_cursor(1)])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    assert decode_cursor(encode_cursor(1, "b"), int, str) == [1, "b"]
    with pytest.raises(InvalidRequestError):
        decode_cursor(cursor, int, str)


def test_the_projection_always_has_its_checkpoints() -> None:
    assert langgraph_modes(["messages-tuple", "values"]) == ["checkpoints", "messages", "values"]
    assert langgraph_modes([]) == ["checkpoints"]


def test_one_adapter_a_port_is_present_for_each_choice() -> None:
    adapters = Path("src/chassis/adapters")
    for port in ("queue", "secret_backend", "checkpointer", "live_events", "identity"):
        choices = [
            path.stem for path in (adapters / port).glob("*.py") if not path.stem.endswith(("_settings", "__init__"))
        ]
        assert len(choices) == 1, port


def test_a_proxy_is_no_way_to_this_machine() -> None:
    assert past_proxies({}) == {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    found = past_proxies({"NO_PROXY": "internal,localhost", "HTTPS_PROXY": "http://proxy"})
    assert found == {"NO_PROXY": "internal,127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
