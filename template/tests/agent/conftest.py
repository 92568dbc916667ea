"""The service desk, running, with its example tickets."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.support.isolation import isolated_settings
from tests.support.service import RunningService, running_service

from agent import AGENT
from agent.seed import seed
from chassis.api import Principal

TENANT = "service-desk"


def said(question: str) -> dict[str, Any]:
    """The input of a run that asks something."""
    return {"messages": [{"role": "user", "content": question}]}


@pytest.fixture(scope="module")
async def desk(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    """A running API and worker of the agent."""
    async with running_service(await isolated_settings(environment, "desk"), AGENT) as service:
        async with service.container.sessions.begin() as session:
            await seed(session, Principal(TENANT, "ada", ("admin",)))
        yield service
