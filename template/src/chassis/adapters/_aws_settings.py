"""Settings that all services of AWS have in common."""

import os
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, StringConstraints, ValidationInfo, field_validator, model_validator

from chassis.settings_types import SettingsGroup, in_production

LONG_TERM_KEY = "AKIA"
"""How the id of a long-term access key begins; those of temporary ones begin with ASIA.

Said by the AWS STS API Reference, "GetAccessKeyInfo", and the IAM User Guide, "IAM identifiers", unique ID prefixes.
"""

AwsRegion = Annotated[str, StringConstraints(pattern=r"\A[a-z]{2,4}(-[a-z]+)+-[0-9]\z")]


def is_long_term(access_key: str, session_token: str | None) -> bool:
    """Tell whether these are static credentials; temporary ones always have a session token."""
    return access_key.startswith(LONG_TERM_KEY) or not session_token


class AwsIdentitySettings(SettingsGroup):
    """Who the service is on AWS: credentials come from the platform alone, never from settings."""

    _production: bool = PrivateAttr(default=True)

    @property
    def production(self) -> bool:
        """Whether static credentials are refused; so also where nobody said which environment this is."""
        return self._production

    @model_validator(mode="after")
    def no_static_key(self, info: ValidationInfo) -> Self:
        """Notice at the start what the first call would refuse, where the environment alone tells it."""
        self._production = in_production(info)
        access_key = os.environ.get("AWS_ACCESS_KEY_ID")
        if self._production and access_key and is_long_term(access_key, os.environ.get("AWS_SESSION_TOKEN")):
            message = (
                "a long-term access key in AWS_ACCESS_KEY_ID is refused in production; "
                "remove it and give the workload a role (docs/cloud-aws.md)"
            )
            raise ValueError(message)
        return self


class AwsSettings(AwsIdentitySettings):
    """Where a service of AWS is."""

    region: AwsRegion = Field(description="the region, such as eu-central-1", examples=["eu-central-1"])
    endpoint_url: str | None = Field(
        None, pattern=r"\Ahttps?://[^\s/@?#]+/?\z", description="another address, such as that of a VPC endpoint"
    )

    @field_validator("endpoint_url")
    @classmethod
    def encrypted(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Keep what is read and sent off unencrypted connections."""
        if url and in_production(info) and not url.startswith("https:"):
            message = "must begin with https:// in production"
            raise ValueError(message)
        return url
