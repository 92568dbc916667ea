"""Settings of the secret backend AWS Secrets Manager."""

from pydantic import Field

from chassis.adapters._aws_settings import AwsRegion, AwsSettings


class SecretSettings(AwsSettings):
    """Where AWS Secrets Manager is."""

    region: AwsRegion = Field(
        description="the region that holds the secrets, such as eu-central-1", examples=["eu-central-1"]
    )
    # What a name may hold: Secrets Manager API Reference, "CreateSecret", Name.
    prefix: str = Field(
        "",
        pattern=r"\A[A-Za-z0-9/_+=.@-]{0,256}\z",
        description="what the names of the secrets begin with, such as my-agent/",
    )
