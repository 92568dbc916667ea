"""The adapters this project was generated with. Only `wiring` and `settings` import this module.

What the API process must not load (LangGraph, model SDKs) is named by import string and loaded by workers.
"""

from chassis.adapters.audit_sink.file_settings import AuditSinkSettings
from chassis.adapters.checkpointer.postgres_settings import StateStoreSettings
from chassis.adapters.identity.development import open_authenticator
from chassis.adapters.identity.development_settings import IdentitySettings
from chassis.adapters.live_events.postgres import open_live_events
from chassis.adapters.model.model_settings import ModelSettings
from chassis.adapters.queue.database import open_queue
from chassis.adapters.queue.database_settings import QueueSettings
from chassis.adapters.secret_backend.env import open_secret_backend
from chassis.adapters.secret_backend.env_settings import SecretSettings
from chassis.adapters.telemetry_backend.otlp_settings import TelemetryBackendSettings

AUDIT_SINK = "file"
CHECKPOINTS = "chassis.adapters.checkpointer.postgres:open_checkpoints"
DEV_AUDIT_SINK = "chassis.dev.audit_sink.file:audit_sink_environment"
DEV_QUEUE = "chassis.dev.queue.database:queue_environment"
DEV_SECRET_BACKEND = "chassis.dev.secret_backend.env:secret_backend_environment"  # noqa: S105 - no secret
DEV_STATE_STORE = "chassis.dev.state_store.postgres:state_store_environment"
INSTRUMENTATIONS: tuple[str, ...] = ()
MODELS = {
    "local": "chassis.adapters.model.local:open_model",
    "openai_compatible": "chassis.adapters.model.openai_compatible:open_model",
}
OPEN_AUDIT_SINK = "chassis.adapters.audit_sink.file:open_audit_sink"
OPEN_SPAN_EXPORTER = "chassis.adapters.telemetry_backend.otlp:open_span_exporter"

__all__ = [
    "AUDIT_SINK",
    "CHECKPOINTS",
    "DEV_AUDIT_SINK",
    "DEV_QUEUE",
    "DEV_SECRET_BACKEND",
    "DEV_STATE_STORE",
    "INSTRUMENTATIONS",
    "MODELS",
    "OPEN_AUDIT_SINK",
    "OPEN_SPAN_EXPORTER",
    "AuditSinkSettings",
    "IdentitySettings",
    "ModelSettings",
    "QueueSettings",
    "SecretSettings",
    "StateStoreSettings",
    "TelemetryBackendSettings",
    "open_authenticator",
    "open_live_events",
    "open_queue",
    "open_secret_backend",
]
