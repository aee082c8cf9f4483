"""One account's books during one atomic step: its objects, the events they cause, and what is to happen later."""

import json
import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.clock import Clock
from sandbox.stripe.errors import missing
from sandbox.stripe.faults import FaultBook, WebhookFault
from sandbox.stripe.store import Json, Store, Stored

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """A random id in Stripe's form: `prefix`, such as `pi_3`, and `length` letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The API request behind a change; both are None when the customer or the clock caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What resource operations work with. Only valid inside `Store.transaction()`."""

    account: str
    endpoints: int
    store: Store
    clock: Clock
    faults: FaultBook
    public_url: str
    cause: Cause = Cause()

    @property
    def now(self) -> int:
        """The box's time in whole seconds."""
        return self.clock.now()

    def stored(self, kind: str, object_id: str, param: str = "id") -> Stored:
        """An object of this account; a StripeError 404 if there is none of that kind and id."""
        found = self.store.find(object_id)
        if not found or found.account != self.account or found.body["object"] != kind:
            raise missing(kind, object_id, param)
        return found

    def get(self, kind: str, object_id: str, param: str = "id") -> Json:
        """The API's view of an object; a StripeError 404 if there is none of that kind and id."""
        return self.stored(kind, object_id, param).body

    def look(self, object_id: str) -> Json | None:
        """The API's view of whatever has this id in this account."""
        found = self.store.find(object_id)
        return found.body if found and found.account == self.account else None

    def add(self, body: Json, *, session: str | None = None, **hidden: Any) -> Json:
        """Keep a new object; returns it."""
        self.store.add(self.account, body, session=session, hidden=hidden)
        return body

    def session_of(self, object_id: str) -> str | None:
        """The Checkout Session an object belongs to."""
        found = self.store.find(object_id)
        return found.session if found else None

    def subjects(self, *object_ids: str | None) -> set[str]:
        """The ids a fault may be narrowed to when it is about these objects: they, their session, its reference."""
        ids = {object_id for object_id in object_ids if object_id}
        for object_id in list(ids):
            found = self.store.find(object_id)
            session = found.session and self.store.find(found.session) if found else None
            if session and session.body["client_reference_id"]:
                ids.add(session.body["client_reference_id"])
            if session:
                ids.add(session.body["id"])
        return ids

    def later(self, seconds: float, action: str, **arguments: Any) -> None:
        """Have the box's clock run `action` (see `timetable.py`) in `seconds`."""
        self.store.execute(
            "INSERT INTO timers (due, account, action, arguments) VALUES (?, ?, ?, ?)",
            self.clock.time() + seconds, self.account, action, json.dumps(arguments),
        )  # fmt: skip

    def emit(self, event_type: str, body: Json, previous: Json | None = None) -> None:
        """Tell of a change: an event in the list, and its deliveries to every webhook endpoint."""
        subjects = self.subjects(body["id"], body.get("payment_intent"), body.get("charge"))
        plan = self.faults.webhooks(event_type, subjects)
        self._tell(event_type, body, previous, [fault for fault in plan if fault.do != "second_event"])
        for _ in [fault for fault in plan if fault.do == "second_event"]:
            self._tell(event_type, body, previous, ())

    def _tell(self, event_type: str, body: Json, previous: Json | None, plan: Sequence[WebhookFault]) -> None:
        data: Json = {"object": body}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": new_id("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": self.endpoints,
            "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
            "type": event_type,
        }
        self.add(event, session=self.session_of(body["id"]))
        dropped = any(fault.do == "drop" for fault in plan)
        wait = sum(fault.seconds for fault in plan if fault.do in {"delay", "reorder"})
        copies = 1 + sum(fault.do == "duplicate" for fault in plan)
        due = time.time() + wait
        for endpoint in range(self.endpoints):
            for _ in range(copies):
                self.store.execute(
                    "INSERT INTO deliveries (event, account, endpoint, first_due, due, state)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    event["id"], self.account, endpoint, due, due, "dropped" if dropped else "pending",
                )  # fmt: skip
