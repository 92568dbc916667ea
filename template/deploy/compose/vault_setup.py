"""Let the service log in to the OpenBao of `make up`: `vault_setup.py URL ROOT_TOKEN FILE`, with FILE to hold the secret id.

As docs/secrets-vault.md says it, with a role id that compose knows beforehand. Nothing but Python is needed.
"""

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

POLICY = 'path "secret/data/agent/*" { capabilities = ["read"] }'
TIMEOUT_SECONDS = 10


def main(url: str, token: str, file: str) -> None:
    """Make the policy, the role and a secret id; what is there already is made again."""

    def call(method: str, path: str, **data: Any) -> dict[str, Any]:
        body = json.dumps(data).encode() if data else None
        request = urllib.request.Request(f"{url}/v1/{path}", body, {"X-Vault-Token": token}, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            content = answer.read()
        found: dict[str, Any] = json.loads(content) if content else {}
        return found

    call("POST", "sys/policies/acl/agent", policy=POLICY)
    if "approle/" not in call("GET", "sys/auth")["data"]:
        call("POST", "sys/auth/approle", type="approle")
    call("POST", "auth/approle/role/agent", token_policies=["agent"])
    call("POST", "auth/approle/role/agent/role-id", role_id="agent")
    secret_id = call("POST", "auth/approle/role/agent/secret-id")["data"]["secret_id"]
    place = Path(file)
    place.write_text(secret_id, encoding="utf-8")
    # The service reads it as another user, in a volume that only these containers have.
    place.chmod(0o644)


if __name__ == "__main__":
    main(*sys.argv[1:])
