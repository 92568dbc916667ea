"""The password of a Redis or Valkey broker, which may change at any time: each new connection asks for it.

redis-py asks a `CredentialProvider` when it connects, in the thread that needs the connection; secrets are read in the event
loop. A connection that was opened before stays valid when a password is taken away: Redis, "ACL SETUSER", changes rules and
passwords for logins to come (redis.io/docs/latest/commands/acl-setuser).
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from kombu.transport import redis as kombu_redis
from redis.connection import Connection, SSLConnection
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from chassis.ports.errors import ChassisError
from chassis.ports.secrets import Secret, SecretManager

log = structlog.get_logger()

T = TypeVar("T")

READ_SECONDS = 11.0
"""A little more than the secret manager gives its backend."""

CLOSED = "Connection closed by server."
"""What redis-py 8.1 says, and has no class of error for."""

PATIENCE_SECONDS = 1.0
"""A password and its secret cannot be changed in one instant: so long a refused connection waits for the other half."""


class BrokerCredentials(CredentialProvider):
    """Reads the secret from the manager, which has it in memory, for each new connection."""

    def __init__(self, user: str, name: str, secrets: SecretManager) -> None:
        """Take the user's name and the secret's, inside the event loop of the secret manager."""
        self._user = user
        self._name = name
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._given = threading.local()
        self._waited_for: Secret | None = None

    def get_credentials(self) -> tuple[str, str]:
        """Give user and password; called by redis-py."""
        self._given.secret = self._ask(self._secrets.get(self._name))
        return self._user, self._given.secret.reveal()

    def renew(self) -> bool:
        """After a refusal of what this thread was given last: say whether there is another password, if it comes soon."""
        renewed = self._ask(self._other_than(self._given.secret))
        if renewed:
            log.info("queue.credentials_read_anew", secret=self._name)
        return renewed

    async def _other_than(self, rejected: Secret) -> bool:
        known = rejected == self._waited_for  # redis-py and kombu try again by themselves, and nobody waits each time
        for pause in (0.0,) if known else (0.0, PATIENCE_SECONDS):
            await asyncio.sleep(pause)
            self._secrets.invalidate(self._name, rejected)
            if await self._secrets.get(self._name) != rejected:
                return True
        self._waited_for = rejected
        return False

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Have the event loop answer; a failure is one of the connection, after which kombu's consumer tries again."""
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(READ_SECONDS)
        except (ChassisError, TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            question.close()
            message = f"The secret '{self._name}' cannot be read."
            raise RedisConnectionError(message) from error


def asking_transport(credentials: BrokerCredentials) -> type[kombu_redis.Transport]:
    """Give a transport for kombu whose connections log in with `credentials`, and once more where these are refused.

    It is a class of its own each time, because kombu shares connections between all whose transport and address are the same.
    """

    class Asks:
        def __init__(self, *, username: str | None = None, password: str | None = None, **options: Any) -> None:
            connection: Any = super()
            connection.__init__(credential_provider=credentials, **options)

        def on_connect_check_health(self, check_health: bool = True) -> None:
            connection: Any = super()
            try:
                connection.on_connect_check_health(check_health)
            except AuthenticationError:
                if not credentials.renew():
                    raise
                connection.on_connect_check_health(check_health)

    class AskingConnection(Asks, Connection):
        pass

    class AskingSSLConnection(Asks, SSLConnection):
        pass

    class Channel(kombu_redis.Channel):
        connection_class = AskingConnection
        connection_class_ssl = AskingSSLConnection

    class Transport(kombu_redis.Transport):
        pass

    Transport.Channel = Channel
    return Transport


def was_cut(error: BaseException) -> bool:
    """Say whether a connection ended that had been open; what kombu raises has redis-py's own error as its cause."""
    found = error.__cause__
    if not isinstance(found, RedisConnectionError):
        return False
    below = found.__cause__ or found.__context__
    return str(found) == CLOSED or isinstance(below, ConnectionResetError | BrokenPipeError)
