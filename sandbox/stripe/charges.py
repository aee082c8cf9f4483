"""Charges: one attempt each at moving the money of a payment intent."""

from sandbox.stripe import methods
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.store import Json

AUTHORIZATION_LASTS = 7 * 24 * 3600
"""Seconds an authorized card payment can be captured."""
_NOBODY = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}

DECLINED = {
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
    "type": "card_error",
}


def add(books: Books, intent: Json, method: str, email: str | None, *, status: str, captured: bool) -> Json:
    """One attempt to charge for `intent`, which then shows it as its latest."""
    paid = status == "succeeded"
    failed = status == "failed"
    capture_before = books.now + AUTHORIZATION_LASTS if paid and not captured else None
    charge = {
        "id": new_id("ch_3" if method == "card" else "py_3", 23),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid and captured else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {**_NOBODY, "email": email},
        "calculated_statement_descriptor": "QUITTANCE TEST",
        "captured": captured,
        "created": books.now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": DECLINED["code"] if failed else None,
        "failure_message": DECLINED["message"] if failed else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(failed=failed),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm_1", 23),
        "payment_method_details": methods.details(method, capture_before),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    books.add(charge, session=books.session_of(intent["id"]))
    intent |= {"latest_charge": charge["id"], "payment_method": None if failed else charge["payment_method"]}
    books.store.save(intent)
    return charge


def _outcome(*, failed: bool) -> Json:
    return {
        "advice_code": "try_again_later" if failed else None,
        "network_advice_code": None,
        "network_decline_code": "05" if failed else None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": "generic_decline" if failed else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank did not give a reason." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }
