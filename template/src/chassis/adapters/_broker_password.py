"""The password of a broker, which may change at any time: each new connection asks for it.

Clients of brokers connect in threads of their own; secrets are read in the event loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from chassis.ports.errors import ChassisError
from chassis.ports.secrets import Secret, SecretManager

log = structlog.get_logger()

T = TypeVar("T")

READ_SECONDS = 11.0
"""A little more than the secret manager gives its backend."""

PATIENCE_SECONDS = 1.0
"""A password and its secret cannot be changed in one instant: so long a refused connection waits for the other half."""


class PasswordUnreadableError(ConnectionError):
    """The password of the broker cannot be read; to clients this is a connection that failed, which they try again."""


class BrokerPassword:
    """Reads the secret from the manager, which has it in memory, for each new connection."""

    def __init__(self, name: str, secrets: SecretManager) -> None:
        """Take the secret's name, inside the event loop of the secret manager."""
        self._name = name
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._given = threading.local()
        self._waited_for: Secret | None = None

    def read(self) -> str:
        """Give the password to the thread that connects; raise `PasswordUnreadableError`."""
        secret: Secret = self._ask(self._secrets.get(self._name))
        self._given.secret = secret
        return secret.reveal()

    def renew(self) -> bool:
        """After a refusal of what this thread was given last: say whether there is another password, if it comes soon."""
        renewed = self._ask(self._other_than(self._given.secret))
        if renewed:
            log.info("queue.credentials_read_anew", secret=self._name)
        return renewed

    async def _other_than(self, rejected: Secret) -> bool:
        known = rejected == self._waited_for  # clients and kombu try again by themselves, and nobody waits each time
        for pause in (0.0,) if known else (0.0, PATIENCE_SECONDS):
            await asyncio.sleep(pause)
            self._secrets.invalidate(self._name, rejected)
            if await self._secrets.get(self._name) != rejected:
                return True
        self._waited_for = rejected
        return False

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(READ_SECONDS)
        except (ChassisError, TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            question.close()
            message = f"The secret '{self._name}' cannot be read."
            raise PasswordUnreadableError(message) from error
