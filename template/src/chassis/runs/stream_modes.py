"""What a stream carries: LangGraph's stream modes as the SDK's clients name and expect them."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

StreamMode = Literal["values", "updates", "messages", "messages-tuple", "custom", "tasks", "checkpoints", "debug"]
LangGraphMode = Literal["checkpoints", "custom", "debug", "messages", "tasks", "updates", "values"]
SUPPORTED: tuple[str, ...] = get_args(StreamMode)


def langgraph_modes(requested: Sequence[str]) -> list[LangGraphMode]:
    """Give LangGraph's modes for the requested ones; `checkpoints` is always among them, for the state projection."""
    wanted = {"messages" if mode == "messages-tuple" else mode for mode in requested} | {"checkpoints"}
    return [mode for mode in get_args(LangGraphMode) if mode in wanted]


class StreamTranslator:
    """Turns what LangGraph streams into the events the requested modes promise."""

    def __init__(self, requested: Sequence[str]) -> None:
        """Translate for the modes a run was created with."""
        self._requested = frozenset(requested)
        self._partial: dict[str, Any] = {}

    def translate(self, mode: str, data: Any) -> Iterator[tuple[str, Any]]:
        """Yield the events for one streamed item."""
        if mode != "messages":
            if mode in self._requested:
                yield mode, data
            return
        chunk, metadata = data
        if "messages-tuple" in self._requested:
            yield "messages", [chunk, metadata]
        if "messages" in self._requested:
            yield from self._accumulate(chunk, metadata)

    def _accumulate(self, chunk: Any, metadata: Any) -> Iterator[tuple[str, Any]]:
        """Give the mode `messages` as the SDK knows it: each event holds the whole message so far."""
        known = self._partial.get(chunk.id)
        if known is None:
            yield "messages/metadata", {chunk.id: {"metadata": metadata}}
            self._partial[chunk.id] = chunk
            yield ("messages/partial" if chunk.type == "AIMessageChunk" else "messages/complete"), [chunk]
        else:
            self._partial[chunk.id] = known + chunk
            yield "messages/partial", [self._partial[chunk.id]]
