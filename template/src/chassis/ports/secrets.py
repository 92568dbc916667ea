"""Where secrets come from."""

from dataclasses import dataclass, field
from typing import Protocol

from chassis.ports.errors import ChassisError

SCHEME = "secret://"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value that `repr`, `str` and logs never show; `reveal` gives it at the place of use."""

    name: str
    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value. Do not keep it longer than the call that needs it."""
        return self._value

    def __str__(self) -> str:
        """Show the name alone."""
        return f"{SCHEME}{self.name}"


class SecretUnavailableError(ChassisError):
    """A secret the configuration refers to is not there; create it in the secret backend."""


def secret_name(reference: str) -> str:
    """Give the name a reference such as `secret://database_password` points to."""
    return reference.removeprefix(SCHEME)


class SecretManager(Protocol):
    """Reads secrets by name; settings hold references such as `secret://model_api_key`, never values."""

    async def get(self, name: str) -> Secret:
        """Return the secret `name`; raise `SecretUnavailableError` when it does not exist."""
        ...
