"""The development principal."""

import pytest

from chassis.container import Container
from chassis.ports.errors import UnauthenticatedError
from chassis.ports.identity import Principal

pytestmark = pytest.mark.slow


async def test_nobody_named_is_the_developer(container: Container) -> None:
    assert await container.authenticator.authenticate({}) == Principal("development", "developer", ("admin",))


async def test_a_development_token_names_somebody(container: Container) -> None:
    headers = {"authorization": "Bearer dev:acme:ada@example.com:viewer"}
    assert await container.authenticator.authenticate(headers) == Principal("acme", "ada@example.com", ("viewer",))


@pytest.mark.parametrize(
    "credential", ["Bearer eyJhbGciOi", "Basic x", "Bearer dev:acme:ada", "Bearer dev:a:b:c:d", ""]
)
async def test_any_other_credential_is_refused(container: Container, credential: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await container.authenticator.authenticate({"authorization": credential})
