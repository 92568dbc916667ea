"""The remote model's adapter: the vendor's real client against a server that speaks the protocol on loopback."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.tools import tool
from openai import InternalServerError
from tests.support.openai_endpoint import openai_endpoint
from tests.support.secret_backend import SecretStore

from chassis import selected
from chassis.container import Container
from chassis.import_strings import load_object
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.secrets import SecretBackend, SecretNotFoundError
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import ModelSettings

pytestmark = pytest.mark.slow


@pytest.fixture
async def context(container: Container, secret_backend: SecretBackend) -> AsyncIterator[AdapterContext]:
    secrets = CachedSecretManager(secret_backend)
    yield replace(container.adapter_context, secrets=secrets)
    await secrets.close()


@pytest.fixture
def endpoint(secret_store: SecretStore) -> Iterator[Any]:
    secret_store.put("model_api_key", "sk-probe")
    with openai_endpoint() as found:
        yield found


def settings(url: str) -> ModelSettings:
    return ModelSettings(
        provider="openai_compatible",
        name="some-model",
        base_url=url,
        api_key="secret://model_api_key",
        timeout_seconds=5,
    )


@tool
def count(colour: str) -> int:
    """Count things of a colour."""
    return len(colour)


async def test_the_configured_endpoint_is_called_with_the_key_and_the_tools(
    endpoint: Any, context: AdapterContext
) -> None:
    handler, url = endpoint
    open_model: Callable[..., Any] = load_object(selected.MODELS["openai_compatible"])
    model = await open_model(settings(url), context)
    answer = await model.bind_tools([count]).ainvoke("How many are red?")
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("count", {"colour": "red"})]
    [(path, headers, body)] = handler.requests
    assert (path, headers["authorization"], body["model"]) == ("/v1/chat/completions", "Bearer sk-probe", "some-model")
    assert body["tools"][0]["function"]["name"] == "count"
    assert "sk-probe" not in repr(model)


async def test_a_rotated_key_is_used_by_the_next_call(
    endpoint: Any, context: AdapterContext, secret_store: SecretStore
) -> None:
    handler, url = endpoint
    model = await load_object(selected.MODELS["openai_compatible"])(settings(url), context)
    for key in ("sk-probe", "sk-rotated"):
        secret_store.put("model_api_key", key)
        context.secrets.invalidate("model_api_key")
        await model.ainvoke("Hello?")
    assert [headers["authorization"] for _, headers, _ in handler.requests] == ["Bearer sk-probe", "Bearer sk-rotated"]


async def test_the_client_does_not_retry_by_itself(endpoint: Any, context: AdapterContext) -> None:
    handler, url = endpoint
    handler.status = 500
    model = await load_object(selected.MODELS["openai_compatible"])(settings(url), context)
    with pytest.raises(InternalServerError):
        await model.ainvoke("Hello?")
    assert len(handler.requests) == 1


async def test_a_missing_key_is_one_sentence(context: AdapterContext) -> None:
    open_model = load_object(selected.MODELS["openai_compatible"])
    with pytest.raises(SecretNotFoundError, match="'model_api_key' is not there"):
        await open_model(settings("http://127.0.0.1:1/v1"), context)


async def test_every_named_model_opens_into_one_with_a_name(context: AdapterContext, endpoint: Any) -> None:
    _, url = endpoint
    for provider, reference in selected.MODELS.items():
        wanted = settings(url).model_copy(update={"provider": provider})
        model = await load_object(reference)(wanted, context)
        assert model.model_name == "some-model"
