"""Refunds: money back from a captured charge, sometimes pending, sometimes failing days later."""

from sandbox.stripe import balance, money
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.errors import StripeError, forbid, refuse
from sandbox.stripe.parameters import CreateRefund
from sandbox.stripe.store import Json


def create(books: Books, params: CreateRefund) -> Json:
    """Refund all or a part of what a charge still holds."""
    charge = _charge(books, params)
    amount = _amount(charge, params.amount)
    plan = books.faults.refund(books.subjects(charge["id"], charge["payment_intent"]))
    refund = {
        "id": new_id("re_3", 23),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "destination_details": _destination(charge),
        "metadata": params.metadata,
        "payment_intent": charge["payment_intent"],
        "reason": params.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded" if plan.pending_seconds is None else "pending",
        "transfer_reversal": None,
    }
    books.add(refund, session=books.session_of(charge["id"]))
    entry = balance.record(books, source=refund, kind="refund", category="refund", amount=-amount)
    refund["balance_transaction"] = entry["id"]
    books.store.save(refund)
    books.emit("refund.created", refund)
    _note(books, charge, amount, "charge.refunded")
    if plan.fail_after_seconds is not None:
        books.later(plan.fail_after_seconds, "fail_refund", refund=refund["id"], reason=plan.failure_reason)
    elif plan.pending_seconds is not None:
        books.later(plan.pending_seconds, "finish_refund", refund=refund["id"])
    return refund


def finish(books: Books, refund: str) -> None:
    """A pending refund has arrived."""
    body = books.get("refund", refund)
    if body["status"] == "pending":
        body["status"] = "succeeded"
        books.store.save(body)
        books.emit("refund.updated", body, {"status": "pending"})


def fail_in_time(books: Books, refund: str, reason: str) -> None:
    """A refund fails as planned, unless it failed before."""
    if books.get("refund", refund)["status"] != "failed":
        fail(books, refund, reason)


def fail(books: Books, refund: str, reason: str) -> None:
    """The customer's bank sends a refund back: the money is the merchant's again."""
    body = books.get("refund", refund)
    before = body["status"]
    if before == "failed":
        forbid(f"Refund {refund} has already failed.")
    entry = balance.record(books, source=body, kind="refund_failure", category="refund_failure", amount=body["amount"])
    body |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": entry["id"]}
    books.store.save(body)
    books.emit("refund.updated", body, {"status": before})
    books.emit("refund.failed", body)
    _note(books, books.get("charge", body["charge"]), -body["amount"], "charge.updated")


def _charge(books: Books, params: CreateRefund) -> Json:
    if params.charge and params.payment_intent:
        refuse("You may only specify one of these parameters: charge, payment_intent.")
    if params.charge:
        charge = books.get("charge", params.charge, "charge")
    elif params.payment_intent:
        intent = books.get("payment_intent", params.payment_intent, "payment_intent")
        if intent["status"] != "succeeded":
            forbid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
        charge = books.get("charge", intent["latest_charge"])
    else:
        refuse("One of the following params should be provided for this request: payment_intent or charge.")
    if not charge["paid"] or not charge["captured"]:
        forbid(f"Charge {charge['id']} has not been captured and can't be refunded.")
    if charge["disputed"]:
        forbid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    return charge


def _amount(charge: Json, wanted: int | None) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        forbid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = wanted or left
    if amount > left:
        currency = charge["currency"]
        raise StripeError(
            400,
            f"Refund amount ({money.display(amount, currency)}) is greater than unrefunded amount on charge "
            f"({money.display(left, currency)})",
            param="amount",
            saved=True,
        )
    money.check_unit(amount, charge["currency"], "amount")
    return int(amount)


def _destination(charge: Json) -> Json:
    if charge["payment_method_details"]["type"] != "card":
        return {"type": "eu_bank_transfer", "eu_bank_transfer": {"reference": None, "reference_status": "pending"}}
    return {
        "type": "card",
        "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
    }


def _note(books: Books, charge: Json, amount: int, event: str) -> None:
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.store.save(charge)
    books.emit(event, charge, previous)
