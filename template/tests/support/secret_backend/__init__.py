"""What the contract suite needs from each secret backend: an empty store, and a way to put secrets into it.

The module beside this one that is called like the chosen adapter offers them as STORES, one for each way in which the
backend can hold a secret. The suite asks for nothing else, so it knows no backend by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from chassis import selected
from chassis.import_strings import load_object
from chassis.selected import SecretSettings


class SecretStore(Protocol):
    """Secrets where the chosen backend looks for them; empty when it is made."""

    settings: SecretSettings
    """Settings that lead the adapter to this store."""

    def put(self, name: str, value: str) -> None:
        """Create the secret, or rotate it."""
        ...

    def place(self, name: str) -> str:
        """Give the words by which a person who misses this secret must be told where to put it."""
        ...


OpenStore = Callable[[Path, pytest.MonkeyPatch], SecretStore]


def stores() -> dict[str, OpenStore]:
    """Give the stores of the chosen backend."""
    backend = selected.open_secret_manager.__module__.rpartition(".")[2]
    found: dict[str, OpenStore] = load_object(f"{__name__}.{backend}:STORES")
    return found
