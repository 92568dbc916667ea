"""The one `SecretManager`: keeps what a backend answered for a while, and notices when it changes."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from chassis.ports.errors import ChassisError
from chassis.ports.secrets import OnRotate, Secret, SecretBackend, SecretUnavailableError, Stop
from chassis.telemetry.metrics import SECRET_FAILURES
from chassis.telemetry.spans import reading_secret

log = structlog.get_logger()

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long things last, in seconds.

    ttl: how long a value is used without asking; each time up to `jitter` of it more or less, so that replicas that
        started together do not ask together.
    stale: how long a value is used after it was last read, while the backend does not answer; then `get` fails.
    retry: the pause between attempts to reach a backend that does not answer.
    recheck: a value that keeps being rejected is read anew no more often than this.
    read: the longest a backend may take to answer.
    """

    ttl: float = 300.0
    jitter: float = 0.1
    stale: float = 900.0
    retry: float = 5.0
    recheck: float = 0.5
    read: float = 10.0


@dataclass(slots=True)
class _Entry:
    secret: Secret
    read_at: float
    fresh_until: float
    usable_until: float
    failing: bool = False


class CachedSecretManager:
    """Answers from memory; asks the backend at most once at a time for each secret."""

    def __init__(
        self,
        backend: SecretBackend,
        *,
        policy: CachePolicy | None = None,
        accept: Callable[[Secret], None] = lambda _secret: None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Wrap a backend; `accept` may raise to refuse a value that was read."""
        self._backend = backend
        self._policy = policy or CachePolicy()
        self._accept = accept
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._asked: dict[str, None] = {}
        self._flights: dict[str, asyncio.Task[Secret]] = {}
        self._callbacks: defaultdict[str, list[OnRotate]] = defaultdict(list)
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def ages(self) -> list[tuple[float, dict[str, str]]]:
        """Give for each secret how long ago the backend gave it."""
        now = self._clock()
        return [(now - entry.read_at, {"secret": name}) for name, entry in tuple(self._entries.items())]

    async def get(self, name: str) -> Secret:
        """Return the secret; see the port."""
        self._asked.setdefault(name)
        entry = self._entries.get(name)
        now = self._clock()
        if entry is not None and now < entry.usable_until:
            if now < entry.fresh_until:
                return entry.secret
            if entry.failing:  # whoever asks does not wait for a backend that did not answer a moment ago
                _ = self._refresh(name)
                return entry.secret
        # Shielded: whoever asked first may give up without taking the answer away from the others.
        return await asyncio.shield(self._refresh(name))

    def invalidate(self, name: str, rejected: Secret | None = None) -> None:
        """Let the next `get` ask the backend; see the port."""
        entry = self._entries.get(name)
        if entry is None or (rejected is not None and entry.secret != rejected):
            return
        now = self._clock()
        if rejected is None or now - entry.read_at >= self._policy.recheck:
            entry.fresh_until = now

    def on_rotate(self, name: str, callback: OnRotate) -> Stop:
        """Watch a secret; see the port."""
        callbacks = self._callbacks[name]
        callbacks.append(callback)
        if name not in self._watches:
            self._watches[name] = asyncio.create_task(self._watch(name), name=f"secret:{name}")

        def stop() -> None:
            with suppress(ValueError):
                callbacks.remove(callback)
            if not callbacks and name in self._watches:
                self._watches.pop(name).cancel()

        return stop

    async def check(self) -> bool:
        """Read one of the secrets that were asked for; see the port.

        Rather not one that the backend lends: a lease that is renewed because somebody looks says less than a read.
        """
        lent = [name for name, entry in self._entries.items() if entry.secret.validity is not None]
        name = next((name for name in self._asked if name not in lent), next(iter(self._asked), None))
        if name is None:
            return False
        await asyncio.shield(self._refresh(name))
        entry = self._entries.get(name)
        if entry is not None and entry.failing:
            raise SecretUnavailableError
        return True

    async def close(self) -> None:
        """Stop watching, and forget."""
        tasks = [*self._watches.values(), *self._flights.values(), *self._calls]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()

    def _refresh(self, name: str) -> asyncio.Task[Secret]:
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(self._read(name), name=f"secret:{name}:read")
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        return flight

    def _landed(self, name: str, flight: asyncio.Task[Secret]) -> None:
        self._flights.pop(name, None)
        if not flight.cancelled():
            flight.exception()  # seen here, since whoever asked may be gone

    async def _read(self, name: str) -> Secret:
        try:
            with reading_secret(name):
                async with asyncio.timeout(self._policy.read):
                    secret = await self._backend.read(name)
            self._accept(secret)
        except (SecretUnavailableError, TimeoutError) as error:
            return self._stale(name, error)
        except ChassisError:  # the backend did answer: it is gone, forbidden or worthless, so it is used no longer
            self._entries.pop(name, None)
            raise
        self._store(secret)
        return secret

    def _stale(self, name: str, error: Exception) -> Secret:
        entry = self._entries.get(name)
        now = self._clock()
        if entry is None or now >= entry.usable_until:
            self._entries.pop(name, None)
            if isinstance(error, SecretUnavailableError):
                raise error
            message = f"The secret backend did not answer within {self._policy.read:g} s."
            raise SecretUnavailableError(message) from error
        entry.failing = True
        entry.fresh_until = now + self._policy.retry
        SECRET_FAILURES.add(1, {"secret": name})
        log.warning("secrets.backend_silent", secret=name, usable_seconds=round(entry.usable_until - now))
        return entry.secret

    def _store(self, secret: Secret) -> None:
        before = self._entries.get(secret.name)
        policy, now = self._policy, self._clock()
        # Not for cryptography; only spreads the replicas.
        fresh = policy.ttl * random.uniform(1 - policy.jitter, 1 + policy.jitter)  # noqa: S311
        usable = policy.stale
        if secret.validity is not None:
            fresh = min(fresh, secret.validity.renew_seconds)
            usable = min(usable, secret.validity.end_seconds)
        self._entries[secret.name] = _Entry(secret, now, now + fresh, now + max(usable, fresh))
        if before is not None and before.secret != secret:
            log.info("secrets.rotated", secret=secret.name)
            for callback in tuple(self._callbacks[secret.name]):
                self._call(callback, secret)

    def _call(self, callback: OnRotate, secret: Secret) -> None:
        async def call() -> None:
            try:
                await callback(secret)
            except Exception:
                log.exception("secrets.callback_failed", secret=secret.name)

        task = asyncio.create_task(call())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _watch(self, name: str) -> None:
        """Read the secret whenever its time has come, so that a rotation is noticed where nobody asks.

        At once for the first time: until then nobody knows when its time comes, and a lease may be short.
        """
        while True:
            try:
                await self.get(name)
            except ChassisError as error:
                log.warning("secrets.unreadable", secret=name, error=type(error).__name__)
            entry = self._entries.get(name)
            pause = entry.fresh_until - self._clock() if entry else self._policy.retry
            await asyncio.sleep(max(pause, 0.01))
