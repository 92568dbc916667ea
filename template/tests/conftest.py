"""Real servers for all tests: one Postgres (and broker) a session, found or started, migrated once."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, running_service

from chassis.container import Container
from chassis.dev.environment import development_environment
from chassis.dev.services import past_proxies
from chassis.settings import Settings
from chassis.wiring import open_container

FAST_RUNS = {"CHASSIS__RUNS__LEASE_SECONDS": "2", "CHASSIS__RUNS__POLL_SECONDS": "0.5"}


@pytest.fixture(scope="session", autouse=True)
def _past_proxies() -> Iterator[None]:
    """All servers of the tests are on this machine, where no proxy of the person's leads."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in past_proxies(os.environ).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def environment() -> Iterator[Mapping[str, str]]:
    """The environment of a test service, with its servers running.

    What is no setting of ours, such as where a platform's identity is found, is told to this process as it would be to the service.
    Their data is not below pytest's folder: where the tests run as root, Postgres runs as another user, and each pytest
    that starts on the machine closes that folder to others.
    """
    with TemporaryDirectory(prefix="chassis-tests-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        with (
            development_environment(Path(directory), {**os.environ, **FAST_RUNS}, "test") as environment,
            pytest.MonkeyPatch.context() as patch,
        ):
            for name in environment.keys() - os.environ.keys():
                if not name.startswith("CHASSIS"):  # what an SDK reads by itself, where a service runs in this process
                    patch.setenv(name, environment[name])
            yield environment


@pytest.fixture(scope="session")
async def settings(environment: Mapping[str, str]) -> Settings:
    """Settings that lead to a migrated database, which runs no service."""
    return await isolated_settings(environment, "shared")


@pytest.fixture(scope="session")
async def container(settings: Settings) -> AsyncIterator[Container]:
    """The sample agent's ports, on real servers."""
    async with open_container(settings, agent=SAMPLE) as container:
        yield container


@pytest.fixture(scope="module")
async def service(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    """A running API and worker of the sample agent."""
    async with running_service(await isolated_settings(environment, "sample"), SAMPLE) as service:
        yield service
