"""Metrics as Prometheus has them, and as they are before."""

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.parser import text_string_to_metric_families

from chassis.telemetry.metrics import ATTRIBUTES, COUNTERS, HISTOGRAMS, UNITS

# "Prometheus and OpenMetrics Compatibility", opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics: a unit
# becomes a suffix, one in braces none; a counter ends with _total.
SUFFIXES = {"s": "_seconds"}


def prometheus_names(name: str) -> list[str]:
    """Give the names of the series that a metric of ours becomes."""
    base = name.replace(".", "_") + SUFFIXES.get(UNITS[name], "")
    if name in COUNTERS:
        return [f"{base}_total"]
    return [f"{base}_{part}" for part in ("bucket", "count", "sum")] if name in HISTOGRAMS else [base]


def emitted() -> dict[str, frozenset[str]]:
    """Give every series that the code can emit, with its labels."""
    return {
        series: frozenset(label.replace(".", "_") for label in (*labels, "service.name"))
        | ({"le"} if series.endswith("_bucket") else frozenset())
        for name, labels in ATTRIBUTES.items()
        for series in prometheus_names(name)
    }


def samples(page: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Read a page of metrics; labels that are empty are none."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if value}
            found.setdefault(sample.name, []).append((labels, sample.value))
    return found


def sums(reader: InMemoryMetricReader, name: str) -> dict[tuple[tuple[str, object], ...], float]:
    """Give what a counter has come to, by its attributes."""
    data = reader.get_metrics_data()
    return (
        {
            tuple(sorted((point.attributes or {}).items())): point.value  # type: ignore[union-attr]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name.lower()
            for point in metric.data.data_points
        }
        if data
        else {}
    )
