"""A link between a client and a node of the namespace."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.dev.service_bus.nodes import CBS, MANAGEMENT


@dataclass
class Link:
    """One end of it; `receives` says that the client does."""

    channel: int
    handle: int
    node: str
    receives: bool
    settled: bool
    """Whether what is sent on it counts as settled, which is how "receive and delete" is asked for."""
    credit: int = 0
    delivered: int = 0
    taken: int = 0
    parts: bytes = b""
    locks: dict[int, UUID] = field(default_factory=dict)
    """What was delivered and is not settled, by the number of the delivery."""

    @property
    def is_queue(self) -> bool:
        """Say whether it leads to a queue."""
        return self.node != CBS and not self.node.endswith(MANAGEMENT)
