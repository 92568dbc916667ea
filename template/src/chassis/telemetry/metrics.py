"""Every metric that this service emits, by name, with every attribute that it may have: rules and dashboards name no other.

Names, units and attributes follow OpenTelemetry's semantic conventions where these have one; the rest is `chassis.*`.
Prometheus shows `chassis.job.duration` in `s` as `chassis_job_duration_seconds`. No attribute holds what somebody outside
made up, unless it is `bounded`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation, get_meter
from opentelemetry.metrics import _Gauge as Gauge

CONVENTIONS = "https://opentelemetry.io/schemas/1.44.0"
"""The version of the semantic conventions that names follow, of traces too; FastAPI's own is the same."""

METER = get_meter("chassis", schema_url=CONVENTIONS)
OTHER = "_other"
LONG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
SHORT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

ATTRIBUTES: dict[str, frozenset[str]] = {
    # By FastAPI itself (fastapi.telemetry), and by opentelemetry-instrumentation-genai-langchain.
    "http.server.request.duration": frozenset(
        {
            "error.type",
            "http.request.method",
            "http.response.status_code",
            "http.route",
            "network.protocol.version",
            "url.scheme",
        }
    ),
    "http.server.active_requests": frozenset({"http.request.method", "url.scheme"}),
}
"""Which attributes each metric has: what is not here is not emitted, and what is here is."""
UNITS = {"http.server.request.duration": "s", "http.server.active_requests": "{request}"}
COUNTERS: set[str] = set()
HISTOGRAMS = {"http.server.request.duration"}


def _declared(name: str, unit: str, attributes: Sequence[str]) -> None:
    ATTRIBUTES[name], UNITS[name] = frozenset(attributes), unit


def _counter(name: str, unit: str, description: str, *attributes: str) -> Counter:
    _declared(name, unit, attributes)
    COUNTERS.add(name)
    return METER.create_counter(name, unit, description)


def _histogram(name: str, description: str, buckets: Sequence[float], *attributes: str) -> Histogram:
    _declared(name, "s", attributes)
    HISTOGRAMS.add(name)
    return METER.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=buckets)


def _gauge(name: str, unit: str, description: str, *attributes: str) -> Gauge:
    _declared(name, unit, attributes)
    return METER.create_gauge(name, unit, description)


Reading = Iterable[tuple[float, dict[str, str]]]


class Watched:
    """A gauge that is read when somebody asks, from whatever is there to be read at that moment."""

    def __init__(self, name: str, unit: str, description: str, *attributes: str) -> None:
        """Declare it."""
        _declared(name, unit, attributes)
        self._sources: list[Callable[[], Reading]] = []
        METER.create_observable_gauge(name, [self._read], unit, description)

    @contextmanager
    def reading(self, source: Callable[[], Reading]) -> Iterator[None]:
        """Read this source, too, while the context is open. It is called in another thread."""
        self._sources.append(source)
        try:
            yield
        finally:
            self._sources.remove(source)

    def _read(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, labels) for source in tuple(self._sources) for value, labels in source()]


class Bounded:
    """Lets the first so many values of an attribute through and calls the others `_other`: series cost memory for ever."""

    def __init__(self, limit: int) -> None:
        """Allow this many."""
        self.limit = limit
        self._known: set[str] = set()

    def __call__(self, value: Any) -> str:
        """Give the value, or `_other`."""
        text = str(value)
        if text not in self._known:
            if len(self._known) >= self.limit:
                return OTHER
            self._known.add(text)
        return text


tenant_label = Bounded(50)
model_label = Bounded(20)
tool_label = Bounded(100)
step_label = Bounded(100)
kind_label = Bounded(100)
route_label = Bounded(100)

DEPENDENCY_UP = _gauge(
    "chassis.dependency.up", "", "1 when it answered the last readiness probe of this process, else 0", "dependency"
)

JOBS_ACCEPTED = _counter("chassis.job.accepted", "{job}", "jobs accepted or redriven", "kind")
JOB_WAIT = _histogram(
    "chassis.job.wait", "from when a job was due until a worker began an attempt at it", LONG_SECONDS, "kind"
)
JOB_DURATION = _histogram(
    "chassis.job.duration", "attempts at jobs, by how they ended", LONG_SECONDS, "kind", "outcome"
)
JOBS_SWEPT = _counter(
    "chassis.job.swept", "{job}", "jobs whose worker went silent, by what became of them", "kind", "status"
)
JOBS_DEAD = _counter("chassis.job.dead", "{job}", "jobs given up after all their attempts", "kind")
JOBS_RUNNING = Watched("chassis.worker.jobs", "{job}", "jobs that this worker executes at the moment")
JOB_SLOTS = Watched("chassis.worker.slots", "{job}", "jobs that this worker may execute at once")

QUEUE_JOBS = _gauge("chassis.queue.jobs", "{job}", "jobs in the database, as each worker counts them", "state")
QUEUE_AGE = _gauge("chassis.queue.oldest", "s", "how long the job has been due that has been due longest")
QUEUE_MESSAGES = _gauge("chassis.queue.messages", "{message}", "messages that wait at the broker")
PUBLISH_FAILURES = _counter("chassis.queue.publish_failures", "{message}", "messages that the broker did not take")

STEP_DURATION = _histogram("chassis.step.duration", "steps of the graph", LONG_SECONDS, "step", "outcome")
TOOL_DURATION = _histogram("chassis.tool.duration", "calls of tools", LONG_SECONDS, "tool", "outcome")
MODEL_DURATION = _histogram("chassis.model.duration", "calls of models", LONG_SECONDS, "model", "outcome")
MODEL_TOKENS = _counter(
    "chassis.model.tokens", "{token}", "tokens, as the model counts them", "model", "tenant", "type"
)
MODEL_COST = _counter("chassis.model.cost", "{USD}", "money by telemetry.prices", "model", "tenant")
MODEL_UNPRICED = _counter(
    "chassis.model.unpriced", "{call}", "calls whose cost is not known, and so not counted", "model", "reason"
)

AUDIT_WAITING = _gauge("chassis.audit.waiting", "{event}", "audit events that the sink has not confirmed")
AUDIT_LIMIT = _gauge("chassis.audit.limit", "{event}", "so many may wait; then changes are refused")
AUDIT_UNSEALED_AGE = _gauge("chassis.audit.unsealed_age", "s", "age of the oldest audit event that is not sealed")
AUDIT_HEAD_AGE = _gauge("chassis.audit.head_age", "s", "age of the newest signed head of the audit log")

SECRET_AGE = Watched("chassis.secret.age", "s", "since a secret was last read from its backend", "secret")
SECRET_FAILURES = _counter(
    "chassis.secret.read_failures", "{read}", "reads that the secret backend did not answer", "secret"
)
# "Semantic conventions for database client metrics", opentelemetry.io/docs/specs/semconv/database/database-metrics.
POOL_CONNECTIONS = Watched(
    "db.client.connection.count",
    "{connection}",
    "connections of a pool",
    "db.client.connection.pool.name",
    "db.client.connection.state",
)
POOL_LIMIT = Watched(
    "db.client.connection.max", "{connection}", "connections that a pool may have", "db.client.connection.pool.name"
)
STREAM_CLIENTS = Watched("chassis.stream.clients", "{client}", "clients that wait for events or for the end of a run")
