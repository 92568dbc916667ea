"""Settings of the secret backend HashiCorp Vault, or OpenBao, which speaks the same protocol."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FilePath, HttpUrl, StringConstraints, ValidationInfo, field_validator

from chassis.settings_types import SettingsGroup, in_production

SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
Mount = Annotated[str, StringConstraints(pattern=rf"\A{SEGMENT}(/{SEGMENT})*\z")]
Prefix = Annotated[str, StringConstraints(pattern=rf"\A({SEGMENT}/)*\z")]
Word = Annotated[str, StringConstraints(pattern=r"\A\S{1,256}\z")]

SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Where Kubernetes puts a pod's token ("Configure Service Accounts for Pods" in its documentation)."""


class SecretSettings(SettingsGroup):
    """A Vault server, how this service logs in to it, and where its secrets lie there.

    There is no setting for a token: a token that stands in a configuration is one that nobody renews.
    """

    url: HttpUrl = Field(
        description="such as https://vault.internal:8200, without a path", examples=["https://vault.internal:8200"]
    )
    namespace: Mount | None = Field(None, description="the namespace everything below lies in, if there is one")
    ca_file: FilePath | None = Field(
        None, description="certificates (PEM) that sign the server's, if no public one does"
    )
    auth: Literal["approle", "kubernetes", "jwt"] = Field(
        description="how to log in: approle, kubernetes or jwt", examples=["kubernetes"]
    )
    auth_mount: Mount | None = Field(None, description="where this auth method is mounted; by default under its name")
    role: Word = Field(description="the role to log in as; for approle its role id", examples=["agent"])
    secret_id_file: FilePath | None = Field(None, description="for approle: the file that holds the secret id")
    token_file: FilePath | None = Field(
        None, description="for jwt: the file that holds the token; for kubernetes by default the service account's"
    )
    mount: Mount = Field("secret", description="where the KV engine, version 2, is mounted")
    prefix: Prefix = Field("", description="path there below which each secret has its entry, such as agent/")
    database_role: Word | None = Field(
        None, description="the database engine's role that issues secret://database_credentials"
    )
    database_mount: Mount = Field("database", description="where the database engine is mounted")

    @property
    def login_file(self) -> Path:
        """The file that proves to Vault who this service is; the platform replaces it, so it is read at each login."""
        return self.secret_id_file or self.token_file or SERVICE_ACCOUNT_TOKEN

    @property
    def login_path(self) -> str:
        """Where to log in, as Vault's API calls it."""
        return f"auth/{self.auth_mount or self.auth}/login"

    @field_validator("url")
    @classmethod
    def only_an_address(cls, url: HttpUrl, info: ValidationInfo) -> HttpUrl:
        """Secrets travel encrypted, and no credential stands in a URL."""
        if in_production(info) and url.scheme != "https":
            message = "must begin with https:// in production, since secrets and logins travel over it"
            raise ValueError(message)
        if url.username or url.password or url.query or url.fragment or url.path not in {None, "/"}:
            message = "must be a scheme, a host and perhaps a port, and nothing more"
            raise ValueError(message)
        return url

    @field_validator("ca_file")
    @classmethod
    def certificates_are_for_https(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        """Refuse what would silently have no effect."""
        url = info.data.get("url")
        if file is not None and url is not None and url.scheme != "https":
            message = "has no effect without https; remove it or change the URL"
            raise ValueError(message)
        return file

    @field_validator("secret_id_file")
    @classmethod
    def a_secret_id_is_for_approle(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        """AppRole needs one, the others would not use it."""
        return _needed_by({"approle"}, file, info)

    @field_validator("token_file")
    @classmethod
    def a_token_is_for_the_others(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        """JWT needs one; Kubernetes has its usual place, which on a laptop is empty."""
        if file is None and info.data.get("auth") == "kubernetes":
            if in_production(info) and not SERVICE_ACCOUNT_TOKEN.is_file():
                message = f"is required where {SERVICE_ACCOUNT_TOKEN} is not there; mount it, or name another file"
                raise ValueError(message)
            return None
        return _needed_by({"kubernetes", "jwt"}, file, info)

    @field_validator("database_mount")
    @classmethod
    def a_database_mount_has_a_role(cls, mount: str, info: ValidationInfo) -> str:
        """Refuse what would silently have no effect."""
        if mount != "database" and info.data.get("database_role", "") is None:
            message = "has no effect without secrets.database_role; set that, or remove this"
            raise ValueError(message)
        return mount


def _needed_by(methods: set[str], file: Path | None, info: ValidationInfo) -> Path | None:
    auth = info.data.get("auth")  # absent where it is wrong itself, which is said already
    if auth is not None and (auth in methods) != (file is not None):
        message = f"is required for auth {auth}" if auth in methods else f"has no effect for auth {auth}; remove it"
        raise ValueError(message)
    return file
