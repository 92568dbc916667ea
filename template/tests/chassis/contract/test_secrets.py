"""What every secret backend must do; the chosen one is tested."""

from pathlib import Path

import pytest

from chassis import selected
from chassis.ports.secrets import SecretUnavailableError
from chassis.selected import SecretSettings


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("CHASSIS_SECRET_PROBE", "from the environment")
    return "probe", "from the environment"


async def test_a_secret_is_read_by_name(secret: tuple[str, str]) -> None:
    name, value = secret
    async with selected.open_secret_manager(SecretSettings()) as secrets:
        found = await secrets.get(name)
    assert (found.reveal(), value in repr(found)) == (value, False)


async def test_an_absent_secret_is_an_error_that_says_where_to_put_it() -> None:
    async with selected.open_secret_manager(SecretSettings()) as secrets:
        with pytest.raises(SecretUnavailableError, match="'absent' is not there"):
            await secrets.get("absent")


async def test_a_rotated_secret_is_seen_by_the_next_use(tmp_path: Path) -> None:
    async with selected.open_secret_manager(SecretSettings(directory=tmp_path)) as secrets:
        for value in ("first", "second"):
            (tmp_path / "probe").write_text(f"{value}\n")
            assert (await secrets.get("probe")).reveal() == value
