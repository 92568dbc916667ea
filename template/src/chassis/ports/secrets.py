"""Where secrets come from, and how their values travel without being shown."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from chassis.ports.errors import ConfigurationError, UnavailableError

SCHEME = "secret://"


@dataclass(frozen=True, slots=True)
class Validity:
    """How long the backend lends a value: ask again after `renew_seconds`; after `end_seconds` it is worth nothing."""

    renew_seconds: float
    end_seconds: float


class Secret:
    """A secret value, shown by its name alone; `reveal` gives it at the place of use.

    Deliberately no dataclass: `repr`, `str`, `format`, `vars`, `dataclasses.asdict`, JSON encoders and tracebacks have
    nothing to find, and pickling or copying into another process is an error.
    """

    __slots__ = ("_value", "name", "validity")

    def __init__(self, name: str, value: str, validity: Validity | None = None) -> None:
        """Take the value; `validity` is for one that the backend lends, such as the credentials of a lease."""
        self.name = name
        self.validity = validity
        self._value = value

    def reveal(self) -> str:
        """Return the value. Do not keep it longer than the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        """Show the name alone; `str` and `format` do the same."""
        return f"{SCHEME}{self.name}"

    def __eq__(self, other: object) -> bool:
        """Compare name and value, in a time that does not depend on where they differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        return self.name == other.name and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        """Hash the name; a hash of the value would tell something about it."""
        return hash(self.name)

    def __copy__(self) -> "Secret":
        """A secret does not change, so it is its own copy."""
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Secret":
        """A secret does not change, so it is its own copy."""
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be written down."""
        message = f"{self!r} cannot be pickled; pass its name on and read it where it is used."
        raise TypeError(message)


class SecretNotFoundError(ConfigurationError):
    """A secret the configuration refers to is not there; create it in the secret backend."""


class SecretDeniedError(ConfigurationError):
    """The secret backend does not let this service read a secret; grant its identity access to it."""


class SecretRefusedError(ConfigurationError):
    """A secret holds a placeholder, which production does not accept; put a real value into the secret backend."""


class SecretUnavailableError(UnavailableError):
    """The secret backend does not answer, and no value read before may still be used; try again shortly."""


OnRotate = Callable[[Secret], Awaitable[None]]
Stop = Callable[[], None]


class SecretBackend(Protocol):
    """What an adapter implements: one read, every time from the backend itself. Waiting and keeping is done around it."""

    async def read(self, name: str) -> Secret:
        """Return the secret as it is in the backend now.

        Raise `SecretNotFoundError` when it does not exist or is empty, `SecretDeniedError` when this service may not read
        it, `SecretUnavailableError` when the backend cannot say. Where the service's own login has expired (an upstream
        401), log in anew and ask once more before saying so.
        """
        ...


class SecretManager(Protocol):
    """Reads secrets by name; settings hold references such as `secret://model_api_key`, never values."""

    async def get(self, name: str) -> Secret:
        """Return the secret, from memory while it is fresh; raise the errors of `SecretBackend.read`."""
        ...

    def invalidate(self, name: str, rejected: Secret | None = None) -> None:
        """Let the next `get` ask the backend; with `rejected` only if that value is still the one in memory."""
        ...

    def on_rotate(self, name: str, callback: OnRotate) -> Stop:
        """Call back with each new value, which is looked for without being asked; the result ends that."""
        ...

    async def check(self) -> bool:
        """Read a secret that was asked for before, past what is in memory; say whether there was one.

        Raise what the backend says of it, `SecretUnavailableError` above all, also where the value in memory is still good.
        """
        ...

    async def close(self) -> None:
        """Stop looking for new values."""
        ...


def secret_name(reference: str) -> str:
    """Give the name a reference such as `secret://database_password` points to."""
    return reference.removeprefix(SCHEME)


def with_password(url: str, password: str, username: str | None = None) -> str:
    """Put a password, and a user name in place of the URL's, into a URL; keep the result out of settings and logs."""
    scheme, rest = url.split("://", 1)
    user, _, host = rest.rpartition("@")
    name = user.split(":")[0] if username is None else quote(username, safe="")
    return f"{scheme}://{name}:{quote(password, safe='')}@{host}"
