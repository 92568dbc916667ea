"""Telemetry of a process: begun once, before anything is opened."""

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.sdk.trace import TracerProvider

from chassis.settings import Settings
from chassis.telemetry.instrumentation import instrument
from chassis.telemetry.logging import configure_logging
from chassis.telemetry.meters import start_meters
from chassis.telemetry.tracing import start_tracing


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the process shows: `exposition` gives its metrics to Prometheus, `traces` are waiting for an exporter."""

    exposition: Callable[[], bytes]
    traces: TracerProvider


def start_telemetry(settings: Settings, process: str, instrumentations: tuple[str, ...]) -> Telemetry:
    """Begin logs, metrics and traces of this process, whose command is called `process`."""
    configure_logging(settings.environment, settings.service.log_level)
    traces = start_tracing(settings.service, settings.telemetry, process)
    exposition = start_meters(settings.service, process)
    instrument(instrumentations, settings.telemetry)
    return Telemetry(exposition, traces)
