"""A key for a vendor's own address."""

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from chassis.settings_types import SecretRef


def _needed(reference: str | None, info: ValidationInfo) -> str | None:
    url = info.data.get("url")
    if url is not None and url.scheme == "https" and reference is None:
        message = "is required with this url; put the key into the secret backend, such as secret://telemetry_token"
        raise ValueError(message)
    return reference


VendorToken = Annotated[SecretRef | None, AfterValidator(_needed)]
"""A reference to the key; a receiver on a laptop is shown none."""
