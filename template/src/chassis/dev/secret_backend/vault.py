"""The server of `secret_backend=vault` on a laptop: an OpenBao that forgets everything when it ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.openbao import create_approle, openbao_server

PREFIX = "CHASSIS__SECRETS__"
SEED = "CHASSIS_SECRET_"
POLICY = 'path "secret/data/agent/*" { capabilities = ["read"] }'


@contextmanager
def secret_backend_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings of a server started here, unless the environment names one.

    Secrets are put into it from variables such as CHASSIS_SECRET_MODEL_API_KEY, which the service itself does not read.
    """
    if PREFIX + "URL" in environ:
        yield {}
        return
    with openbao_server(directory) as server:
        server.write("sys/mounts/secret", type="kv", options={"version": "2"})
        server.write("sys/auth/approle", type="approle")
        for variable, value in environ.items():
            if variable.startswith(SEED):
                server.write(f"secret/data/agent/{variable.removeprefix(SEED).lower()}", data={"value": value})
        settings = {**create_approle(server, "agent", POLICY, directory), "prefix": "agent/"}
        yield {PREFIX + name.upper(): value for name, value in settings.items()}
