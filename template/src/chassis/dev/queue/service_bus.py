"""The broker of `queue=service_bus` on a laptop, and an identity such as Azure gives to what runs there.

The identity's endpoint: "Managed identities in Azure Container Apps", "REST endpoint reference"
(learn.microsoft.com/azure/container-apps/managed-identity).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe

from chassis.dev.collector import Answer, Request, in_json, serving
from chassis.dev.service_bus.server import service_bus

URL = "CHASSIS__QUEUE__URL"
AUTHORITY = "CHASSIS__QUEUE__AUTHORITY"
LIFETIME_SECONDS = 3600


def give_token(request: Request) -> Answer:
    """Give anybody on this machine a token, which is good for nothing elsewhere."""
    resource = request.query.get("resource", "")
    expires = str(int(time.time()) + LIFETIME_SECONDS)
    body = {"access_token": token_urlsafe(), "expires_on": expires, "resource": resource, "token_type": "Bearer"}
    return in_json(200, body)


@contextmanager
def queue_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that point to the broker: the environment's own, or those of one started here."""
    if URL in environ:
        yield {name: environ[name] for name in (URL, AUTHORITY) if name in environ}
        return
    with service_bus(directory / "service_bus") as server, serving(give_token) as identity:
        yield {
            URL: server.url,
            AUTHORITY: str(server.authority),
            "IDENTITY_ENDPOINT": f"{identity}/msi/token",
            "IDENTITY_HEADER": token_urlsafe(),
        }
