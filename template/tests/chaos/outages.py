"""Servers that can be made to vanish: whoever is to reach them is led through a port that can be closed."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.support.relay import Relay

from chassis.settings import PREFIX

SCHEMES = ("postgresql", "redis", "amqp")


def behind_relays(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Relay]]:
    """Lead every database and broker through a relay; give the environment that does, and the relays by name.

    The name is that of the settings group, such as `database` or `queue`.
    """
    led, relays = dict(environment), dict[str, Relay]()
    for name, url in environment.items():
        parts = urlsplit(url) if name.startswith(PREFIX) and name.endswith("__URL") else None
        if parts is not None and parts.scheme in SCHEMES and parts.port:
            group = name.removeprefix(PREFIX).removesuffix("__URL").lower()
            relays[group] = Relay(url)
            led[name] = url.replace(f":{parts.port}", f":{urlsplit(relays[group].url).port}", 1)
    return led, relays
