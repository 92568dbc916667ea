"""Settings of the secret backend that reads an Azure Key Vault."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, HttpUrl, UrlConstraints, ValidationInfo, field_validator, model_validator

from chassis.adapters._azure_settings import refuse_static_credentials
from chassis.settings_types import SettingsGroup, in_production

KEY_VAULT_SUFFIXES = (".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net")
"""The clouds' DNS suffixes for vaults: Microsoft, "Azure Key Vault keys, secrets, and certificates overview", "DNS suffixes
for object identifiers" (learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates)."""


class SecretSettings(SettingsGroup):
    """A Key Vault that the platform's identity of this service may read; there is no credential to configure."""

    vault_url: Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])] = Field(
        description="such as https://my-agent.vault.azure.net", examples=["https://my-agent.vault.azure.net"]
    )
    prefix: str = Field(
        "",
        pattern=r"\A([0-9A-Za-z][0-9A-Za-z-]{0,62})?\z",
        description="put before each secret's name in the vault, such as my-agent-",
    )
    client_id: UUID | None = Field(
        None, description="client id of the user-assigned identity to use, where there is more than one identity"
    )

    @field_validator("vault_url")
    @classmethod
    def is_a_key_vault(cls, url: HttpUrl, info: ValidationInfo) -> HttpUrl:
        """Send tokens and requests to a Key Vault only; what stands in for one is for development and tests."""
        if url.username or url.password or url.path != "/" or url.query or url.fragment:
            message = "must be no more than https:// and a host"
            raise ValueError(message)
        vault, _, suffix = (url.host or "").partition(".")
        if in_production(info) and not (vault and f".{suffix}" in KEY_VAULT_SUFFIXES and url.port == 443):  # noqa: PLR2004
            message = f"must be https://<vault> followed by {', '.join(KEY_VAULT_SUFFIXES)} in production"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def no_static_credentials(self, info: ValidationInfo) -> Self:
        """Keep out credentials that outlive a leak."""
        refuse_static_credentials(info)
        return self
