"""`seed`: add the agent's example data; refused in production."""

import argparse
import asyncio

from chassis.import_strings import load_object
from chassis.ports.errors import ConfigurationError
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_container


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""


def run(_options: argparse.Namespace) -> int:
    """Add the data unless it is there."""
    settings = load_settings()
    if settings.environment == "production":
        message = "Example data is not added in production."
        raise ConfigurationError(message)
    configure_logging(settings.environment, settings.service.log_level)
    asyncio.run(seed(settings))
    return 0


async def seed(settings: Settings) -> None:
    """Call the agent's seed function in one transaction, as the development principal."""
    async with open_container(settings) as container:
        if container.agent.seed is None:
            return
        principal = await container.authenticator.authenticate({})
        async with container.sessions.begin() as session:
            await load_object(container.agent.seed)(session, principal)
