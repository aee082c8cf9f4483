"""A connection that gives no answer: kept waiting, or broken."""

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_SCOPE_KEY = "sandbox.transport"


class KeepTransport:
    """Outermost wrapper: lets `Unanswered` reach the server's transport, which ASGI itself hides."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember uvicorn's transport of this request in the scope."""
        scope[_SCOPE_KEY] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


class Unanswered(Response):
    """No answer: the connection stays silent for `seconds` or until the client gives up, then breaks (TCP reset).

    Works under uvicorn only: other servers end such a request with an error of their own.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Wait, then break the connection instead of sending anything; so too when the server is stopping."""
        gone = False
        try:
            async with asyncio.timeout(self._seconds):
                await _gone(receive)
                gone = True
        except TimeoutError:
            pass
        finally:
            if not gone:
                _break(scope)
        await _gone(receive)


def _break(scope: Scope) -> None:
    transport = scope[_SCOPE_KEY]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
