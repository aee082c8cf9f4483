"""Webhooks on their way: signed anew at every attempt, retried with back-off until the endpoint answers 2xx.

Deliveries are rows, so those not yet taken survive a restart. An event that was sent but not yet recorded when the
process died is sent again: at least once, as Stripe promises.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from sqlite3 import Row

import httpx

from sandbox.stripe.accounts import WebhookEndpoint
from sandbox.stripe.store import Json, Store

_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_GIVE_UP_AFTER = 3 * 24 * 3600
_TIMEOUT = 10.0
_AT_ONCE = 16


def signature(body: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` of a body sent at `at`, in seconds of the wall clock."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Sender:
    """Sends what is due: several events at a time, each event to one endpoint only once at a time."""

    def __init__(self, store: Store, endpoints: Mapping[str, Sequence[WebhookEndpoint]]) -> None:
        self._store = store
        self._endpoints = endpoints
        self._wake = asyncio.Event()
        self._busy: dict[tuple[str, int], asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            try:
                while True:
                    self._wake.clear()
                    self._start_due(client)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._nap())
            finally:
                for task in self._busy.values():
                    task.cancel()
                await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def send_now(self, events: Iterable[str]) -> list[Json]:
        """Send these events in this order, each after the one before was answered, whatever is planned for them."""
        sent = []
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            for event_id in events:
                for delivery in self._store.rows("SELECT * FROM deliveries WHERE event = ? ORDER BY seq", event_id):
                    await self._attempt(client, delivery)
                    sent.append(self._log("deliveries.seq = ?", delivery["seq"])[-1])
        return sent

    def log(self) -> list[Json]:
        """Every attempt made, oldest first; then what is pending, and what was dropped on purpose."""
        return self._log("1")

    def _start_due(self, client: httpx.AsyncClient) -> None:
        due = self._store.rows(
            "SELECT * FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY due, seq LIMIT ?",
            time.time(), _AT_ONCE + len(self._busy),
        )  # fmt: skip
        for delivery in due:
            place = (delivery["event"], delivery["endpoint"])
            if place not in self._busy and len(self._busy) < _AT_ONCE:
                self._busy[place] = asyncio.create_task(self._attempt(client, delivery))
                self._busy[place].add_done_callback(partial(self._finished, place))

    def _finished(self, place: tuple[str, int], _: asyncio.Task[None]) -> None:
        del self._busy[place]
        self._wake.set()

    def _nap(self) -> float | None:
        """Seconds until a delivery is due that is not due yet; those due already wait for a place to get free."""
        row = self._store.row("SELECT min(due) AS due FROM deliveries WHERE state = 'pending' AND due > ?", time.time())
        return max(row["due"] - time.time(), 0.0) + 0.001 if row and row["due"] is not None else None

    async def _attempt(self, client: httpx.AsyncClient, delivery: Row) -> None:
        endpoints = self._endpoints.get(delivery["account"], ())
        event = self._store.find(delivery["event"])
        if delivery["endpoint"] >= len(endpoints) or event is None:
            self._store.execute("UPDATE deliveries SET state = 'failed' WHERE seq = ?", delivery["seq"])
            return
        endpoint = endpoints[delivery["endpoint"]]
        status, error = await _post(client, endpoint, json.dumps(event.body, indent=2).encode())
        self._record(delivery, endpoint.url, status, error)

    def _record(self, delivery: Row, url: str, status: int | None, error: str | None) -> None:
        now, number = time.time(), delivery["attempts"] + 1
        taken = status is not None and 200 <= status < 300
        pause = _BACK_OFF[min(number, len(_BACK_OFF)) - 1]
        state = "delivered" if taken else "pending" if now < delivery["first_due"] + _GIVE_UP_AFTER else "failed"
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO attempts (delivery, number, at, url, status, error) VALUES (?, ?, ?, ?, ?, ?)",
                delivery["seq"], number, now, url, status, error,
            )  # fmt: skip
            self._store.execute(
                "UPDATE deliveries SET attempts = ?, due = ?, state = ? WHERE seq = ?",
                number, now + pause, state, delivery["seq"],
            )  # fmt: skip

    def _log(self, where: str, *values: object) -> list[Json]:
        rows = self._store.rows(
            "SELECT deliveries.event, deliveries.state, deliveries.endpoint, deliveries.account, attempts.url,"  # noqa: S608
            " attempts.number, attempts.at, attempts.status, attempts.error, deliveries.due,"
            " json_extract(objects.body, '$.type') AS type, json_extract(objects.body, '$.data.object.id') AS object"
            " FROM deliveries JOIN objects ON objects.id = deliveries.event"
            f" LEFT JOIN attempts ON attempts.delivery = deliveries.seq WHERE {where}"
            " ORDER BY attempts.seq IS NULL, attempts.seq, deliveries.seq",
            *values,
        )
        return [
            {
                "event": row["event"],
                "type": row["type"],
                "object": row["object"],
                "url": row["url"] or self._url(row["account"], row["endpoint"]),
                "attempt": row["number"] or 0,
                "status": row["status"],
                "error": row["error"],
                "at": row["at"],
                "state": row["state"],
                "due": row["due"] if row["state"] == "pending" else None,
            }
            for row in rows
        ]

    def _url(self, account: str, endpoint: int) -> str | None:
        endpoints = self._endpoints.get(account, ())
        return endpoints[endpoint].url if endpoint < len(endpoints) else None


async def _post(client: httpx.AsyncClient, endpoint: WebhookEndpoint, body: bytes) -> tuple[int | None, str | None]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature(body, endpoint.secret, int(time.time())),
    }
    try:
        response = await client.post(endpoint.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return None, type(error).__name__
    return response.status_code, None
