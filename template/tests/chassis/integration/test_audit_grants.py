"""What each role may do to the audit log, asked of the database itself, under the privileges that `migrate` grants."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest
from psycopg import sql
from tests.support.isolation import OWNER_URL, isolated_environment

from chassis.db.roles import AUDIT_TABLES, grants_sql, role_name

pytestmark = pytest.mark.slow

INSERT = "INSERT INTO audit_event (tenant_id, owner_id, action, resource, details) VALUES ('t', 'o', 'a', 'r', '{}')"
REFUSED = {
    "app": [
        *(f"{verb} {table}" for table in AUDIT_TABLES for verb in ("DELETE FROM", "TRUNCATE")),
        "UPDATE audit_event SET owner_id = 'x'",
        "INSERT INTO audit_unsealed VALUES (1)",
        "INSERT INTO audit_seal VALUES (1, 1, '', '')",
        "INSERT INTO audit_head VALUES (1, 1, '', now(), '', '')",
        "UPDATE audit_shipment SET sequence = 0",
        "ALTER TABLE audit_event DISABLE TRIGGER USER",
        "DROP TABLE audit_event",
        "CREATE TABLE mine (id int)",
        "UPDATE alembic_version SET version_num = 'x'",
    ],
    "sealer": [
        INSERT,
        "UPDATE audit_event SET owner_id = 'x'",
        "DELETE FROM audit_event",
        "UPDATE audit_seal SET chain = ''",
        "DELETE FROM audit_seal",
        "UPDATE audit_head SET chain = ''",
        "DELETE FROM audit_head",
        "SELECT * FROM run",
        "SELECT * FROM thread",
    ],
    "auditor": [
        "UPDATE audit_event SET owner_id = 'x'",
        "DELETE FROM audit_event",
        "DELETE FROM audit_unsealed",
        "INSERT INTO audit_seal VALUES (1, 1, '', '')",
        "SELECT * FROM run",
    ],
}
ALLOWED = {
    "app": [
        INSERT,
        "SELECT * FROM audit_seal",
        "SELECT * FROM audit_unsealed",
        "DELETE FROM thread",
        "SELECT * FROM run",
    ],
    "sealer": [
        "SELECT * FROM audit_event",
        "DELETE FROM audit_unsealed",
        "INSERT INTO audit_seal VALUES (1, 1, '', '')",
    ],
    "auditor": [INSERT, "SELECT * FROM audit_head"],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(role, statement) for role, statements in table.items() for statement in statements]


@pytest.fixture(scope="module")
async def owner_url(environment: Mapping[str, str]) -> str:
    return (await isolated_environment(environment, "grants"))[OWNER_URL]


@pytest.fixture
def connection(owner_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_url) as connection:
        yield connection
        connection.rollback()


def become(connection: psycopg.Connection, role: str) -> None:
    name = role_name(connection.info.dbname, role)
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize(("role", "statement"), cases(REFUSED))
def test_a_role_may_not(connection: psycopg.Connection, role: str, statement: str) -> None:
    become(connection, role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(("role", "statement"), cases(ALLOWED))
def test_a_role_may(connection: psycopg.Connection, role: str, statement: str) -> None:
    become(connection, role)
    connection.execute(statement)


def test_granting_again_takes_back_what_somebody_gave(connection: psycopg.Connection) -> None:
    connection.execute("GRANT ALL ON audit_event TO grants_app")
    connection.execute(grants_sql())
    become(connection, "app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM audit_event")
