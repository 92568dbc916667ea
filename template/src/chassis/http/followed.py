"""A streamed response that knows whether its client stayed to the end."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

WhenLeft = Callable[[], Awaitable[None]]


class FollowedResponse(StreamingResponse):
    """Calls `when_left` when the client has gone before the end.

    A server that stops is no client that has gone: it cancels the response, and nothing is called.
    """

    def __init__(self, *arguments: Any, when_left: WhenLeft | None = None, **options: Any) -> None:
        """Take what the base takes."""
        super().__init__(*arguments, **options)
        self._when_left = when_left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        complete = left = False

        async def watched_receive() -> Message:
            nonlocal left
            message = await receive()
            left = left or message["type"] == "http.disconnect"
            return message

        async def watched_send(message: Message) -> None:
            nonlocal complete
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await super().__call__(scope, watched_receive, watched_send)
        except ClientDisconnect:
            left = True
        if left and not complete and self._when_left is not None:
            await self._when_left()
