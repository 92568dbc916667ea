"""What the contract suite needs from each secret backend: an empty store, and ways to put secrets into it and to break it.

The module beside this one that is called like the chosen adapter offers them as STORES, one for each way in which the
backend can hold a secret. The suite asks for nothing else, so it knows no backend by name.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

from chassis import selected
from chassis.import_strings import load_object
from chassis.selected import SecretSettings
from chassis.settings import PREFIX


class SecretStore(Protocol):
    """Secrets where the chosen backend looks for them; empty when it is made."""

    settings: SecretSettings
    """Settings that lead the adapter to this store."""

    def put(self, name: str, value: str) -> None:
        """Create the secret, or rotate it."""
        ...

    def delete(self, name: str) -> None:
        """Remove the secret."""
        ...

    def place(self, name: str) -> str:
        """Give the words by which a person who misses this secret must be told where to put it."""
        ...

    def outage(self) -> AbstractContextManager[None]:
        """Make the backend unreachable while the context is open."""
        ...

    def forbid(self, name: str) -> None:
        """Take away this service's right to read one secret."""
        ...

    def expire_login(self) -> None:
        """Make the backend refuse (401) the login that the adapter holds now; a new one is accepted."""
        ...


class InProcess:
    """The part of a store that a backend without a server does not have."""

    def outage(self) -> NoReturn:
        """There is no server that could be gone."""
        pytest.skip("this backend has no server that could be unreachable")

    def forbid(self, _name: str) -> NoReturn:
        """There is nobody who grants rights."""
        pytest.skip("this backend grants no rights")

    def expire_login(self) -> NoReturn:
        """There is nothing to log in to."""
        pytest.skip("this backend has no login")


OpenStore = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[SecretStore]]


def stores() -> dict[str, OpenStore]:
    """Give the stores of the chosen backend."""
    backend = selected.open_secret_backend.__module__.rpartition(".")[2]
    found: dict[str, OpenStore] = load_object(f"{__name__}.{backend}:STORES")
    return found


def with_store(environment: Mapping[str, str], store: SecretStore) -> dict[str, str]:
    """Give an environment whose service reads its secrets from this store."""
    group = f"{PREFIX}SECRETS__"
    others = {name: value for name, value in environment.items() if not name.startswith(group)}
    settings = store.settings.model_dump(mode="json", exclude_none=True)
    return {**others, **{group + name.upper(): str(value) for name, value in settings.items()}}
