"""Settings of the audit sink that writes lines."""

from pathlib import Path

from pydantic import Field

from chassis.settings_types import SettingsGroup


class AuditSinkSettings(SettingsGroup):
    """Lines of JSON into a file, such as one on a write-once volume, or to standard output for a log collector."""

    path: Path | None = Field(None, description="file that lines are appended to; without one, standard output")
