"""The part of Azure Key Vault's data plane that reads secrets, with its words where they are known.

Bodies and headers are those in the Azure SDK's recordings of the service (github.com/Azure/azure-sdk-for-js,
`sdk/keyvault/keyvault-secrets/recordings`). Rules, from Microsoft's "Azure Key Vault" (learn.microsoft.com/azure/key-vault):
"Authentication, requests, and responses" (`general/authentication-requests-and-responses`), "REST API error codes"
(`general/rest-error-codes`), "Keys, secrets, and certificates overview" (`general/about-keys-secrets-certificates`),
"About secrets" (`secrets/about-secrets`), "Throttling guidance" (`general/overview-throttling`).
"""

import re
import time
from dataclasses import dataclass, field
from secrets import token_hex

from tests.support.azure.identity import RESOURCE, TENANT, Identities
from tests.support.azure.server import Answer, Request

MAX_BYTES = 25_000
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
API_VERSION = re.compile(r"\d\.\d(-preview\.\d)?|\d{4}-\d{2}-\d{2}(-preview)?")


@dataclass
class Version:
    """One version of a secret."""

    value: str
    attributes: dict[str, int | bool | str]
    version: str = field(default_factory=lambda: token_hex(16))


class Vault:
    """Secrets with their versions, and what can be wrong with them."""

    def __init__(self, identities: Identities) -> None:
        """Start empty."""
        self._identities = identities
        self._secrets: dict[str, list[Version]] = {}
        self._deleted: dict[str, list[Version]] = {}
        self.forbidden: dict[str, str] = {}
        """Names that this caller may not read, and why: the inner code."""
        self.failing: list[int] = []
        """Status codes of the next answers to requests that carry a token, in place of what they asked for."""
        self.resource = RESOURCE
        """What callers are told to get a token for."""
        self.url = ""
        self.login = ""
        self.requests: list[Request] = []

    def put(self, name: str, value: str, **attributes: int | bool) -> Version:
        """Add a version and make it the current one; names differ by more than the case of their letters."""
        if not NAME.fullmatch(name):
            message = f"{name!r} is no name in a Key Vault."
            raise ValueError(message)
        if len(value.encode()) > MAX_BYTES:
            message = f"A secret has at most {MAX_BYTES} bytes."
            raise ValueError(message)
        now = int(time.time())
        version = Version(value, {"enabled": True, "created": now, "updated": now, **attributes})
        self._secrets.setdefault(name.lower(), []).append(version)
        return version

    def delete(self, name: str) -> None:
        """Delete softly: all versions are kept, and none can be read."""
        self._deleted[name.lower()] = self._secrets.pop(name.lower())

    def recover(self, name: str) -> None:
        """Take back a deletion."""
        self._secrets[name.lower()] = self._deleted.pop(name.lower())

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        self.requests.append(request)
        if refusal := self._refusal(request):
            return refusal
        if self.failing:
            return _failed(self.failing.pop(0))
        if not API_VERSION.fullmatch(request.query.get("api-version", "")):
            return _error(400, "BadParameter", "The api-version query parameter is missing or invalid.")
        found = re.fullmatch(r"/secrets/([^/]+)(?:/([^/]*))?", request.path)
        if request.method != "GET" or found is None:
            return _error(405, "MethodNotAllowed", "The request method is not allowed.")
        return self._get(found[1], found[2] or None)

    def _refusal(self, request: Request) -> Answer | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and self._identities.knows(token):
            return None
        message = "AKV10000: Request is missing a Bearer or PoP token."
        if token:
            message = "AKV10001: The token is expired or not one of this vault's tenant."
        challenge = f'Bearer authorization="{self.login}/{TENANT}", resource="{self.resource}"'
        return _error(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})

    def _get(self, name: str, version: str | None) -> Answer:
        if inner := self.forbidden.get(name.lower()):
            return _error(403, "Forbidden", "Caller is not authorized to perform action on resource.\r\n", inner=inner)
        versions = self._secrets.get(name.lower(), [])
        found = next((one for one in reversed(versions) if version in (None, one.version)), None)
        if found is None:
            message = (
                f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret "
                "you may be able to recover it using the correct recovery command. For help resolving this issue, "
                "please see https://go.microsoft.com/fwlink/?linkid=2125182"
            )
            return _error(404, "SecretNotFound", message)
        if not found.attributes["enabled"]:
            message = "Operation get is not allowed on a disabled secret."
            return _error(403, "Forbidden", message, inner="SecretDisabled")
        attributes = {**found.attributes, "recoveryLevel": "Recoverable", "recoverableDays": 90}
        identifier = f"{self.url}/secrets/{name}/{found.version}"
        return Answer(200, {"value": found.value, "id": identifier, "attributes": attributes})


def _failed(status: int) -> Answer:
    codes = {429: "Throttled", 500: "InternalServerError", 503: "ServiceUnavailable"}
    # A client that waits so long by itself and asks again is seen: it gets the value.
    return _error(status, codes.get(status, "Error"), "The request was not processed.", headers={"Retry-After": "1"})


def _error(
    status: int, code: str, message: str, *, inner: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    body: dict[str, object] = {"code": code, "message": message}
    if inner is not None:
        body["innererror"] = {"code": inner}
    return Answer(status, {"error": body}, headers or {})
