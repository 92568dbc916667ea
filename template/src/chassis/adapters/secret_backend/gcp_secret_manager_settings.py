"""Settings of the secret backend Google Cloud Secret Manager."""

from pydantic import Field

from chassis.adapters._gcp_settings import HOST, PROJECT, GcpSettings


class SecretSettings(GcpSettings):
    """Where Secret Manager is; credentials come from the platform alone, never from settings."""

    project: str = Field(
        pattern=PROJECT, description="the id or number of the project that holds the secrets", examples=["my-project"]
    )
    # What an id may hold: Secret Manager API, projects.secrets.create, secretId.
    prefix: str = Field(
        "",
        pattern=r"\A[A-Za-z0-9_-]{0,190}\z",
        description="what the ids of the secrets begin with, such as my-agent-",
    )
    endpoint: str | None = Field(
        None,
        pattern=HOST,
        description="another host, such as one of Private Service Connect; always reached with TLS",
    )
