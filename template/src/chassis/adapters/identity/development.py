"""The development principal: everybody is the configured developer, or whom a `dev` token names."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from chassis.adapters.identity.development_settings import IdentitySettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnauthenticatedError
from chassis.ports.identity import Authenticator, Principal

TOKEN = re.compile(r"\ABearer dev:(?P<tenant>[\w.-]{1,64}):(?P<subject>[\w.@-]{1,128}):(?P<role>[\w-]{1,64})\Z")


class DevelopmentAuthenticator:
    """Answers with the configured principal; `Authorization: Bearer dev:tenant:subject:role` plays another one."""

    def __init__(self, settings: IdentitySettings) -> None:
        """Keep the principal of the settings."""
        self._default = Principal(settings.tenant_id, settings.subject, (settings.role,))

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the named or the configured principal; any other credential is refused rather than ignored."""
        authorization = headers.get("authorization")
        if authorization is None:
            return self._default
        match = TOKEN.match(authorization)
        if match is None:
            message = "Only development tokens are accepted here: Bearer dev:<tenant>:<subject>:<role>."
            raise UnauthenticatedError(message)
        return Principal(match["tenant"], match["subject"], (match["role"],))


@asynccontextmanager
async def open_authenticator(settings: IdentitySettings, _context: AdapterContext) -> AsyncIterator[Authenticator]:
    """Open the development identity."""
    yield DevelopmentAuthenticator(settings)
