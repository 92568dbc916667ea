"""Links to one queue of a Service Bus namespace, opened as the identity that the platform gives this service."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSender,
    TransportType,
)
from azure.servicebus._pyamqp.error import AuthenticationException
from azure.servicebus.exceptions import (
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusCommunicationError,
    ServiceBusConnectionError,
    ServiceBusQuotaExceededError,
)
from kombu.exceptions import OperationalError

from chassis.adapters._azure_identity import AzureCredential, platform_identity
from chassis.adapters._service_bus_tls import LinkTls
from chassis.adapters.queue.service_bus_settings import AMQPS_PORT, QueueSettings
from chassis.ports.errors import ConfigurationError

TIMEOUT_SECONDS = 2
TOKEN_SECONDS = 4
"""A new token may take longer than a publish may; the one who asked is told so after two seconds, the next one has it."""
SCOPE = "https://servicebus.azure.net//.default"
"""What azure-servicebus asks a token for (`JWT_TOKEN_SCOPE`); asked for the same, the credential answers from its memory."""
SEND, LISTEN = "send", "listen"
ROLES = {SEND: "Azure Service Bus Data Sender", LISTEN: "Azure Service Bus Data Receiver"}
"""Microsoft, "Authenticate and authorize an application with Microsoft Entra ID to access Azure Service Bus entities", "Azure
built-in roles for Azure Service Bus" (learn.microsoft.com/azure/service-bus-messaging/authenticate-application)."""

LOST = (ServiceBusConnectionError, ServiceBusCommunicationError, ServiceBusAuthenticationError)
"""A connection or link that ended, as an idle one does after some minutes, or whose token did; a new one may well work."""

Link = TypeVar("Link", ServiceBusSender, ServiceBusReceiver)


class QueueLinks:
    """Opens links; each has a connection of its own, since the SDK shares none ("connection sharing" is off in 7.15)."""

    def __init__(self, settings: QueueSettings, queue: str, tokens: RequestsTransport) -> None:
        """Take the queue's name and the connections to what gives tokens; nothing is asked yet."""
        self._settings = settings
        self._queue = queue
        self._tokens = tokens
        self._open: dict[ServiceBusSender | ServiceBusReceiver, LinkTls] = {}
        self._identity: AzureCredential | None = None
        self._asking = threading.Lock()
        self.host = settings.url.host or ""

    def sender(self) -> ServiceBusSender:
        """Open a link for sending; raise `OperationalError` with a sentence."""
        # No thread that keeps the link alive: one that ended is replaced when it is needed, and closing would wait for the thread.
        return self._opened(SEND, lambda client: client.get_queue_sender(self._queue, keep_alive=0))

    def receiver(self) -> ServiceBusReceiver:
        """Open a link for receiving; raise `OperationalError` with a sentence.

        What is received is deleted, since we confirm before we do anything: one step instead of two, and no lock that could end
        or send a message round again. Prefetching one only keeps the SDK from starting a thread for each link.
        """
        mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
        return self._opened(
            LISTEN,
            lambda client: client.get_queue_receiver(self._queue, receive_mode=mode, prefetch_count=1, keep_alive=0),
        )

    def failed(self, claim: str, error: Exception) -> OperationalError:
        """Say what an error means; its own text is not passed on, since it names trackers, callers and tenants."""
        queue = f"The queue {self._queue} of {self.host}"
        if isinstance(error, ServiceBusAuthorizationError):
            return OperationalError(
                f"{queue} refuses to let this service {claim}; give its identity the role {ROLES[claim]} on it."
            )
        if isinstance(error, ServiceBusAuthenticationError) or _is_login(error):
            return OperationalError(
                f"{queue} refuses the login of this service; check that its identity is of the same tenant."
            )
        if isinstance(error, MessagingEntityNotFoundError):
            return OperationalError(f"{queue} does not exist; create it, since the service does not.")
        if isinstance(error, MessagingEntityDisabledError):
            return OperationalError(f"{queue} is disabled; enable it.")
        if isinstance(error, ServiceBusQuotaExceededError):
            return OperationalError(f"{queue} takes no more messages; look at its size and its quota.")
        return OperationalError(f"{queue} cannot be reached: {type(error).__name__}.")

    def _opened(self, claim: str, make: Callable[[ServiceBusClient], Link]) -> Link:
        identity = self._login()
        tls = LinkTls(self._settings.authority)
        link = make(self._client(identity, tls))
        self._open[link] = tls
        try:
            link.__enter__()
        except AzureError as error:
            self.close(link)
            if isinstance(error, ServiceBusAuthenticationError) or _is_login(error):
                # The SDK's memory of tokens is in the object: with the same one, the next attempt would show the same token.
                self._identity = None
            raise self.failed(claim, error) from error
        return link

    def close(self, link: ServiceBusSender | ServiceBusReceiver) -> None:
        """Close a link, whatever state its connection is in."""
        with suppress(AzureError, OSError, ValueError):
            link.close()
        self._open.pop(link).close()

    def _login(self) -> AzureCredential:
        """Have a token ready: asked by the SDK, a failure would be logged with its traceback and tell no cause.

        One asks for all. Who would wait for longer than a publish may take gives up; the token is there for the next.
        """
        message = "Azure gives this service no token for Service Bus; check its identity, and queue.client_id."
        if not self._asking.acquire(timeout=TIMEOUT_SECONDS):
            raise OperationalError(message)
        try:
            identity = self._identity or platform_identity(self._settings.client_id, self._tokens)
            self._identity = identity
            identity.get_token(SCOPE)
        except ConfigurationError as error:
            raise OperationalError(error.detail) from error
        except (AzureError, OSError, ValueError) as error:
            raise OperationalError(message) from error
        finally:
            self._asking.release()
        return identity

    def _client(self, identity: AzureCredential, tls: LinkTls) -> ServiceBusClient:
        port = urlsplit(str(self._settings.url)).port or AMQPS_PORT
        # The port is 5671 whatever the namespace's name says (`Connection.__init__`); only an endpoint of one's own has another.
        elsewhere: dict[str, Any] = (
            {"custom_endpoint_address": f"sb://{self.host}:{port}"} if port != AMQPS_PORT else {}
        )
        return ServiceBusClient(
            self.host,
            identity,
            retry_total=0,  # the outbox and the listener try again, after pauses of their own
            try_timeout=TIMEOUT_SECONDS,
            transport_type=TransportType.Amqp,
            ssl_context=tls,
            **elsewhere,
        )


def was_cut(error: BaseException) -> bool:
    """Say whether a link that had been open is no longer, so that a second try on a new one makes sense."""
    return isinstance(error.__cause__, LOST)


def _is_login(error: Exception) -> bool:
    """Say whether a token was refused: the SDK calls that a lost connection where the endpoint is one's own."""
    return isinstance(getattr(error, "inner_exception", None), AuthenticationException)
