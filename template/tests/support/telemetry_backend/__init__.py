"""What the contract suite needs from each telemetry backend: a receiver of its kind, and ways to look into it and to break it.

The module beside this one that is called like the chosen adapter offers them as BACKENDS, one for each way in which the adapter
can be let in, and as SETTINGS what its settings take and refuse. The suite asks for nothing else, so it knows no backend by name.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from tests.support.otlp_receiver import Receiver

from chassis import selected
from chassis.import_strings import load_object
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.database import Database
from chassis.ports.secrets import Secret, SecretNotFoundError
from chassis.secrets.cache import CachedSecretManager, CachePolicy
from chassis.selected import TelemetryBackendSettings

TIMEOUT_SECONDS = 2
REFERENCE = "secret://telemetry_token"


class BackendUnderTest(Protocol):
    """A backend for the chosen adapter; empty when it is made."""

    settings: TelemetryBackendSettings
    """Settings of production, where the choice is for production, that lead the adapter to this backend."""

    context: AdapterContext

    receiver: Receiver
    """What has arrived. It takes what its vendor takes, and answers anything else as its vendor does."""

    path: str
    """Where the vendor takes traces."""

    @property
    def asked(self) -> set[str]:
        """Give the hosts that were asked for by their names."""
        ...

    def outage(self) -> AbstractContextManager[None]:
        """Make it unreachable while the context is open."""
        ...

    def rotate(self) -> None:
        """Give the service another credential, and refuse the old one."""
        ...

    def revoke(self) -> None:
        """Refuse what the service has, until `rotate`."""
        ...

    def lose(self) -> None:
        """Have no credential for the service, until `rotate`."""
        ...

    def credentials(self) -> Sequence[str]:
        """Give everything that nobody may see."""
        ...


@dataclass(frozen=True)
class SettingsUnderTest:
    """What the chosen adapter's settings take and refuse.

    good: what leads to the vendor in production.
    strangers: addresses that look like the vendor's and are not; none where any collector will do.
    needed: which of the good ones an address needs beside it, and what is said where it is missing.
    """

    good: Mapping[str, str]
    strangers: Sequence[str] = ()
    needed: Mapping[str, str] = field(default_factory=dict)


OpenBackend = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[BackendUnderTest]]


class Keys:
    """A secret backend with one secret."""

    def __init__(self, value: str | None = None) -> None:
        self.value = value

    async def read(self, name: str) -> Secret:
        if self.value is None:
            raise SecretNotFoundError
        return Secret(name, self.value)


def context_of(keys: Keys) -> AdapterContext:
    """Make what an adapter is opened with; no exporter needs the database."""
    secrets = CachedSecretManager(keys, policy=CachePolicy(retry=0.1, recheck=0))
    return AdapterContext(database=cast("Database", None), secrets=secrets, service="test")


def backends() -> dict[str, OpenBackend]:
    """Give the backends of the chosen adapter."""
    found: dict[str, OpenBackend] = _of_the_chosen("BACKENDS")
    return found


def settings_rules() -> SettingsUnderTest:
    """Give what is known of the chosen adapter's settings."""
    found: SettingsUnderTest = _of_the_chosen("SETTINGS")
    return found


def _of_the_chosen(name: str) -> Any:
    module, _, _ = selected.OPEN_SPAN_EXPORTER.partition(":")
    return load_object(f"{__name__}.{module.rpartition('.')[2]}:{name}")
