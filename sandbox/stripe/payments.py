"""Payment intents and their charges: from the customer's attempt to money with its fee booked."""

from collections.abc import Mapping
from typing import Any

from sandbox.stripe import balance, charges, methods, money
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.errors import forbid
from sandbox.stripe.parameters import CancelPayment, CapturePayment
from sandbox.stripe.store import Json

BANK_REFUSED = {
    "code": "payment_intent_payment_attempt_failed",
    "message": "The payment attempt failed because the bank refused it.",
    "type": "invalid_request_error",
}
NOT_AUTHENTICATED = {
    "code": "payment_intent_authentication_failure",
    "message": "The provided PaymentMethod has failed authentication.",
    "type": "invalid_request_error",
}


def open_intent(books: Books, session: Json, *, amount: int, currency: str, data: Mapping[str, Any]) -> Json:
    """The payment a customer attempts on a session's page; `data` is the session's `payment_intent_data`."""
    intent_id = new_id("pi_3", 23)
    intent = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": data["capture_method"],
        "client_secret": new_id(f"{intent_id}_secret_"),
        "confirmation_method": "automatic",
        "created": books.now,
        "currency": currency,
        "customer": None,
        "description": data["description"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": data["metadata"],
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": data["receipt_email"],
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": data["statement_descriptor"],
        "statement_descriptor_suffix": data["statement_descriptor_suffix"],
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    books.add(intent, session=session["id"])
    books.emit("payment_intent.created", intent)
    return intent


def pay_by_card(books: Books, intent: Json, email: str | None) -> None:
    """The card is good: the money is captured, or only authorized if the intent says so."""
    if intent["capture_method"] == "manual":
        _authorize(books, intent, email)
        return
    charge = charges.add(books, intent, "card", email, status="succeeded", captured=True)
    _collect(books, intent, charge, "charge.succeeded")


def start_delayed(books: Books, intent: Json, email: str | None) -> None:
    """The customer has ordered their bank to pay; the result comes later."""
    charge = charges.add(books, intent, methods.delayed(intent["currency"]), email, status="pending", captured=True)
    intent |= {"status": "processing", "next_action": None, "last_payment_error": None}
    books.store.save(intent)
    books.emit("charge.pending", charge)
    books.emit("payment_intent.processing", intent)


def finish_delayed(books: Books, intent: Json, *, paid: bool) -> None:
    """The bank has answered."""
    charge = books.get("charge", intent["latest_charge"])
    if paid:
        charge |= {"status": "succeeded", "paid": True, "amount_captured": charge["amount"]}
        _collect(books, intent, charge, "charge.succeeded")
        return
    charge |= {"status": "failed", "failure_code": "generic_decline", "failure_message": BANK_REFUSED["message"]}
    books.store.save(charge)
    books.emit("charge.failed", charge)
    fail(books, intent, {**BANK_REFUSED, "charge": charge["id"]})


def decline(books: Books, intent: Json, email: str | None) -> None:
    """The card is refused; the intent waits for another attempt."""
    charge = charges.add(books, intent, "card", email, status="failed", captured=False)
    books.emit("charge.failed", charge)
    fail(books, intent, {**charges.DECLINED, "charge": charge["id"]})


def refuse_authentication(books: Books, intent: Json) -> None:
    """The bank asked the customer to prove themselves, and they did not."""
    demand_authentication(books, intent)
    fail(books, intent, NOT_AUTHENTICATED)


def demand_authentication(books: Books, intent: Json) -> None:
    """The bank asks the customer to prove themselves; nothing moves until they have."""
    steps = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent |= {"status": "requires_action", "next_action": steps, "last_payment_error": None}
    books.store.save(intent)
    books.emit("payment_intent.requires_action", intent)


def fail(books: Books, intent: Json, error: Json) -> None:
    """An attempt has failed for the reason `error` gives."""
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
    books.store.save(intent)
    books.emit("payment_intent.payment_failed", intent)


def capture(books: Books, intent: Json, params: CapturePayment) -> Json:
    """Take authorized money, all or a part; the rest is released."""
    if intent["status"] != "requires_capture":
        forbid(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    amount = params.amount_to_capture or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        forbid(
            "The amount to capture must be less than or equal to the amount you are able to capture "
            f"({money.display(intent['amount_capturable'], intent['currency'])}).",
            "amount_to_capture",
            code="amount_too_large",
        )
    money.check_unit(amount, intent["currency"], "amount_to_capture")
    intent["metadata"] |= params.metadata
    charge = books.get("charge", intent["latest_charge"])
    charge |= {"captured": True, "amount_captured": amount}
    _collect(books, intent, charge, "charge.captured")
    return intent


def cancel(books: Books, intent: Json, reason: str | None) -> Json:
    """End an intent that holds no captured money; an authorization is released."""
    if intent["status"] in {"succeeded", "canceled", "processing"}:
        forbid(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    if intent["status"] == "requires_capture":
        _release(books, intent, "charge.expired" if reason == "expired" else "charge.refunded")
    intent |= {
        "status": "canceled",
        "canceled_at": books.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
    }
    books.store.save(intent)
    books.emit("payment_intent.canceled", intent)
    return intent


def cancel_on_request(books: Books, intent: Json, params: CancelPayment) -> Json:
    """Cancel because the merchant asks. What a session can still take money for ends with the session only."""
    if books.session_of(intent["id"]) and intent["status"] in {"requires_payment_method", "requires_action"}:
        forbid(
            "You cannot cancel this PaymentIntent because it was created by a Checkout Session. "
            "Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    return cancel(books, intent, params.cancellation_reason)


def lapse(books: Books, intent: str) -> None:
    """An authorization nobody captured in time is void."""
    body = books.get("payment_intent", intent)
    if body["status"] == "requires_capture":
        cancel(books, body, "expired")


def settle(books: Books, charge: str) -> None:
    """Book a captured charge: from now on its fee and net are known."""
    body = books.get("charge", charge)
    tariff = money.fee_of(body["amount_captured"], body["currency"])
    kind = "charge" if body["payment_method_details"]["type"] == "card" else "payment"
    entry = balance.record(
        books, source=body, kind=kind, category="charge",
        amount=body["amount_captured"], fee=tariff.fee, description=body["description"],
    )  # fmt: skip
    body["balance_transaction"] = entry["id"]
    books.store.save(body)
    books.emit("charge.updated", body, {"balance_transaction": None})


def _authorize(books: Books, intent: Json, email: str | None) -> None:
    charge = charges.add(books, intent, "card", email, status="succeeded", captured=False)
    intent |= {
        "status": "requires_capture",
        "amount_capturable": intent["amount"],
        "last_payment_error": None,
        "next_action": None,
    }
    books.store.save(intent)
    books.later(charges.AUTHORIZATION_LASTS, "lapse_authorization", intent=intent["id"])
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.amount_capturable_updated", intent)


def _collect(books: Books, intent: Json, charge: Json, charge_event: str) -> None:
    """Money is ours: the intent has succeeded, its fee follows shortly."""
    intent |= {
        "status": "succeeded",
        "amount_received": charge["amount_captured"],
        "amount_capturable": 0,
        "last_payment_error": None,
        "next_action": None,
    }
    books.store.save(charge)
    books.store.save(intent)
    books.emit(charge_event, charge)
    books.emit("payment_intent.succeeded", intent)
    wait = books.faults.timing(books.subjects(intent["id"])).balance_seconds
    if intent["capture_method"] == "automatic":
        settle(books, charge["id"])
    else:
        books.later(wait, "settle_charge", charge=charge["id"])


def _release(books: Books, intent: Json, event: str) -> None:
    charge = books.get("charge", intent["latest_charge"])
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    books.store.save(charge)
    books.emit(event, charge)
