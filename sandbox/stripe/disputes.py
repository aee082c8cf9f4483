"""Disputes: the customer's bank takes the money back with a fee, and may give it back later."""

from sandbox.stripe import balance
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.errors import forbid
from sandbox.stripe.store import Json

_DUE_AFTER = 7 * 24 * 3600


def open_dispute(books: Books, charge: Json, *, amount: int, fee: int, reason: str) -> Json:
    """Dispute `amount` of a captured charge; `fee` is Stripe's, both in the smallest unit."""
    if charge["disputed"] or not charge["captured"] or not charge["paid"]:
        forbid(f"Charge {charge['id']} can't be disputed: it is not captured, or already disputed.")
    dispute = {
        "id": new_id("du_1", 23),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": books.now + _DUE_AFTER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    books.add(dispute, session=books.session_of(charge["id"]))
    charge["disputed"] = True
    books.store.save(charge)
    books.emit("charge.dispute.created", dispute)
    _move(books, dispute, -amount, fee, "dispute", "charge.dispute.funds_withdrawn")
    return dispute


def close(books: Books, dispute: Json, *, won: bool) -> Json:
    """The bank has decided. Won money comes back, the fee does not."""
    if dispute["status"] in {"won", "lost"}:
        forbid(f"This dispute is already closed: {dispute['status']}.")
    dispute["status"] = "won" if won else "lost"
    books.store.save(dispute)
    if won:
        _move(books, dispute, dispute["amount"], 0, "dispute_reversal", "charge.dispute.funds_reinstated")
    books.emit("charge.dispute.closed", dispute)
    return dispute


def accept(books: Books, dispute: Json) -> Json:
    """POST /v1/disputes/{id}/close: the merchant gives up."""
    return close(books, dispute, won=False)


def _move(books: Books, dispute: Json, amount: int, fee: int, category: str, event: str) -> None:
    entry = balance.record(
        books, source=dispute, kind="adjustment", category=category, amount=amount, fee=fee,
        description=f"Chargeback for {dispute['charge']}",
    )  # fmt: skip
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]
    books.store.save(dispute)
    books.emit(event, dispute)


_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
