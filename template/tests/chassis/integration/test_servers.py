"""The servers the tests start."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from chassis.dev.environment import DATABASE_URL

pytestmark = pytest.mark.slow


@pytest.mark.skipif(DATABASE_URL in os.environ, reason="the server is somebody else's")
async def test_another_pytest_does_not_end_them(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Each pytest closes the folder of all pytests to other users, and Postgres, which is one, would give up.
    async with await psycopg.AsyncConnection.connect(environment[DATABASE_URL], autocommit=True) as connection:
        found = await (await connection.execute("SHOW data_directory")).fetchone()
        assert found is not None
        assert not Path(found[0]).is_relative_to(tmp_path_factory.getbasetemp().parent)
        await connection.execute("CHECKPOINT")
