"""What an adapter is opened with."""

import pytest

from chassis.container import Container
from chassis.ports.adapter_context import AdapterContext


@pytest.fixture
def context(container: Container) -> AdapterContext:
    """Give the sample agent's."""
    return container.adapter_context
