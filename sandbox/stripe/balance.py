"""Balance transactions: what every movement did to the account's balance, with Stripe's fee."""

from sandbox.stripe.books import Books, new_id
from sandbox.stripe.store import Json

_AVAILABLE_AFTER = 2 * 24 * 3600


def record(
    books: Books,
    *,
    source: Json,
    kind: str,
    category: str,
    amount: int,
    fee: int = 0,
    description: str | None = None,
) -> Json:
    """Book `amount` (negative: out of the balance) less `fee`, both in the smallest unit of the source's currency."""
    entry = {
        "id": new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": books.now + _AVAILABLE_AFTER,
        "balance_type": "payments",
        "created": books.now,
        "currency": source["currency"],
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, source["currency"]),
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    books.later(_AVAILABLE_AFTER, "release_funds", entry=entry["id"])
    return books.add(entry, session=books.session_of(source["id"]))


def release(books: Books, entry: str) -> None:
    """Make a pending transaction available for a payout."""
    transaction = books.get("balance_transaction", entry)
    books.store.save({**transaction, "status": "available"})


def _fee_details(fee: int, currency: str) -> list[Json]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
