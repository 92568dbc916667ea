"""What the settings of several adapters ask of Azure."""

import os

from pydantic import ValidationInfo

from chassis.settings_types import in_production

STATIC_CREDENTIALS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
)
"""What the Azure SDKs take from the environment as a long-lived credential: Microsoft, "Azure Identity client library for
Python", "Environment variables" (learn.microsoft.com/python/api/overview/azure/identity-readme)."""


def refuse_static_credentials(info: ValidationInfo) -> None:
    """Refuse keys that outlive a leak; they would not be used here, but whoever reads the environment has them."""
    found = [name for name in STATIC_CREDENTIALS if os.environ.get(name)]
    if in_production(info) and found:
        message = f"remove {', '.join(found)} from the environment, since production logs in as its platform's identity"
        raise ValueError(message)
