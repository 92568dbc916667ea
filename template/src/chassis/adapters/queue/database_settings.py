"""Settings of the queue in the database."""

from chassis.settings_types import SettingsGroup


class QueueSettings(SettingsGroup):
    """The service's own database wakes the workers; there is nothing to configure."""
