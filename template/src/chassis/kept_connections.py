"""Whether a connection that was kept in a pool can be lent without asking its server for a sign of life.

A pool that asks each time doubles the round trips of short statements: a run of five steps made about twenty such questions.
"""

import select
import time

QUIET_SECONDS = 1.0
"""A connection that nobody used for so long is asked: it may have been lost without a word, as when a firewall forgets it."""


def can_be_lent(descriptor: int, returned_at: float) -> bool:
    """Say whether it was used a moment ago and nothing has come since: a server that ends a connection says so, or closes it.

    descriptor: of its socket.
    returned_at: when it was given back, by `time.monotonic`.
    """
    return time.monotonic() - returned_at < QUIET_SECONDS and not _has_something_to_read(descriptor)


def _has_something_to_read(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))
