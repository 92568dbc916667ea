"""The settings that a container of the chart is given."""

from tests.support.manifests import Manifest

from chassis.settings_loader import known_variables

MANAGEMENT = "CHASSIS__MANAGEMENT__"


def settings_of(container: Manifest) -> dict[str, str]:
    """Give a container's environment, without the group of the management port where this version has none yet."""
    given = {item["name"]: item["value"] for item in container["env"]}
    known = any(name.startswith(MANAGEMENT) for name in known_variables())
    return {name: value for name, value in given.items() if known or not name.startswith(MANAGEMENT)}
