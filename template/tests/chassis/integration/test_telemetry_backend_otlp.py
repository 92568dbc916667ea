"""What a collector is sent over OTLP/HTTP, and as whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from tests.support.otlp_receiver import Receiver, receiver

from chassis.adapters.telemetry_backend.otlp import open_span_exporter
from chassis.adapters.telemetry_backend.otlp_settings import TelemetryBackendSettings
from chassis.container import Container
from chassis.ports.secrets import Secret
from chassis.secrets.cache import CachedSecretManager, CachePolicy

pytestmark = pytest.mark.slow


class Backend:
    """A secret backend with one secret."""

    def __init__(self) -> None:
        self.value = "first-token"

    async def read(self, name: str) -> Secret:
        return Secret(name, self.value)


@asynccontextmanager
async def opened(container: Container, collector: Receiver, secrets: Backend) -> AsyncIterator[SpanExporter]:
    settings = TelemetryBackendSettings.model_validate(
        {"url": collector.url, "token": "secret://telemetry_token"}, context={"environment": "test"}
    )
    manager = CachedSecretManager(secrets, policy=CachePolicy(ttl=0.1))
    context = replace(container.adapter_context, secrets=manager)
    async with open_span_exporter(settings, context) as exporter:
        assert exporter is not None
        yield exporter
    await manager.close()


async def send(exporter: SpanExporter, name: str) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    await asyncio.to_thread(lambda: provider.get_tracer("test").start_span(name).end())


async def test_a_collector_gets_protobuf_and_the_token_that_is_the_newest(container: Container) -> None:
    secrets = Backend()
    with receiver() as collector:
        async with opened(container, collector, secrets) as exporter:
            await send(exporter, "one")
            secrets.value = "second-token"
            async with asyncio.timeout(60):
                while "second" not in collector.headers[-1]["authorization"]:
                    await asyncio.sleep(0.1)
                    await send(exporter, "two")
        assert collector.spans[0].name == "one"
        assert collector.headers[0]["authorization"] == "Bearer first-token"
        assert {(head["content-type"], head["content-encoding"]) for head in collector.headers} == {
            ("application/x-protobuf", "gzip")
        }
        assert set(collector.paths) == {"/v1/traces"}


@pytest.mark.parametrize("url", ["http://user:pass@collector:4318", "http://collector:4318/?key=x"])
def test_an_address_holds_no_credential(url: str) -> None:
    with pytest.raises(ValueError, match="credential"):
        TelemetryBackendSettings.model_validate({"url": url})


def test_a_token_is_not_shown_without_tls_in_production() -> None:
    given = {"url": "http://collector:4318", "token": "secret://telemetry_token"}
    with pytest.raises(ValueError, match="https"):
        TelemetryBackendSettings.model_validate(given, context={"environment": "production"})
