"""A pull of messages that can be waited for a little at a time, and given up."""

from collections.abc import Callable
from typing import Any

import grpc
from google.api_core import exceptions


class Pull:
    """A wait for messages that is under way at the server."""

    def __init__(self, call: Any, guarded: Callable[[Callable[[Any], list[Any]]], list[Any]]) -> None:
        """Take gRPC's call, and what turns errors into ours."""
        self._call = call
        self._guarded = guarded

    def wait(self, seconds: float | None) -> list[Any] | None:
        """Give the messages that came, none where the server has waited long enough; None where it still waits."""
        try:
            return self._guarded(lambda _: self._result(seconds))
        except grpc.FutureTimeoutError:
            return None

    def _result(self, seconds: float | None) -> list[Any]:
        try:
            return list(self._call.result(timeout=seconds).received_messages)
        except grpc.RpcError as error:
            if self._call.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return []
            raise exceptions.from_grpc_error(error) from None  # type: ignore[no-untyped-call]

    def cancel(self) -> None:
        """Wait no longer; what the server gives away at this moment, it gives to somebody else when the deadline is over."""
        self._call.cancel()
