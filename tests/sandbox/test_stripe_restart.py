"""A stand-in killed without warning has forgotten nothing it answered."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import stripe

from tests.sandbox.stripe_box import SECRET, Merchant, eventually, line, merchant, sdk

ROOT = Path(__file__).parents[2]
SERVE = """
import asyncio, pathlib, sys
from sandbox.stripe import StripeAccount, WebhookEndpoint
from sandbox.stripe.server import running

async def main(state, port, hook):
    endpoint = WebhookEndpoint(url=hook, secret="whsec_box")
    account = StripeAccount(api_key="sk_test_box", endpoints=(endpoint,))
    async with running(pathlib.Path(state), (account,), port=int(port)):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def _process(state: Path, port: int, hook: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(state), str(port), hook, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def _pay_some(client: stripe.StripeClient, url: str) -> set[str]:
    """Pay sessions one after another until the process dies; the payments that were answered."""
    answered: set[str] = set()
    order: Any = {"mode": "payment", "success_url": "https://shop.example/ok", "line_items": [line(500)]}
    async with httpx.AsyncClient() as browser:
        try:
            while True:
                session = await client.v1.checkout.sessions.create_async(order)
                await browser.post(f"{url}/c/pay/{session.id}", data={"outcome": "succeed"})
                answered.add(session.id)
        except (stripe.APIConnectionError, httpx.TransportError):
            return answered


async def _killed_while_paying(state: Path, port: int, shop: Merchant) -> set[str]:
    url = f"http://127.0.0.1:{port}"
    async with _process(state, port, shop.url) as process, sdk(url) as client:
        paying = asyncio.create_task(_pay_some(client, url))
        await shop.has("checkout.session.completed")
        os.kill(process.pid, signal.SIGKILL)
        return await paying


async def test_a_killed_stand_in_still_has_every_payment_and_delivers_every_event(tmp_path: Path) -> None:
    state, port = tmp_path / "stripe.sqlite", _free_port()
    async with merchant() as shop:
        answered = await _killed_while_paying(state, port, shop)
        assert answered
        url = f"http://127.0.0.1:{port}"
        async with _process(state, port, shop.url), sdk(url) as client:
            for session_id in answered:
                session = await client.v1.checkout.sessions.retrieve_async(session_id)
                assert session.payment_status == "paid"
            await eventually(lambda: _all_told(client, shop, answered))
    for received in shop.received:
        stripe.Webhook.construct_event(received.body, received.signature, SECRET)


async def _all_told(client: stripe.StripeClient, shop: Merchant, sessions: set[str]) -> bool:
    told: dict[str, set[str]] = {"checkout.session.completed": set(), "charge.updated": set()}
    for received in shop.received:
        body = received.event["data"]["object"]
        told.setdefault(received.event["type"], set()).update({body["id"], body.get("payment_intent")})
    payments = {
        str((await client.v1.checkout.sessions.retrieve_async(session_id)).payment_intent) for session_id in sessions
    }
    return sessions <= told["checkout.session.completed"] and payments <= told["charge.updated"]
