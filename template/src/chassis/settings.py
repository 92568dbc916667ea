"""The settings of the service: one frozen tree, read from the environment once, validated whole.

`queue.url` in Python is CHASSIS__QUEUE__URL in the environment. There is no `.env` file: nothing is read that the
platform did not put there. `environment` defaults to production, so that forgetting it gives the strict behaviour.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PostgresDsn, UrlConstraints, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.checkpoints.settings import CheckpointSettings
from chassis.selected import (
    AuditSinkSettings,
    IdentitySettings,
    ModelSettings,
    QueueSettings,
    SecretSettings,
    StateStoreSettings,
    TelemetryBackendSettings,
)
from chassis.settings_types import Environment, SecretRef, SettingsGroup, in_production, without_password

PREFIX = "CHASSIS__"

SingleHostPostgresDsn = Annotated[
    PostgresDsn, UrlConstraints(allowed_schemes=["postgresql"]), without_password("database.password")
]


class ServiceSettings(SettingsGroup):
    """What the service is called, and its log output."""

    name: str = Field("agent-service", pattern=r"\A[a-z][a-z0-9-]{0,62}\z", description="lower-case letters, digits, -")
    version: str = Field(
        "unreleased", pattern=r"\A[\w.+-]{1,128}\z", description="the release that runs, for the audit log"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least severe level shown")


class HttpSettings(SettingsGroup):
    """The HTTP server."""

    host: str = Field("127.0.0.1", description="address to listen on; containers set 0.0.0.0")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    max_body_bytes: int = Field(1_000_000, ge=1_000, le=100_000_000, description="larger request bodies are refused")


class ManagementSettings(SettingsGroup):
    """The second port of every process, for probes and Prometheus; not to be reached from outside."""

    host: str = Field("127.0.0.1", description="address to listen on; containers set 0.0.0.0")
    port: int = Field(9464, ge=0, le=65535, description="port to listen on; 0 takes a free one, which the log names")


class DatabaseSettings(SettingsGroup):
    """The Postgres database."""

    url: SingleHostPostgresDsn = Field(
        description="such as postgresql://app@db.internal:5432/app", examples=["postgresql://app@localhost/app"]
    )
    password: SecretRef | None = Field(
        None, description="reference to the password, such as secret://database_password"
    )
    pool_size: int = Field(10, ge=1, le=200, description="connections kept open by a process")
    statement_timeout_seconds: float = Field(30, gt=0, le=3600, description="longest time a statement may take")
    idle_transaction_seconds: float = Field(
        5, ge=1, le=600, description="a transaction whose process is silent for so long is rolled back"
    )


class RunSettings(SettingsGroup):
    """How jobs, of which runs of the agent are one kind, are leased and executed by workers."""

    concurrency: int = Field(10, ge=1, le=1000, description="jobs one worker executes at the same time")
    lease_seconds: float = Field(15, ge=1, le=600, description="a job whose worker is silent for so long is taken over")
    poll_seconds: float = Field(1, ge=0.05, le=60, description="how often an idle worker looks without being woken")
    max_attempts: int = Field(5, ge=1, le=100, description="after so many attempts a job is given up as dead")
    time_limit_seconds: float = Field(
        3600, gt=0, le=604_800, description="a run is ended as timed out so long after it was first begun"
    )
    log_bytes: int = Field(
        16_000_000, ge=10_000, description="what streams show of a run is recorded up to so many bytes"
    )
    keep_days: float = Field(
        30,
        gt=0,
        le=3650,
        description="how long what streams showed of a run, and tasks that ended well, are kept after their end",
    )
    recursion_limit: int = Field(25, ge=1, le=1000, description="steps a graph may take in one run")
    drain_seconds: float = Field(20, ge=0, le=3600, description="how long a stopping worker waits for its step to end")
    idempotency_seconds: float = Field(
        86_400, ge=60, le=2_592_000, description="how long an Idempotency-Key is remembered"
    )


class SecretCacheSettings(SettingsGroup):
    """How long what the secret backend answered is kept in memory."""

    ttl_seconds: float = Field(
        300, ge=0.1, le=3600, description="how long a secret is used without asking again, give or take a tenth"
    )
    stale_seconds: float = Field(
        900, ge=0, le=900, description="how long it is used after it was read, while the backend does not answer"
    )


class AuditSettings(SettingsGroup):
    """How the audit log is sealed."""

    signing_key: SecretRef | None = Field(
        None, description="reference to the key that signs the log: 32 random bytes in base64"
    )
    poll_seconds: float = Field(1, ge=0.05, le=10, description="how often the sealer looks for new events")
    head_events: int = Field(1000, ge=1, le=1000, description="after so many events the end of the chain is signed")
    head_seconds: float = Field(
        60,
        ge=1,
        le=60,
        description="after so long it is signed in any case; events younger than that can vanish unseen",
    )
    spool_events: int = Field(
        100_000, ge=1000, description="when so many events wait for the collector, changes are refused with 503"
    )

    @field_validator("signing_key")
    @classmethod
    def sign_in_production(cls, reference: str | None, info: ValidationInfo) -> str | None:
        """Keep the key of laptops, which everybody knows, out of where it matters."""
        if in_production(info) and reference is None:
            message = "is required in production; put a key into the secret backend, such as secret://audit_signing_key"
            raise ValueError(message)
        return reference


class ModelPrice(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(None, ge=0)


LOCAL_MODEL_PRICES = {"local-planner-1": ModelPrice(input=0, output=0)}


class TelemetrySettings(SettingsGroup):
    """What traces and figures say, and how many there are."""

    sample_ratio: float = Field(
        1, ge=0, le=1, description="part of the traces that is recorded; a collector that samples by their end wants 1"
    )
    content: bool = Field(
        False, description="whether traces hold prompts and answers, without secrets and personal data of known shapes"
    )
    prices: dict[str, ModelPrice] = Field(
        LOCAL_MODEL_PRICES,
        description='US dollars for a million tokens by model, as JSON: {"name": {"input": 2, "output": 8, "cached_input": 1}}',
    )
    measure_seconds: float = Field(
        10,
        ge=0.5,
        le=300,
        description="how often a worker counts what waits in the database, and the keeper its backlog",
    )


class Settings(BaseSettings):
    """The root of the tree."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    environment: Environment = "production"
    service: ServiceSettings
    http: HttpSettings
    management: ManagementSettings
    database: DatabaseSettings
    runs: RunSettings
    model: ModelSettings
    queue: QueueSettings
    state_store: StateStoreSettings
    checkpoints: CheckpointSettings
    secrets: SecretSettings
    secret_cache: SecretCacheSettings
    audit: AuditSettings
    audit_sink: AuditSinkSettings
    identity: IdentitySettings
    telemetry: TelemetrySettings
    telemetry_backend: TelemetryBackendSettings
