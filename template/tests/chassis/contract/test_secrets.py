"""What every secret backend must do; the chosen one is tested, on a store of its kind."""

import re

import pytest
from tests.support.secret_backend import SecretStore

from chassis import selected
from chassis.ports.secrets import SecretUnavailableError


async def test_a_secret_is_read_by_name(secret_store: SecretStore) -> None:
    secret_store.put("other", "another value")
    secret_store.put("probe", "the value itself")
    async with selected.open_secret_manager(secret_store.settings) as secrets:
        found = await secrets.get("probe")
    assert (found.name, found.reveal()) == ("probe", "the value itself")
    assert "itself" not in f"{found} {found!r} {secrets!r} {secret_store.settings!r}"


@pytest.mark.parametrize("value", ["  spaces around  ", "two\nlines", "p@ss:/w%rd$HOME", "Grüße 🙂"])
async def test_a_value_is_given_as_it_was_put(secret_store: SecretStore, value: str) -> None:
    secret_store.put("probe", value)
    async with selected.open_secret_manager(secret_store.settings) as secrets:
        assert (await secrets.get("probe")).reveal() == value


async def test_an_absent_secret_is_an_error_that_says_where_to_put_it(secret_store: SecretStore) -> None:
    secret_store.put("probe", "of another name")
    async with selected.open_secret_manager(secret_store.settings) as secrets:
        with pytest.raises(SecretUnavailableError, match="'absent' is not there") as caught:
            await secrets.get("absent")
    assert re.search(rf"{re.escape(secret_store.place('absent'))}\b", caught.value.detail)


async def test_an_empty_secret_is_an_absent_one(secret_store: SecretStore) -> None:
    secret_store.put("probe", "")
    async with selected.open_secret_manager(secret_store.settings) as secrets:
        with pytest.raises(SecretUnavailableError, match="'probe' is not there"):
            await secrets.get("probe")


async def test_a_rotated_secret_is_seen_by_the_next_use(secret_store: SecretStore) -> None:
    async with selected.open_secret_manager(secret_store.settings) as secrets:
        for value in ("first", "second"):
            secret_store.put("probe", value)
            assert (await secrets.get("probe")).reveal() == value
