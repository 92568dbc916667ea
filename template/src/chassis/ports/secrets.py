"""Where secrets come from."""

from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

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


def with_password(url: str, password: Secret) -> str:
    """Put a password into a URL for a client that takes nothing else; keep the result out of settings and logs."""
    scheme, rest = url.split("://", 1)
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.split(':')[0]}:{quote(password.reveal(), safe='')}@{host}"


class SecretManager(Protocol):
    """Reads secrets by name; settings hold references such as `secret://model_api_key`, never values."""

    async def get(self, name: str) -> Secret:
        """Return the secret `name`; raise `SecretUnavailableError` when it does not exist."""
        ...
