"""What every adapter is given when it is opened, besides its own settings."""

from dataclasses import dataclass

from chassis.ports.database import Database
from chassis.ports.secrets import SecretManager


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """The database of the service, its secrets, and the service's name."""

    database: Database
    secrets: SecretManager
    service: str
