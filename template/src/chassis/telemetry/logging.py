"""Structured logs: JSON lines, one an event; readable lines on a laptop."""

import logging
import sys

import structlog
from opentelemetry.trace import get_current_span

from chassis.settings_types import Environment
from chassis.telemetry.scrub import SCRUBBER

OURS = ("chassis", "agent")
OWN = frozenset({"timestamp", "level", "trace_id", "span_id"})
"""Fields that are made here, and hold no words."""
CHATTY = (
    "httpx",
    "httpcore",
    "uvicorn.access",
    "azure",
    "celery",
    "kombu",
    "psycopg.pool",
    "alembic.autogenerate",
    "alembic.runtime.plugins",
)


def _add_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say which trace and span a line belongs to, as "Trace Context in non-OTLP Log Formats" of OpenTelemetry names them."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return event


def _scrub(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: value if name in OWN else SCRUBBER.value(value, name) for name, value in event.items()}


def configure_logging(environment: Environment, level: str) -> None:
    """Send everything, the standard library's loggers included, through one formatter to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if environment == "development":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,  # the default shows local variables, secrets included
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _scrub,
                renderer,
            ],
        )
    )
    wanted: int = logging.getLevelName(level.upper())
    # "debug" is for our code. Of others it shows what passes through them: botocore logs each answer with its secret.
    logging.basicConfig(handlers=[handler], level=max(wanted, logging.INFO), force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(wanted)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
