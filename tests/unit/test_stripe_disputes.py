"""What each of Stripe's dispute states means to us."""

from typing import Any

import pytest
import stripe

from adapters.stripe.disputes import dispute_report
from domain.disputes import DisputeStatus


def a_dispute(**changes: Any) -> stripe.Dispute:
    """A dispute as Stripe's SDK reads it."""
    values = {
        "id": "du_1",
        "object": "dispute",
        "amount": 1000,
        "currency": "eur",
        "status": "needs_response",
        "reason": "fraudulent",
        "created": 1_795_000_000,
        "evidence_details": {"due_by": None},
        "balance_transactions": [],
        "payment_intent": {"id": "pi_1", "object": "payment_intent", "metadata": {"quittance_checkout": "chk_1"}},
    }
    made: stripe.Dispute = stripe.Dispute.construct_from(values | changes, "sk_test")
    return made


def entry(amount: int, fee: int) -> dict[str, Any]:
    """A movement of Stripe's balance."""
    return {"id": "txn_1", "object": "balance_transaction", "amount": amount, "fee": fee, "currency": "eur"}


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("warning_needs_response", DisputeStatus.OPENED),
        ("warning_under_review", DisputeStatus.OPENED),
        ("needs_response", DisputeStatus.OPENED),
        ("under_review", DisputeStatus.OPENED),
        ("a_state_of_tomorrow", DisputeStatus.OPENED),
        ("warning_closed", DisputeStatus.WITHDRAWN),
        ("prevented", DisputeStatus.WITHDRAWN),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
    ],
)
def test_each_state_has_its_meaning(status: str, meaning: DisputeStatus) -> None:
    assert dispute_report(a_dispute(status=status)).status is meaning


def test_inquiry_leaves_the_money_and_has_no_fee_yet() -> None:
    report = dispute_report(a_dispute(status="warning_needs_response"))

    assert (report.withdrawn, report.fee, report.evidence_due_at) == (False, None, None)
    assert (report.payment_reference, report.checkout_id) == ("pi_1", "chk_1")


def test_money_is_withdrawn_while_more_went_out_than_came_back() -> None:
    taken, returned = entry(-1000, 2000), entry(1000, 0)

    assert dispute_report(a_dispute(balance_transactions=[taken])).withdrawn
    back = dispute_report(a_dispute(balance_transactions=[taken, returned]))
    assert (back.withdrawn, back.fee) == (False, 2000)


def test_dispute_of_money_that_was_never_asked_for_through_us_names_no_payment() -> None:
    report = dispute_report(a_dispute(payment_intent=None))

    assert (report.payment_reference, report.checkout_id) == (None, None)
