"""What the manifests give a container, its command, environment and files, starts the real service."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.helm import environments, rendered
from tests.support.isolation import OWNER_URL, isolated_environment
from tests.support.manifests import Manifest, containers, workloads
from tests.support.pod_settings import MANAGEMENT, settings_of

from chassis.dev.environment import DATABASE_URL, as_role
from chassis.dev.services import free_port
from chassis.settings_loader import known_variables

pytestmark = pytest.mark.slow

PREFIX = "CHASSIS__"
SECRETS = f"{PREFIX}SECRETS__"
LOGIN, APPROLE = f"{SECRETS}AUTH", "approle"
READY = {"worker": "worker.ready", "keeper": "audit.keeper_ready"}
SECONDS = 60.0


@pytest.fixture(scope="module")
async def manifests(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The chart with the settings of a test service, whose servers are running."""
    own = await isolated_environment(environment, "chart")
    config = _config(own)
    config["http"] = {"host": "127.0.0.1", "port": free_port()}
    if "@" in config.get("queue", {}).get("url", ""):
        # The chart takes no password in a URL; without one RabbitMQ's client is guest, whom a laptop's server lets in.
        config["queue"]["url"] = re.sub("//[^/@]*@", "//", config["queue"]["url"])
    if own.get(LOGIN) == APPROLE:
        # The chart refuses a secret id; `started` gives back the login that a laptop's OpenBao knows.
        config["secrets"] |= {"auth": "kubernetes"}
        config["secrets"].pop("secret_id_file")
    owner = {"database": {"url": own[OWNER_URL]}}
    keeper = {"database": {"url": as_role(own, "sealer")[DATABASE_URL]}}
    [example, *_] = (yaml.safe_load(path.read_text()) for path in environments())
    values = tmp_path_factory.mktemp("chart") / "values.yaml"
    values.write_text(yaml.safe_dump({**example, "config": config, "migrate": owner, "keeper": keeper}))
    return rendered(values)


def _config(environment: Mapping[str, str]) -> dict[str, Any]:
    """Give the settings of an environment as values of the chart."""
    found: dict[str, Any] = {}
    for name, text in environment.items():
        if name.startswith(PREFIX) and name in known_variables():
            group, _, setting = name.removeprefix(PREFIX).lower().partition("__")
            if setting:
                found.setdefault(group, {})[setting] = _value(text)
            else:
                found[group] = text
    return found


def _value(text: str) -> Any:
    """Read a number or a truth value as what it is; a text that looks like one is none of ours."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _container(manifests: list[Manifest], component: str) -> Manifest:
    [found] = [
        containers(spec)[0]
        for _, one, spec in workloads(manifests)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return found


@contextmanager
def started(
    manifests: list[Manifest], component: str, environment: Mapping[str, str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Path, dict[str, str]]]:
    """Start a process as its pod would, with its volumes in a folder of ours and a management port of its own."""
    container = _container(manifests, component)
    given = settings_of(container)
    for mount in container["volumeMounts"]:
        inside, outside = mount["mountPath"], folder / component / mount["mountPath"].strip("/")
        outside.mkdir(parents=True, exist_ok=True)
        given = {
            name: value.replace(inside, str(outside), 1)
            if value.startswith(inside)
            and not Path(value).is_file()  # a file of the test's own servers stays where it is
            else value
            for name, value in given.items()
        }
    if f"{MANAGEMENT}PORT" in given:
        given |= {f"{MANAGEMENT}HOST": "127.0.0.1", f"{MANAGEMENT}PORT": str(free_port())}
    if environment.get(LOGIN) == APPROLE:  # the pod's own login is shown by the secret backend's contract suite
        given.pop(f"{SECRETS}TOKEN_FILE", None)
        given |= {name: value for name, value in environment.items() if name.startswith(SECRETS)}
    platform = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    log = folder / f"{component}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "chassis", *container["args"]],
            env={**platform, **given, "PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, log, given
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


def _wait(process: subprocess.Popen[bytes], log: Path, done: Any) -> None:
    until = time.monotonic() + SECONDS
    while not done():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.1)


def _answers(port: str | int, path: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=3).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _probes(container: Manifest, given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give the port and path of each probe that this version answers."""
    ports = {"http": given[f"{PREFIX}HTTP__PORT"], "management": given.get(f"{MANAGEMENT}PORT", "")}
    asked = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    return [(ports[one["port"]], one["path"]) for one in asked if ports[one["port"]]]


def test_the_migration_ends_well(manifests: list[Manifest], environment: Mapping[str, str], tmp_path: Path) -> None:
    with started(manifests, "migrate", environment, tmp_path) as (process, log, _):
        assert process.wait(SECONDS) == 0, log.read_text()[-3000:]


def test_the_api_starts_and_its_probes_pass(
    manifests: list[Manifest], environment: Mapping[str, str], tmp_path: Path
) -> None:
    with started(manifests, "api", environment, tmp_path) as (process, log, given):
        probes = _probes(_container(manifests, "api"), given)
        assert probes
        for port, path in probes:
            _wait(process, log, lambda port=port, path=path: _answers(port, path))
        assert not _answers(given[f"{PREFIX}HTTP__PORT"], "/threads/none")
    assert process.returncode in (0, -signal.SIGTERM), log.read_text()[-3000:]


@pytest.mark.parametrize("component", sorted(READY))
def test_the_others_start_and_end_when_told(
    manifests: list[Manifest], environment: Mapping[str, str], component: str, tmp_path: Path
) -> None:
    with started(manifests, component, environment, tmp_path) as (process, log, given):
        _wait(process, log, lambda: READY[component] in log.read_text())
        for port, path in _probes(_container(manifests, component), given):
            _wait(process, log, lambda port=port, path=path: _answers(port, path))
    assert process.returncode in (0, -signal.SIGTERM), log.read_text()[-3000:]
