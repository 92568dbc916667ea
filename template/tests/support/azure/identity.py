"""The two places that give an identity's access tokens: a container app's identity endpoint, and Microsoft Entra ID.

Identity endpoint: Microsoft, "Managed identities in Azure Container Apps", "REST endpoint reference"
(learn.microsoft.com/azure/container-apps/managed-identity). Entra: Microsoft, "OAuth 2.0 client credentials flow",
"Third case: Access token request with a federated credential"
(learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from tests.support.azure.server import Answer, Request

RESOURCE = "https://vault.azure.net"
"""What a Key Vault's callers ask a token for."""
TENANT = "7d9c3a52-4e1b-4c5f-9a77-0b8f4f4b1c11"
CLIENT_ID = "5e29463d-71da-4fe0-8e69-999b57db23b0"
LIFETIME_SECONDS = 3600
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Token:
    """An access token that was given out."""

    client_id: str
    resource: str
    expires_on: float


class Identities:
    """One identity, system-assigned or with `CLIENT_ID`, and the tokens it was given."""

    def __init__(self, resource: str = RESOURCE, announce: Callable[[str], object] = lambda _token: None) -> None:
        """Start with no token given out; `announce` each that is, before its caller has it."""
        self._resource = resource
        self._announce = announce
        self.header = token_urlsafe()
        """What IDENTITY_HEADER is to hold; the platform replaces it now and then."""
        self.assertion = token_urlsafe()
        """What the projected service account token is to be."""
        self.given: dict[str, Token] = {}
        self.requests = 0
        self.accepts_no_token = False
        """Whether whoever is shown them refuses even new tokens, as a Key Vault of another tenant does."""

    def revoke(self) -> None:
        """Make every token given out so far worthless."""
        self.given.clear()

    def knows(self, token: str) -> bool:
        """Say whether the token is good for what it was asked for: of its audience, and not expired."""
        found = None if self.accepts_no_token else self.given.get(token)
        return found is not None and found.resource == self._resource and found.expires_on > time.time()

    def endpoint(self, request: Request) -> Answer:
        """Answer as the identity endpoint of a container app."""
        self.requests += 1
        if request.headers.get("x-identity-header") != self.header:
            return Answer(401, {"statusCode": 401, "message": "Unauthorized"})
        client_id = request.query.get("client_id")
        wrong = request.query.get("api-version", "") < "2019-08-01" or "resource" not in request.query
        if request.path != "/msi/token" or wrong or client_id not in (None, CLIENT_ID):
            return Answer(400, {"statusCode": 400, "message": "Unable to load the proper Managed Identity."})
        token, details = self._give(request.query["resource"])
        body = {
            "access_token": token,
            "expires_on": str(int(details.expires_on)),
            "resource": details.resource,
            "token_type": "Bearer",
            "client_id": details.client_id,
        }
        return Answer(200, body)

    def entra(self, request: Request) -> Answer:
        """Answer as the token endpoint of Microsoft Entra ID does to a federated credential."""
        self.requests += 1
        form = request.form
        if (request.method, request.path) != ("POST", f"/{TENANT}/oauth2/v2.0/token"):
            return Answer(404, {"error": "invalid_request", "error_description": "AADSTS90002: Tenant not found."})
        if form.get("grant_type") != "client_credentials" or form.get("scope") != f"{self._resource}/.default":
            return Answer(400, {"error": "invalid_scope", "error_description": "AADSTS70011: Invalid scope."})
        if form.get("client_id") != CLIENT_ID:
            return Answer(400, {"error": "unauthorized_client", "error_description": "AADSTS700016: No application."})
        if form.get("client_assertion_type") != ASSERTION_TYPE or form.get("client_assertion") != self.assertion:
            description = "AADSTS700024: Client assertion is not within its valid time range."
            return Answer(401, {"error": "invalid_client", "error_description": description})
        token, _ = self._give(self._resource)
        return Answer(200, {"token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "access_token": token})

    def _give(self, resource: str) -> tuple[str, Token]:
        token = token_urlsafe()
        self._announce(token)
        self.given[token] = Token(CLIENT_ID, resource, time.time() + LIFETIME_SECONDS)
        return token, self.given[token]
