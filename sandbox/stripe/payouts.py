"""Payouts: what the balance holds in one currency goes to the merchant's bank account."""

from sandbox.stripe import balance
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.errors import forbid
from sandbox.stripe.store import Json

NOT_PAID_OUT = "json_extract(body, '$.currency') = ? AND json_extract(hidden, '$.payout') IS NULL"


def pay_out(books: Books, currency: str) -> Json:
    """Pay out every balance transaction not paid out yet, pending ones too: the box need not wait for banks."""
    entries = books.store.select(books.account, "balance_transaction", NOT_PAID_OUT, [currency])
    total = sum(entry.body["net"] for entry in entries)
    if total <= 0:
        forbid(f"There is nothing to pay out in {currency}.")
    payout = {
        "id": new_id("po_1", 23),
        "object": "payout",
        "amount": total,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": books.now,
        "automatic": True,
        "balance_transaction": None,
        "created": books.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": new_id("ba_1", 23),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    books.add(payout)
    own = balance.record(books, source=payout, kind="payout", category="payout", amount=-total)
    for entry in entries:
        books.store.save({**entry.body, "status": "available"})
    for entry_id in [own["id"], *(entry.body["id"] for entry in entries)]:
        books.store.hide(entry_id, {"payout": payout["id"]})
    payout["balance_transaction"] = own["id"]
    books.store.save(payout)
    books.emit("payout.created", payout)
    payout["status"] = "paid"
    books.store.save(payout)
    books.emit("payout.paid", payout, {"status": "pending"})
    books.emit("payout.reconciliation_completed", payout)
    return payout
