"""What the box's clock brings about when it is due."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.stripe import balance, checkout, payments, refunds
from sandbox.stripe.books import Books
from sandbox.stripe.clock import Clock
from sandbox.stripe.store import Store

ACTIONS: Mapping[str, Callable[..., Any]] = {
    "expire_session": checkout.expire_in_time,
    "finish_delayed": checkout.finish_delayed,
    "lapse_authorization": payments.lapse,
    "settle_charge": payments.settle,
    "finish_refund": refunds.finish,
    "fail_refund": refunds.fail_in_time,
    "release_funds": balance.release,
}


def run_next(store: Store, clock: Clock, open_books: Callable[[str], Books]) -> bool:
    """Do the earliest due action, if there is one. Inside a transaction."""
    row = store.row("SELECT * FROM timers WHERE due <= ? ORDER BY due, seq LIMIT 1", clock.time())
    if row is None:
        return False
    store.execute("DELETE FROM timers WHERE seq = ?", row["seq"])
    ACTIONS[row["action"]](open_books(row["account"]), **json.loads(row["arguments"]))
    return True
