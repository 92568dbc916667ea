"""Database credentials that Vault's database engine leases: used under load, renewed, replaced, and taken away."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from tests.support.openbao import shared_server
from tests.support.rotation import Load, ScramServer, scram_server, under_load

from chassis import selected
from chassis.db.engine import open_engine
from chassis.db.rotating import RotatingDatabase, conninfo_of
from chassis.dev.openbao import create_approle
from chassis.ports.secrets import Secret, SecretBackend, SecretNotFoundError, SecretUnavailableError
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import SecretSettings
from chassis.settings import DatabaseSettings

pytestmark = pytest.mark.slow

TTL, MAX_TTL = 3, 6
# What Vault replaces, which is written in two braces; those are Jinja's, so they do not stand in Python.
NAME, USERNAME, PASSWORD, EXPIRATION = (
    "{" * 2 + word + "}" * 2 for word in ("name", "username", "password", "expiration")
)
CREATE = f"CREATE ROLE \"{NAME}\" LOGIN PASSWORD '{PASSWORD}' VALID UNTIL '{EXPIRATION}'"
CREATE_FOR_OWNER = (f"{CREATE} IN ROLE app", f"ALTER ROLE \"{NAME}\" SET role = 'app'")
REVOKE = [
    f'DROP ROLE IF EXISTS "{NAME}"',
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid IS NOT NULL AND usename IS NULL",
]
"""What docs/secrets-vault.md recommends."""
HOUR = 3600
LOST = re.compile("OperationalError|This connection is closed")
"""How a query fails whose connection the server ended: in the middle of it, or between two statements."""
APP_ROLE = "leases"
POLICY = 'path "database/creds/app" { capabilities = ["read"] }'


@dataclass
class Noted:
    """A backend that notes which user it was given when, and for how long."""

    backend: SecretBackend
    given: list[tuple[float, str, float]] = field(default_factory=list)

    async def read(self, name: str) -> Secret:
        secret = await self.backend.read(name)
        assert secret.validity is not None
        self.given.append((time.monotonic(), json.loads(secret.reveal())["username"], secret.validity.end_seconds))
        return secret

    @property
    def users(self) -> list[str]:
        """The users, in the order in which they came."""
        return list(dict.fromkeys(user for _, user, _ in self.given))

    def times(self, user: str) -> list[float]:
        """When this user was given."""
        return [at for at, one, _ in self.given if one == user]


@pytest.fixture(scope="module")
def postgres() -> Iterator[ScramServer]:
    with scram_server() as server:
        yield server


@pytest.fixture
def vault(postgres: ScramServer) -> Iterator[SecretSettings]:
    """Give settings that lead to a database engine for that Postgres."""
    server = shared_server()
    server.write("sys/mounts/database", type="database")
    server.write(
        "database/config/postgres",
        plugin_name="postgresql-database-plugin",
        connection_url=postgres.url.replace("postgres@", f"{USERNAME}:{PASSWORD}@"),
        username="postgres",
        password="not asked for",
        allowed_roles=["app"],
    )
    define_role()
    with TemporaryDirectory(prefix="chassis-vault-") as directory:
        login = create_approle(server, APP_ROLE, POLICY, Path(directory), token_ttl="1h")
        yield SecretSettings.model_validate({**login, "database_role": "app"}, context={"environment": "test"})
    server.delete("sys/mounts/database")
    server.delete(f"auth/approle/role/{APP_ROLE}")


def define_role(ttl: int = TTL, max_ttl: int = MAX_TTL, create: tuple[str, ...] = (CREATE,)) -> None:
    shared_server().write(
        "database/roles/app",
        db_name="postgres",
        creation_statements=[*create],
        revocation_statements=REVOKE,
        default_ttl=ttl,
        max_ttl=max_ttl,
    )


def settings_of(postgres: ScramServer) -> DatabaseSettings:
    return postgres.settings("nobody").model_copy(update={"password": "secret://database_credentials"})


@asynccontextmanager
async def service(vault: SecretSettings, postgres: ScramServer) -> AsyncIterator[tuple[Load, Noted]]:
    """Run what a service does with its database, on leased credentials."""
    database = settings_of(postgres)
    async with selected.open_secret_backend(vault) as backend:
        noted = Noted(backend)
        secrets = CachedSecretManager(noted)
        async with (
            open_engine(RotatingDatabase(database, secrets), database, "leases") as engine,
            under_load(engine) as load,
        ):
            yield load, noted
        await secrets.close()


async def until_done(load: Load, queries: int) -> None:
    async with asyncio.timeout(60):
        while load.done < queries:  # noqa: ASYNC110 - the load goes on by itself
            await asyncio.sleep(0.02)


async def until_another_user(noted: Noted, seconds: float) -> None:
    before = noted.users
    async with asyncio.timeout(seconds):
        while noted.users == before:  # noqa: ASYNC110 - nobody tells when the engine has read
            await asyncio.sleep(0.02)


def roles(postgres: ScramServer) -> set[str]:
    return {name for (name,) in postgres.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'")}


async def until_no_role_is_left(postgres: ScramServer, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while roles(postgres):  # noqa: ASYNC110 - Vault tells nobody
            await asyncio.sleep(0.05)


async def user(backend: SecretBackend) -> str:
    pair: dict[str, str] = json.loads((await backend.read("database_credentials")).reveal())
    return pair["username"]


async def test_leases_are_renewed_and_replaced_under_load(vault: SecretSettings, postgres: ScramServer) -> None:
    async with service(vault, postgres) as (load, noted):
        await asyncio.sleep(3 * MAX_TTL + 1)
    assert load.errors == []
    assert load.done > 100
    assert len(noted.users) >= 4
    assert load.users == set(noted.users)
    for one, following in pairwise(noted.users):
        used = noted.times(following)[0] - noted.times(one)[0]
        assert TTL < used < MAX_TTL, "renewed beyond its first time, and replaced before it could not be any more"
    assert all(left >= 1 for _, _, left in noted.given), "whoever is given credentials has time to use them"
    await until_no_role_is_left(postgres, 2 * MAX_TTL)


async def test_a_revoked_lease_costs_at_most_the_queries_in_flight(
    vault: SecretSettings, postgres: ScramServer
) -> None:
    define_role(HOUR, HOUR)
    async with service(vault, postgres) as (load, noted):
        await asyncio.sleep(1)
        await asyncio.to_thread(shared_server().write, "sys/leases/revoke-prefix/database/creds/app")
        await until_another_user(noted, 5)
        await until_done(load, load.done + 100)
    assert len(load.errors) <= settings_of(postgres).pool_size, "one for each connection that was in use"
    assert all(LOST.search(error) for error in load.errors), load.errors
    assert len(noted.users) == 2


async def test_a_lease_ends_with_its_login_and_so_does_its_validity(
    vault: SecretSettings, postgres: ScramServer
) -> None:
    define_role(HOUR, HOUR)
    shared_server().write(f"auth/approle/role/{APP_ROLE}", token_ttl=TTL, token_max_ttl=MAX_TTL)
    async with service(vault, postgres) as (load, noted):
        await asyncio.sleep(2 * MAX_TTL)
    assert load.errors == []
    assert len(noted.users) >= 3
    assert all(left <= TTL for _, _, left in noted.given)


async def test_an_early_read_gives_the_same_credentials_while_they_are_good(
    vault: SecretSettings, postgres: ScramServer
) -> None:
    define_role(HOUR, HOUR)
    async with selected.open_secret_backend(vault) as backend:
        assert await user(backend) == await user(backend)
        assert len(roles(postgres)) == 1


@pytest.mark.parametrize("how", ["revoked", "dropped", "logged out"])
async def test_an_early_read_finds_out_that_credentials_are_gone(
    vault: SecretSettings, postgres: ScramServer, how: str
) -> None:
    define_role(HOUR, HOUR)
    async with selected.open_secret_backend(vault) as backend:
        before = await user(backend)
        if how == "revoked":
            shared_server().write("sys/leases/revoke-prefix/database/creds/app")
        elif how == "dropped":
            postgres.execute(f'DROP ROLE "{before}"')
        else:
            shared_server().write("sys/leases/revoke-prefix/auth/approle/login")
        assert await user(backend) in roles(postgres) - {before}


async def test_the_end_of_the_service_is_the_end_of_its_credentials(
    vault: SecretSettings, postgres: ScramServer
) -> None:
    define_role(HOUR, HOUR)
    async with selected.open_secret_backend(vault) as backend:
        assert await user(backend) in roles(postgres)
    await until_no_role_is_left(postgres, 5)


async def test_what_leased_credentials_create_belongs_to_their_role(
    vault: SecretSettings, postgres: ScramServer
) -> None:
    postgres.execute("CREATE ROLE app NOLOGIN")
    postgres.execute("GRANT CREATE ON SCHEMA public TO app")
    define_role(HOUR, HOUR, CREATE_FOR_OWNER)
    async with selected.open_secret_backend(vault) as backend:
        conninfo = conninfo_of(postgres.url, await backend.read("database_credentials"))
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            await connection.execute("CREATE TABLE things ()")
    await until_no_role_is_left(postgres, 5)
    assert postgres.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'things'") == [("app",)]


async def test_a_role_that_is_not_there_is_named(vault: SecretSettings) -> None:
    shared_server().delete("database/roles/app")
    async with selected.open_secret_backend(vault) as backend:
        with pytest.raises(SecretNotFoundError, match="`vault write database/roles/app"):
            await backend.read("database_credentials")


async def test_a_database_that_is_not_there_is_no_missing_secret(vault: SecretSettings) -> None:
    shared_server().write(
        "database/config/postgres",
        plugin_name="postgresql-database-plugin",
        connection_url="postgresql://nobody@127.0.0.1:1/postgres",
        verify_connection=False,
        allowed_roles=["app"],
    )
    async with selected.open_secret_backend(vault) as backend:
        with pytest.raises(SecretUnavailableError):
            await backend.read("database_credentials")
