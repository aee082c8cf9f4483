"""What goes wrong on purpose: the body of `POST /_sandbox/faults`, and the book that hands faults out.

The package docstring shows examples of every kind.
"""

import json
import random
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.stripe.store import Json, Store

Seconds = Annotated[float, Field(ge=0)]
Times = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebhookFault(_Order):
    """What happens to events of `types` (all, if not given), `times` times (for ever, if not given).

    `drop`: never sent, though listed by the API. `duplicate`: sent twice. `delay`: sent `seconds` later.
    `reorder`: sent at a random moment within `seconds`, so that later events overtake it. `second_event`: the same
    fact is told a second time by an event with an id of its own.
    """

    do: Literal["drop", "duplicate", "delay", "reorder", "second_event"]
    probability: Probability = 1
    types: list[str] | None = None
    seconds: Seconds = 1
    times: Times | None = None


class HttpFault(_Order):
    """What the next `times` requests of `operation` meet (`null`: all of them); several make a queue.

    `500`: fails without effect, and an idempotency key remembers that, as Stripe's do. `500_after`: the same, but the
    effect has happened. `503`, `409`, `429`: refused before anything began, no key remembers. `timeout_before`,
    `timeout_after`: no answer for `seconds` or until the client gives up, without or with the effect. `reset_before`,
    `reset_after`: the connection breaks at once. `slow`: answers after `seconds`; a second request with the same
    idempotency key meets a 409 meanwhile.
    """

    operation: Literal["create", "read", "expire", "capture", "cancel", "refund", "close_dispute", "any"]
    do: Literal[
        "500", "500_after", "503", "409", "429",
        "timeout_before", "timeout_after", "reset_before", "reset_after", "slow",
    ]  # fmt: skip
    probability: Probability = 1
    times: Times | None = 1
    seconds: Seconds = 60


class MoneyFault(_Order):
    """Money other than agreed, for payments made while this stands.

    `capture_difference`: more (or less) is charged, in the smallest unit. `capture_currency`: another currency is
    charged. `capture_after_expiry`: an expired session still takes money. `second_capture`: the customer pays twice;
    the second payment intent carries the same metadata.
    """

    capture_difference: int = 0
    capture_currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")] | None = None
    capture_after_expiry: bool = False
    second_capture: bool = False


class Timing(_Order):
    """How long things take, by the box's clock. `balance_seconds`: from a capture to its fee and `charge.updated`.

    `delayed_method_seconds`: from the customer's order to the result of a delayed payment method.
    """

    balance_seconds: Seconds = 0.3
    delayed_method_seconds: Seconds = 3


class RefundFault(_Order):
    """Refunds made while this stands stay pending for `pending_seconds`, and fail after `fail_after_seconds`."""

    pending_seconds: Seconds | None = None
    fail_after_seconds: Seconds | None = None
    failure_reason: Literal[
        "lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed", "insufficient_funds",
        "declined", "merchant_request", "unknown",
    ] = "expired_or_canceled_card"  # fmt: skip


class FaultOrder(_Order):
    """The body of `POST /_sandbox/faults`. It adds to what stands; `DELETE` clears everything.

    `only` narrows all of it to what concerns one session, payment intent, charge, refund or client reference id.
    `seed` makes probabilities repeat themselves.
    """

    only: str | None = None
    seed: int = 0
    webhooks: list[WebhookFault] = []
    http: list[HttpFault] = []
    money: MoneyFault | None = None
    timing: Timing | None = None
    refunds: RefundFault | None = None


class FaultBook:
    """The faults that stand. Reading one that is limited in number uses it up."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, order: FaultOrder) -> None:
        """Let the faults of `order` stand, after those that already do."""
        for webhook in order.webhooks:
            self._insert("webhook", order, webhook, webhook.times)
        for http in order.http:
            self._insert("http", order, http, http.times)
        for kind, standing in (("money", order.money), ("timing", order.timing), ("refund", order.refunds)):
            if standing:
                self._insert(kind, order, standing, None)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._store.execute("DELETE FROM faults")

    def standing(self) -> list[Json]:
        """What stands, oldest first."""
        return [
            {"kind": row["kind"], "only": row["target"], "remaining": row["remaining"], **json.loads(row["body"])}
            for row in self._store.rows("SELECT * FROM faults ORDER BY seq")
        ]

    def webhooks(self, event_type: str, subjects: Collection[str]) -> list[WebhookFault]:
        """Every webhook fault that hits an event, used up. Of a `reorder`, `seconds` is the moment drawn."""

        def concerns(body: Json) -> bool:
            return not body["types"] or event_type in body["types"]

        hits = []
        for body, dice in self._take("webhook", subjects, concerns):
            if body["do"] == "reorder":
                body["seconds"] = dice.uniform(0, body["seconds"])
            hits.append(WebhookFault(**body))
        return hits

    def http(self, operation: str, subjects: Collection[str]) -> HttpFault | None:
        """The next fault for a request, used up."""

        def concerns(body: Json) -> bool:
            return body["operation"] in {operation, "any"}

        return next((HttpFault(**body) for body, _ in self._take("http", subjects, concerns)), None)

    def money(self, subjects: Collection[str]) -> MoneyFault:
        """How money goes wrong for a session, or not at all."""
        return MoneyFault(**self._latest("money", subjects))

    def timing(self, subjects: Collection[str]) -> Timing:
        """How long things take for a session or payment."""
        return Timing(**self._latest("timing", subjects))

    def refund(self, subjects: Collection[str]) -> RefundFault:
        """How refunds of a payment go."""
        return RefundFault(**self._latest("refund", subjects))

    def _insert(self, kind: str, order: FaultOrder, fault: BaseModel, remaining: int | None) -> None:
        body = {**fault.model_dump(), "seed": order.seed}
        self._store.execute(
            "INSERT INTO faults (kind, target, body, remaining) VALUES (?, ?, ?, ?)",
            kind, order.only, json.dumps(body), remaining,
        )  # fmt: skip

    def _take(
        self, kind: str, subjects: Collection[str], concerns: Callable[[Json], bool]
    ) -> Iterator[tuple[Json, random.Random]]:
        for row in self._store.rows("SELECT * FROM faults WHERE kind = ? ORDER BY seq", kind):
            body = json.loads(row["body"])
            seed = body.pop("seed")
            if (row["target"] and row["target"] not in subjects) or not concerns(body):
                continue
            self._store.execute("UPDATE faults SET draws = draws + 1 WHERE seq = ?", row["seq"])
            dice = random.Random(f"{seed}:{row['seq']}:{row['draws']}")  # noqa: S311
            if dice.random() >= body["probability"]:
                continue
            self._store.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", row["seq"])
            self._store.execute("DELETE FROM faults WHERE seq = ? AND remaining = 0", row["seq"])
            yield body, dice

    def _latest(self, kind: str, subjects: Collection[str]) -> Json:
        rows = self._store.rows("SELECT * FROM faults WHERE kind = ? ORDER BY target IS NOT NULL, seq", kind)
        fitting = [json.loads(row["body"]) for row in rows if not row["target"] or row["target"] in subjects]
        found: Json = fitting[-1] if fitting else {}
        found.pop("seed", None)
        return found
