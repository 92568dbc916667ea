"""Settings of the secret backend Google Cloud Secret Manager."""

import json
import os
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from chassis.settings_types import SettingsGroup, in_production

STATIC = {"service_account": "a service account's key", "authorized_user": "a person's login"}
"""Types of credential files that hold what works for whoever has the file, and for long; and their names for people.

The types: google-auth, `google.auth.default`. Files of the type `external_account` hold no secret, only where to get a token.
"""


class SecretSettings(SettingsGroup):
    """Where Secret Manager is; credentials come from the platform alone, never from settings."""

    project: str = Field(
        pattern=r"\A[a-z0-9][a-z0-9.:-]{2,60}[a-z0-9]\z",
        description="the id or number of the project that holds the secrets",
        examples=["my-project"],
    )
    # What an id may hold: Secret Manager API, projects.secrets.create, secretId.
    prefix: str = Field(
        "",
        pattern=r"\A[A-Za-z0-9_-]{0,190}\z",
        description="what the ids of the secrets begin with, such as my-agent-",
    )
    endpoint: str | None = Field(
        None,
        pattern=r"\A[A-Za-z0-9.-]+(:[0-9]{1,5})?\z",
        description="another host, such as one of Private Service Connect; always reached with TLS",
    )
    _production: bool = PrivateAttr(default=True)

    @property
    def production(self) -> bool:
        """Whether static credentials are refused; so also where nobody said which environment this is."""
        return self._production

    @model_validator(mode="after")
    def no_static_key(self, info: ValidationInfo) -> Self:
        """Notice at the start what the first read would refuse, where the environment alone tells it."""
        self._production = in_production(info)
        found = _kind_of(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))
        if self._production and found:
            message = (
                f"{found} in the file that GOOGLE_APPLICATION_CREDENTIALS names is refused in production; "
                "remove it and bind the workload's identity (docs/cloud-gcp.md)"
            )
            raise ValueError(message)
        return self


def _kind_of(file: str | None) -> str | None:
    """Name the static credentials in this file; what cannot be read, the SDK complains about at the first read."""
    try:
        content = json.loads(Path(file).read_bytes()) if file else {}
    except (OSError, ValueError):
        return None
    return STATIC.get(str(content.get("type"))) if isinstance(content, dict) else None
