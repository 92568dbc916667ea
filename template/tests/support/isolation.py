"""A database and a queue of its own for whoever needs them: a worker executes every run it can find."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from chassis.commands.migrate import migrate
from chassis.db.rotating import RotatingDatabase
from chassis.dev.environment import DATABASE_URL, LOGIN_URL, as_role, logins
from chassis.dev.postgres import create_database
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.wiring import open_adapter_context

OWNER_URL = LOGIN_URL.format("OWNER")


async def isolated_environment(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Give an environment with a migrated database and a queue called `name`, in which the service is `<name>_app`."""
    database = await asyncio.to_thread(create_database, environment[DATABASE_URL], name)
    own = {**environment, DATABASE_URL: database, "CHASSIS__SERVICE__NAME": name}
    settings = load_settings(own)
    async with open_adapter_context(settings) as context:
        await migrate(settings, context)
    if LOGIN_URL.format("APP") in environment:  # a server of ours, where logins can be made
        own |= await asyncio.to_thread(logins, database)
    return {**as_role(own, "app"), OWNER_URL: database}


async def isolated_settings(environment: Mapping[str, str], name: str) -> Settings:
    """Give the settings of such an environment."""
    return load_settings(await isolated_environment(environment, name))


def elsewhere(context: AdapterContext, settings: Settings, url: str) -> AdapterContext:
    """Give the context with the database at another URL, which need not be there."""
    database = RotatingDatabase(settings.database.model_copy(update={"url": url, "password": None}), context.secrets)
    return replace(context, database=database)
