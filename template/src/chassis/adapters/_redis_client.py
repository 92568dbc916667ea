"""Clients of the Redis or Valkey server that holds agent state: credentials of the moment, errors in our words.

A connection that was opened before stays valid when a password is taken away: "ACL SETUSER" changes rules and passwords for
logins to come (redis.io/docs/latest/commands/acl-setuser). So only a refused login asks for the secret anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import structlog
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError, ResponseError

from chassis.adapters.checkpointer.redis_settings import StateStoreSettings
from chassis.ports.errors import UnavailableError
from chassis.ports.fence import LeaseLostError
from chassis.ports.secrets import Secret, SecretManager, secret_name

log = structlog.get_logger()

T = TypeVar("T")
Client = Redis | RedisCluster

TIMEOUT_SECONDS = 5.0
"""How long a command may take, and a wait for a connection."""

CONNECT_SECONDS = 2.0
RETRIES = 2
PATIENCE_SECONDS = 1.0
"""A password and its secret cannot be changed in one instant: so long a refused connection waits for the other half."""

OVERTAKEN = "OVERTAKEN"
"""The word with which our scripts refuse a worker that another one has overtaken."""


class StateCredentials(CredentialProvider):
    """Reads the secret from the manager, which has it in memory, for each new connection."""

    def __init__(self, user: str, name: str, secrets: SecretManager) -> None:
        """Take the user's name and the secret's."""
        self._user = user
        self._name = name
        self._secrets = secrets
        self._given: Secret | None = None

    def get_credentials(self) -> tuple[str, str]:
        """Is for clients that are not asynchronous."""
        raise NotImplementedError

    async def get_credentials_async(self) -> tuple[str, str]:
        """Give user and password; called by redis-py."""
        self._given = await self._secrets.get(self._name)
        return self._user, self._given.reveal()

    async def renew(self) -> bool:
        """After a refusal: say whether there is another password than what was given last, if it comes soon."""
        rejected = self._given
        for pause in (0.0, PATIENCE_SECONDS):
            await asyncio.sleep(pause)
            self._secrets.invalidate(self._name, rejected)
            if await self._secrets.get(self._name) != rejected:
                log.info("state_store.credentials_read_anew", secret=self._name)
                return True
        return False


class StateClient:
    """A pool of connections to the server, or to each node of the cluster."""

    def __init__(self, redis: Any, credentials: StateCredentials | None) -> None:
        """Take redis-py's client, which has no types that hold for both kinds."""
        self.redis = redis
        self._credentials = credentials

    async def call(self, command: Callable[[Any], Awaitable[T]]) -> T:
        """Let `command` use the client, and once more where its login was refused; raise `UnavailableError`.

        redis-py tries again by itself where a connection broke. All that is called here can be repeated.
        """
        with answering():
            try:
                return await command(self.redis)
            except AuthenticationError:
                if self._credentials is None or not await self._credentials.renew():
                    raise
            return await command(self.redis)


@contextmanager
def answering() -> Iterator[None]:
    """Raise whatever the server or the way to it says in our words; a server that says nothing is never an answer."""
    try:
        yield
    except OutOfMemoryError as error:
        message = (
            "The state store is full: raise its maxmemory, or lower checkpoints.keep_last and checkpoints.keep_days."
        )
        raise UnavailableError(message) from error
    except ResponseError as error:
        if OVERTAKEN in str(error):
            raise LeaseLostError from error
        raise UnavailableError from error
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError from error


@asynccontextmanager
async def open_client(
    settings: StateStoreSettings, secrets: SecretManager, size: int, *, cluster: bool = False
) -> AsyncIterator[StateClient]:
    """Open a client of at most `size` connections, a node each; nothing is connected before it is needed."""
    url = urlsplit(str(settings.url))
    credentials = None
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 15,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
        "max_connections": size,
    }
    address = str(settings.url)
    if settings.password:
        user = unquote(url.username or "default")
        credentials = StateCredentials(user, secret_name(settings.password), secrets)
        options["credential_provider"] = credentials
        address = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    if cluster:
        redis: Any = RedisCluster.from_url(address, **options)
    else:
        pool = BlockingConnectionPool.from_url(address, timeout=TIMEOUT_SECONDS, **options)
        redis = Redis.from_pool(pool)
    try:
        yield StateClient(redis, credentials)
    finally:
        await redis.aclose()
