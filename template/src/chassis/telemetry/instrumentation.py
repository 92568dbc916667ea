"""The official instrumentations: each puts spans around what a library does, in every process that uses the library."""

import os

from chassis.import_strings import load_object
from chassis.settings import TelemetrySettings

# "Capturing inputs and outputs", opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans; the variable is the package's own
# (opentelemetry.util.genai.environment_variables), and read with each call.
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
# Else the instrumentations of HTTP clients and databases use names that the conventions have given up
# (opentelemetry.instrumentation._semconv).
STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
LIGHT = ("opentelemetry.instrumentation.psycopg:PsycopgInstrumentor",)
"""For every process: without what would load an HTTP client or LangChain into the API."""
HEAVY = (
    "opentelemetry.instrumentation.genai.langchain:LangChainInstrumentor",
    "opentelemetry.instrumentation.httpx:HTTPXClientInstrumentor",
)
"""For workers."""


def instrument(names: tuple[str, ...], settings: TelemetrySettings) -> None:
    """Switch these on, before anything is opened; they do not change what is open already."""
    os.environ[CONTENT] = "SPAN_ONLY" if settings.content else "NO_CONTENT"
    os.environ.setdefault(STABLE, "http,database")
    for name in names:
        load_object(name)().instrument(skip_dep_check=True)
