"""A collector that is a server: the one of a laptop, behind a door that can be shut, with a token that can be replaced."""

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from secrets import token_urlsafe
from typing import Any, NoReturn, Protocol

import pytest
from tests.support.audit_sink import Bounds, Received

from chassis.dev.collector import Answer, Kept, Request, serving
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.secrets import Secret, SecretNotFoundError
from chassis.secrets.cache import CachedSecretManager, CachePolicy
from chassis.selected import AuditSinkSettings

TOKEN = "audit_sink_token"
REFERENCE = f"secret://{TOKEN}"
TIMEOUT_SECONDS = 5
PAGE = Answer(200, b"<!doctype html><title>Log in</title>", {"Content-Type": "text/html; charset=utf-8"})


class Vendor(Protocol):
    """A collector of `chassis.dev`."""

    token: str | None

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        ...


class Secrets:
    """A secret backend with one secret in memory."""

    def __init__(self) -> None:
        self.value: str | None = None

    async def read(self, name: str) -> Secret:
        if self.value is None or name != TOKEN:
            message = f"The secret '{name}' is not there."
            raise SecretNotFoundError(message)
        return Secret(name, self.value)


class NoDatabase:
    """No sink needs the database."""

    async def conninfo(self) -> NoReturn:
        raise NotImplementedError

    async def connect(self, attempt: Callable[[str], Awaitable[Any]]) -> NoReturn:
        raise NotImplementedError

    def on_rotate(self, callback: Callable[[], Awaitable[None]]) -> NoReturn:
        raise NotImplementedError


class HttpCollector:
    """See `CollectorUnderTest`."""

    confirms = 200
    """The status of success that a page is answered with: where this can be, the one that confirms a call."""

    def __init__(
        self, make: Callable[["HttpCollector"], Vendor], bounds: Bounds, settings: Callable[[str], AuditSinkSettings]
    ) -> None:
        self.bounds = bounds
        self.calls: list[int] = []
        self.requests = 0
        self.seen: list[Request] = []
        self._kept: list[Kept] = []
        self._settings = settings
        self._fault: Callable[[Request], Answer] | None = None
        self._passes = 0
        self._mended = threading.Event()
        self._given: list[str] = []
        self.secrets = Secrets()
        self.vendor = make(self)
        self._server = ExitStack()
        manager = CachedSecretManager(self.secrets, policy=CachePolicy(recheck=0))
        self.context = AdapterContext(NoDatabase(), manager, "contract")
        self.issue_token()

    @contextmanager
    def open(self) -> Iterator["HttpCollector"]:
        with self._server:
            self.url = self._server.enter_context(serving(self.answer))
            self.settings = self._settings(self.url)
            yield self

    @property
    def received(self) -> Sequence[Received]:
        return [Received(kept.uid, kept.body) for kept in self._kept]

    def keep(self, records: Sequence[Kept]) -> None:
        self._kept += records
        self.calls.append(len(records))

    def answer(self, request: Request) -> Answer:
        self.requests += 1
        self.seen.append(request)
        if self._fault is not None and self._passes == 0:
            return self._fault(request)
        self._passes = max(0, self._passes - 1)
        return self.vendor.answer(request)

    @contextmanager
    def outage(self) -> Iterator[None]:
        port = int(self.url.rpartition(":")[2])
        self._server.close()
        yield
        self._server.enter_context(serving(self.answer, port=port))

    @contextmanager
    def fault(self, fault: Callable[[Request], Answer], after: int = 0) -> Iterator[None]:
        self._fault, self._passes = fault, after
        try:
            yield
        finally:
            self._fault = None

    def answers(self, status: int, location: str | None = None, *, after: int = 0) -> Any:
        headers = {} if location is None else {"Location": location}
        return self.fault(lambda _: Answer(status, b"the collector's own words", headers), after)

    def answers_a_web_page(self) -> Any:
        return self.fault(lambda _: Answer(self.confirms, PAGE.body, PAGE.headers))

    @contextmanager
    def hangs(self) -> Iterator[None]:
        def hang(_request: Request) -> Answer:
            self._mended.wait(30)
            return Answer(500)

        self._mended.clear()
        with self.fault(hang):
            yield
        self._mended.set()

    def takes_a_part(self) -> Any:
        pytest.skip("this collector takes a call as a whole or not at all")

    def issue_token(self) -> None:
        self.vendor.token = token_urlsafe()
        self._given.append(self.vendor.token)
        self.secrets.value = self.vendor.token

    def rotate_token(self) -> None:
        self.issue_token()

    def revoke_token(self) -> None:
        self.vendor.token = token_urlsafe()

    def delete_token(self) -> None:
        self.secrets.value = None
        self.revoke_token()

    def tokens(self) -> Sequence[str]:
        return self._given
