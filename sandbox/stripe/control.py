"""`/_sandbox`: what only a stand-in has. Faults, the clock, the customer by JSON, and what was asked and sent."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sandbox.stripe import checkout, disputes, payouts, refunds
from sandbox.stripe.books import Books
from sandbox.stripe.checkout import Outcome
from sandbox.stripe.errors import StripeError, missing
from sandbox.stripe.faults import FaultOrder
from sandbox.stripe.hosted_page import landing
from sandbox.stripe.standin import StandIn
from sandbox.stripe.store import Json


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockOrder(_Order):
    """Moves the box's clock forward; everything due by then has happened when the answer comes."""

    advance_seconds: Annotated[float, Field(ge=0)]


class PayOrder(_Order):
    """What the customer does, as on the hosted page."""

    outcome: Outcome


class SendOrder(_Order):
    """Event ids, sent in this order, each after the one before was answered; dropped ones too."""

    events: list[str]


class DisputeOrder(_Order):
    """Disputes a charge (or a payment intent's latest), in full unless `amount` says less; minor units."""

    payment: str
    amount: Annotated[int, Field(ge=1)] | None = None
    fee: Annotated[int, Field(ge=0)] = 2000
    reason: Literal[
        "credit_not_processed", "duplicate", "fraudulent", "general", "product_not_received",
        "product_unacceptable", "subscription_canceled", "unrecognized",
    ] = "fraudulent"  # fmt: skip


class DisputeEnd(_Order):
    """How the bank decided."""

    outcome: Literal["won", "lost"]


class PayoutOrder(_Order):
    """Pays out what the balance holds; `account` is an API key, the first configured if not given."""

    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")]
    account: str | None = None


class RefundFailure(_Order):
    """Lets a refund fail now."""

    reason: str = "expired_or_canceled_card"


def router(standin: StandIn) -> APIRouter:
    """The routes under `/_sandbox`."""
    routes = APIRouter(prefix="/_sandbox")
    _faults(routes, standin)
    _observation(routes, standin)
    _actors(routes, standin)
    return routes


def _faults(routes: APIRouter, standin: StandIn) -> None:
    @routes.post("/faults", status_code=201)
    async def add_faults(order: FaultOrder) -> list[Json]:
        with standin.step():
            standin.faults.add(order)
        return standin.faults.standing()

    @routes.get("/faults")
    async def list_faults() -> list[Json]:
        return standin.faults.standing()

    @routes.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        with standin.step():
            standin.faults.clear()

    @routes.get("/clock")
    async def read_clock() -> Json:
        return {"now": standin.clock.now()}

    @routes.post("/clock")
    async def move_clock(order: ClockOrder) -> Json:
        with standin.step():
            standin.clock.advance(order.advance_seconds)
        standin.catch_up()
        return {"now": standin.clock.now()}


def _observation(routes: APIRouter, standin: StandIn) -> None:
    @routes.get("/requests")
    async def list_requests() -> list[Json]:
        return [
            {**dict(row), "params": json.loads(row["params"]), "replayed": bool(row["replayed"])}
            for row in standin.store.rows("SELECT * FROM requests ORDER BY seq")
        ]

    @routes.get("/deliveries")
    async def list_deliveries() -> list[Json]:
        return standin.sender.log()

    @routes.post("/deliveries/send")
    async def send_events(order: SendOrder) -> list[Json]:
        return await standin.sender.send_now(order.events)


def _actors(routes: APIRouter, standin: StandIn) -> None:
    @routes.post("/sessions/{session_id}/pay")
    async def pay(session_id: str, order: PayOrder) -> Json:
        standin.catch_up()
        with standin.step():
            books, session = _own(standin, session_id, "checkout.session")
            taken = checkout.act(books, session, order.outcome)
        return {"taken": taken, "redirect": landing(session, order.outcome, taken=taken), "session": session}

    @routes.post("/disputes", status_code=201)
    async def open_dispute(order: DisputeOrder) -> Json:
        with standin.step():
            books, payment = _own(standin, order.payment, "charge", "payment_intent")
            charge = payment if payment["object"] == "charge" else books.get("charge", payment["latest_charge"] or "")
            amount = min(order.amount or charge["amount_captured"], charge["amount_captured"])
            return disputes.open_dispute(books, charge, amount=amount, fee=order.fee, reason=order.reason)

    @routes.post("/disputes/{dispute_id}/close")
    async def close_dispute(dispute_id: str, order: DisputeEnd) -> Json:
        with standin.step():
            books, dispute = _own(standin, dispute_id, "dispute")
            return disputes.close(books, dispute, won=order.outcome == "won")

    @routes.post("/refunds/{refund_id}/fail")
    async def fail_refund(refund_id: str, order: RefundFailure) -> Json:
        with standin.step():
            books, refund = _own(standin, refund_id, "refund")
            refunds.fail(books, refund["id"], order.reason)
            return books.get("refund", refund_id)

    @routes.post("/payouts", status_code=201)
    async def pay_out(order: PayoutOrder) -> Json:
        account = standin.accounts.get(order.account) if order.account else standin.default_account()
        if account is None:
            raise HTTPException(404, "no such account")
        with standin.step():
            return payouts.pay_out(standin.books(account.id), order.currency)


def _own(standin: StandIn, object_id: str, *kinds: str) -> tuple[Books, Json]:
    """An object of one of these kinds and the books it is in, whoever's it is."""
    found = standin.store.find(object_id)
    if found is None or found.body["object"] not in kinds:
        raise missing(kinds[0], object_id)
    return standin.books(found.account), found.body


async def worded(_: object, error: Exception) -> JSONResponse:
    """A StripeError that left a `/_sandbox` route."""
    if not isinstance(error, StripeError):
        raise error
    return JSONResponse(error.body, error.status)
