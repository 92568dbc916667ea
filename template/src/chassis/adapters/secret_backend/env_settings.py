"""Settings of the environment and file secret backend."""

from pydantic import DirectoryPath, Field

from chassis.settings_types import SettingsGroup


class SecretSettings(SettingsGroup):
    """Secrets as files in a directory (as Kubernetes and compose mount them) or as variables."""

    directory: DirectoryPath | None = Field(None, description="an existing directory with one file a secret")
