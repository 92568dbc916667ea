"""A link between a client and a node of the namespace."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from azure.servicebus._pyamqp.endpoints import Source, Target
from azure.servicebus._pyamqp.error import AMQPError
from azure.servicebus._pyamqp.performatives import AttachFrame

CBS = "$cbs"
MANAGEMENT = "/$management"
LARGEST_MESSAGE = 256 * 1024
NOT_SAID = ("unsettled", "incomplete_unsettled", "offered_capabilities", "desired_capabilities", "properties")


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

    def attach(self, asked: list[Any], error: AMQPError | None) -> AttachFrame:
        """Give our end of what was asked for; one that leads nowhere, where there is a reason why it may not be."""
        return AttachFrame(
            name=asked[0].decode(),
            handle=self.handle,
            role=not self.receives,
            send_settle_mode=asked[3],
            rcv_settle_mode=asked[4],
            source=None if error else Source(*asked[5]),
            target=None if error else Target(*asked[6]),
            initial_delivery_count=0 if self.receives else None,
            max_message_size=LARGEST_MESSAGE,
            **dict.fromkeys(NOT_SAID),
        )


def node_of(address: bytes) -> str:
    """Give the name that an address leads to; names know no capitals."""
    return urlsplit(address.decode()).path.lstrip("/").lower()
