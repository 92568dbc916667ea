"""How a Redis or Valkey broker is logged in to.

redis-py asks a `CredentialProvider` when it connects, in the thread that needs the connection. A connection that was opened
before stays valid when a password is taken away: Redis, "ACL SETUSER", changes rules and passwords for logins to come
(redis.io/docs/latest/commands/acl-setuser).
"""

from typing import Any

from kombu.transport import redis as kombu_redis
from redis.connection import Connection, SSLConnection
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from chassis.adapters._broker_password import BrokerPassword, PasswordUnreadableError

CLOSED = "Connection closed by server."
"""What redis-py 8.1 says, and has no class of error for."""


class BrokerCredentials(CredentialProvider):
    """A user and its password of the moment."""

    def __init__(self, user: str, password: BrokerPassword) -> None:
        """Take the user's name, and who knows the password."""
        self._user = user
        self._password = password

    def get_credentials(self) -> tuple[str, str]:
        """Give user and password; called by redis-py, which cleans up after errors of its own only."""
        try:
            return self._user, self._password.read()
        except PasswordUnreadableError as error:
            raise RedisConnectionError(str(error)) from error

    def renew(self) -> bool:
        """After a refusal: say whether there is another password."""
        try:
            return self._password.renew()
        except PasswordUnreadableError as error:
            raise RedisConnectionError(str(error)) from error


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
