"""Telemetry of a process: begun once, before anything is opened."""

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.sdk.trace import TracerProvider

from chassis.settings import Settings
from chassis.telemetry.instrumentation import instrument
from chassis.telemetry.logging import configure_logging
from chassis.telemetry.meters import start_meters
from chassis.telemetry.metrics import PUBLISH_FAILURES
from chassis.telemetry.tracing import start_tracing


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the process shows: `exposition` gives its metrics to Prometheus, `traces` are waiting for an exporter."""

    exposition: Callable[[], bytes]
    traces: TracerProvider


def start_telemetry(settings: Settings, process: str, instrumentations: tuple[str, ...]) -> Telemetry:
    """Begin logs, metrics and traces of this process, whose command is called `process`.

    Where traces go nowhere, they have ids for the log and nothing else: to record them costs a run
    of five empty steps half as much again.
    """
    configure_logging(settings.environment, settings.service.log_level)
    recorded = settings.telemetry_backend.sends
    ratio = settings.telemetry.sample_ratio if recorded else None
    traces = start_tracing(settings.service, ratio, process, settings.telemetry_backend.resource)
    exposition = start_meters(settings.service, process)
    PUBLISH_FAILURES.add(0)  # Prometheus sees no rise in the first that it hears of a series
    if recorded:
        instrument(instrumentations, settings.telemetry)
    return Telemetry(exposition, traces)
