"""Settings of agent state in the database."""

from chassis.settings_types import SettingsGroup


class StateStoreSettings(SettingsGroup):
    """The service's own database holds checkpoints and tells of events; there is nothing to configure."""
