"""The figures of this process, collected by the OpenTelemetry SDK and read by Prometheus."""

from collections.abc import Callable
from functools import partial

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from chassis.settings import ServiceSettings
from chassis.telemetry.resource import process_resource


def start_meters(service: ServiceSettings, process: str) -> Callable[[], bytes]:
    """Begin to collect what the instruments of `telemetry.metrics` are told; give what shows it as Prometheus reads it."""
    registry = CollectorRegistry()
    # The scope says nothing that the names do not. The service does, where one Prometheus scrapes several.
    reader = PrometheusMetricReader(
        registry=registry, scope_info_enabled=False, resource_attribute_filter=lambda name: name == "service.name"
    )
    metrics.set_meter_provider(MeterProvider([reader], process_resource(service, process)))
    return partial(generate_latest, registry)
