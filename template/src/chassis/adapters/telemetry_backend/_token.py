"""A backend that knows this service by a token in a header."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import requests

from chassis.adapters.telemetry_backend._otlp import Credential
from chassis.ports.errors import ChassisError, UnavailableError
from chassis.ports.secrets import Secret, SecretManager, secret_name


class TokenHeader(Credential):
    """Shows the token that was read last; calls are made in the exporter's thread, secrets are read in the event loop."""

    def __init__(self, secrets: SecretManager, name: str, header: str, prefix: str) -> None:
        """Take the secret's name and the header that holds it."""
        self._secrets = secrets
        self._name = name
        self._header = header
        self._prefix = prefix
        self._token: Secret | None = None
        self._loop = asyncio.get_running_loop()

    async def take(self, token: Secret) -> None:
        """Show this one from now on."""
        self._token = token

    async def find(self) -> None:
        """Read the token; for one that is not there each batch looks again, since its appearance is no rotation."""
        with suppress(ChassisError):
            await self.take(await self._secrets.get(self._name))

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Show the token; see the base."""
        if self._token is None:
            self._in_the_loop(self._look)
            message = f"The telemetry backend's token, the secret '{self._name}', cannot be read; put it into the secret backend."
            raise UnavailableError(message)
        value = self._token.reveal()
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            message = (
                f"The secret '{self._name}' has line ends, spaces or signs that no HTTP header can hold; store it anew."
            )
            raise UnavailableError(message)
        request.headers[self._header] = f"{self._prefix}{value}"
        return request

    def refused(self) -> None:
        """Have the token read anew; see the base."""
        self._in_the_loop(self._look, self._token)

    def _in_the_loop(self, do: Callable[..., None], *given: Secret | None) -> None:
        with suppress(RuntimeError):  # the event loop has ended, and this is the last batch
            self._loop.call_soon_threadsafe(do, *given)

    def _look(self, refused: Secret | None = None) -> None:
        if refused is not None:
            self._secrets.invalidate(self._name, refused)
        self._looking = self._loop.create_task(self.find())


@asynccontextmanager
async def open_token(
    secrets: SecretManager, reference: str | None, header: str, prefix: str = ""
) -> AsyncIterator[Credential]:
    """Open the credential; without a reference, as on a laptop, nothing is shown. A missing token stops no service."""
    if reference is None:
        yield Credential()
        return
    name = secret_name(reference)
    token = TokenHeader(secrets, name, header, prefix)
    stop = secrets.on_rotate(name, token.take)
    await token.find()
    try:
        yield token
    finally:
        stop()
