"""What the settings of every Google Cloud service have in common; imports no SDK."""

import json
import os
from pathlib import Path
from typing import Self

from pydantic import PrivateAttr, ValidationInfo, model_validator

from chassis.settings_types import SettingsGroup, in_production

STATIC = {"service_account": "a service account's key", "authorized_user": "a person's login"}
"""Types of credential files that hold what works for whoever has the file, and for long; and their names for people.

The types: google-auth, `google.auth.default`. Files of the type `external_account` hold no secret, only where to get a token.
"""

PROJECT = r"\A[a-z0-9][a-z0-9.:-]{2,60}[a-z0-9]\z"
"""A project's id or number."""
HOST = r"\A[A-Za-z0-9.-]+(:[0-9]{1,5})?\z"
"""A host without a scheme, so that nothing but TLS can be asked for."""


class GcpSettings(SettingsGroup):
    """Where a service of Google Cloud is; credentials come from the platform alone, never from settings."""

    _production: bool = PrivateAttr(default=True)

    @property
    def production(self) -> bool:
        """Whether static credentials are refused; so also where nobody said which environment this is."""
        return self._production

    @model_validator(mode="after")
    def no_static_key(self, info: ValidationInfo) -> Self:
        """Notice at the start what the first login would refuse, where the environment alone tells it."""
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
    """Name the static credentials in this file; what cannot be read, the SDK complains about at the first login."""
    try:
        content = json.loads(Path(file).read_bytes()) if file else {}
    except (OSError, ValueError):
        return None
    return STATIC.get(str(content.get("type"))) if isinstance(content, dict) else None
