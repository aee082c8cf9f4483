"""What goes around every request: its id, the headers every answer carries, and the last net for faults."""

import logging
from collections.abc import Awaitable, Callable
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "Request-Id"

_log = logging.getLogger(__name__)
_ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Envelope:
    """Gives each request an id, sends it back as `Request-Id`, and answers a fault with `on_fault`.

    A fault is logged with the id and the route's template, never with the path, which may hold a link's token.
    """

    def __init__(self, app: ASGIApp, on_fault: Callable[[Request, str], Awaitable[Response]]) -> None:
        self._app = app
        self._on_fault = on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update({**_ALWAYS, REQUEST_ID: request_id})
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("request %s failed: %s %s", request_id, scope["method"], _template(scope))
            if started:
                raise
            response = await self._on_fault(Request(scope, receive), request_id)
            await response(scope, receive, send_with_headers)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    path: str = getattr(route, "path", "(no route)")
    return path
