"""Every metric that this service emits, by name: dashboards, rules and documentation name no other.

Names, units and attributes follow OpenTelemetry's semantic conventions 1.43 where these have one; the rest is `chassis.*`.
Prometheus shows `http.server.request.duration` in `s` as `http_server_request_duration_seconds`.
"""

from opentelemetry.metrics import get_meter

CONVENTIONS = "https://opentelemetry.io/schemas/1.43.0"
"""The version of the semantic conventions that names follow, of traces too: `opentelemetry.semconv.schemas`."""

METER = get_meter("chassis", schema_url=CONVENTIONS)

# "Semantic conventions for HTTP metrics", opentelemetry.io/docs/specs/semconv/http/http-metrics: name, unit and boundaries.
HTTP_SERVER_DURATION = METER.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="how long requests took, streams until their end",
    explicit_bucket_boundaries_advisory=[
        0.005,
        0.01,
        0.025,
        0.05,
        0.075,
        0.1,
        0.25,
        0.5,
        0.75,
        1,
        2.5,
        5,
        7.5,
        10,
    ],
)

DEPENDENCY_UP = METER.create_gauge(
    "chassis.dependency.up", description="1 when the dependency answered the last readiness probe, else 0"
)
