"""Calls to a collector over HTTP: bounded in time, never redirected, with a credential that is replaced when refused.

Certificates are verified always; a CA of your own is trusted by naming its file in SSL_CERT_FILE, which httpx reads
("Environment Variables", python-httpx.org/environment_variables). Nobody waits here for a collector that asks for a
pause (Retry-After): whoever ships makes growing pauses of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import httpx
import orjson

from chassis.ports.errors import ConfigurationError, UnavailableError
from chassis.ports.secrets import Secret, SecretManager, secret_name

REFUSED = (401, 403)
HINTS = {
    401: "check the credential it is sent",
    403: "check the credential it is sent, and what that may do",
    404: "check the address in the settings of the audit sink",
    408: "it is slow or overloaded",
    413: "it takes less in one call than is documented",
    429: "it is overloaded or its quota is used up",
}


class Credential(Protocol):
    """What a collector knows this service by."""

    async def headers(self) -> dict[str, str]:
        """Give the headers that show it; raise `UnavailableError` where there is none at the moment."""
        ...

    def rejected(self) -> None:
        """Note that what `headers` gave last was refused, so that the next is read anew."""
        ...


class SecretHeader:
    """A header that holds a secret."""

    def __init__(self, secrets: SecretManager, reference: str | None, header: str, prefix: str) -> None:
        """Show the secret that `reference` leads to; without one, as on a laptop, show nothing."""
        self._secrets = secrets
        self._name = secret_name(reference) if reference else None
        self._header = header
        self._prefix = prefix
        self._shown: Secret | None = None

    async def find(self) -> None:
        """Read the secret, so that one that is not there is an error of the configuration, when the service starts."""
        if self._name is not None:
            await self._secrets.get(self._name)

    async def headers(self) -> dict[str, str]:
        """Give the header; see the protocol."""
        if self._name is None:
            return {}
        problem = ""
        try:
            self._shown = await self._secrets.get(self._name)
        except ConfigurationError as error:  # deleted while the service runs; sealing goes on, so this must pass
            problem = error.detail
        if problem or self._shown is None:
            raise UnavailableError(problem)
        value = self._shown.reveal()
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            message = (
                f"The secret '{self._name}' has line ends, spaces or signs that no HTTP header can hold; store it anew."
            )
            raise UnavailableError(message)
        return {self._header: f"{self._prefix}{value}"}

    def rejected(self) -> None:
        """Note a refusal; see the protocol."""
        if self._name is not None:
            self._secrets.invalidate(self._name, self._shown)


class Collector:
    """The collector at one address."""

    def __init__(self, client: httpx.AsyncClient, url: Any, credential: Credential, timeout_seconds: float) -> None:
        """Take its address, which is put before each path."""
        self._client = client
        self._url = str(url).rstrip("/")
        self._credential = credential
        self._timeout_seconds = timeout_seconds

    async def post(
        self, path: str, content: bytes, headers: Mapping[str, str], confirms: Container[int]
    ) -> httpx.Response:
        """Make a call; raise `UnavailableError` unless the answer's status is one that confirms.

        A refused credential is read anew, and if it is another by now, the call is made once more.
        """
        shown = await self._credential.headers()
        answer = await self._send(path, content, {**headers, **shown})
        if answer.status_code in REFUSED:
            self._credential.rejected()
            anew = await self._credential.headers()
            if anew != shown:
                answer = await self._send(path, content, {**headers, **anew})
        if answer.status_code not in confirms:
            raise self.failure(_described(answer.status_code))
        return answer

    def failure(self, problem: str) -> UnavailableError:
        """Make the error that says what is wrong with this collector, and nothing that was sent or answered."""
        return UnavailableError(f"The audit collector at {httpx.URL(self._url).netloc.decode()} {problem}.")

    def parsed(self, answer: httpx.Response) -> dict[str, Any]:
        """Read an answer that must be a JSON object."""
        found: Any = None
        with suppress(orjson.JSONDecodeError):  # said below, without the answer, which this error would show
            found = orjson.loads(answer.content)
        if not isinstance(found, dict):
            problem = f"answered {answer.status_code} with something else than JSON; check that the address is its own"
            raise self.failure(problem)
        return found

    async def _send(self, path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._client.post(f"{self._url}{path}", content=content, headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            problem = f"did not answer within {self._timeout_seconds:g} s"
        except (httpx.HTTPError, OSError) as error:
            problem = "cannot be reached; check its address, and whether it runs"
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                problem = "shows a certificate that is not trusted; put its CA into the file that SSL_CERT_FILE names"
        raise self.failure(
            problem
        )  # out here, so that the original error, which could show what was sent, does not go with it


@asynccontextmanager
async def open_collector(url: Any, credential: Credential, timeout_seconds: float) -> AsyncIterator[Collector]:
    """Open connections to a collector, kept open between calls."""
    async with httpx.AsyncClient(timeout=timeout_seconds, follow_redirects=False) as client:
        yield Collector(client, url, credential, timeout_seconds)


def _described(status: int) -> str:
    if 200 <= status < 300:  # noqa: PLR2004 - successes, which somebody else's may be
        hint = "that does not confirm anything; check that the address is its own"
    elif 300 <= status < 400:  # noqa: PLR2004 - redirections
        hint = "redirects are not followed, since the credential would go along; set its final address"
    elif status >= 500:  # noqa: PLR2004 - errors of the server
        hint = "the fault is on its side"
    else:
        hint = HINTS.get(status, "check the settings of the audit sink")
    return f"answered {status}; {hint}"
