"""The stand-in in a server of its own, inside the running process: for tests and for tools."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from sandbox.stripe.accounts import StripeAccount
from sandbox.stripe.app import create_app


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: whoever runs the process decides."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(
    state: Path, accounts: Sequence[StripeAccount], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve while the context is open; gives the base URL. Port 0 takes a free one."""
    listener = socket.create_server((host, port))
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    app = create_app(state=state, accounts=accounts, public_url=base_url)
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the Stripe stand-in did not start")
            await asyncio.sleep(0.005)
        yield base_url
    finally:
        server.should_exit = True
        await task
        listener.close()
