"""What every saver does around its serializer, whatever it keeps the bytes in."""

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.ports.checkpoints import current_thread


@contextmanager
def sealing(thread_id: object) -> Iterator[None]:
    """Let the serializer know whose values it handles."""
    token = current_thread.set(str(thread_id))
    try:
        yield
    finally:
        current_thread.reset(token)
