"""What every adapter is given when it is opened, besides its own settings."""

from dataclasses import dataclass, field

from chassis.ports.secrets import SecretManager


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """The database of the service as a libpq connection string, its secrets, and the service's name."""

    database: str = field(repr=False)  # may carry a password
    secrets: SecretManager
    service: str
