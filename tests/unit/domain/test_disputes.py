"""What a dispute does to its own state, the money and the payment."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import disputes, payments
from domain.disputes import DisputeStatus
from domain.errors import IllegalTransition
from domain.payments import PaymentStatus

OPENED, WON, LOST, WITHDRAWN = DisputeStatus
DUE = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("end", [WON, LOST, WITHDRAWN])
def test_closed_dispute_is_not_opened_again_by_a_late_report(end: DisputeStatus) -> None:
    assert disputes.advance(OPENED, end) is end
    assert disputes.advance(end, OPENED) is end
    with pytest.raises(IllegalTransition):
        disputes.move(end, OPENED)


def test_lost_dispute_may_still_be_won_but_a_won_one_is_never_lost() -> None:
    assert disputes.advance(LOST, WON) is WON
    assert disputes.advance(WON, LOST) is WON


@pytest.mark.parametrize(
    ("status", "withdrawn", "before", "held"),
    [
        (OPENED, False, 0, 0),
        (OPENED, True, 0, 700),
        (OPENED, False, 700, 700),
        (LOST, True, 700, 700),
        (LOST, False, 0, 700),
        (WON, True, 700, 0),
        (WON, False, 700, 0),
        (WITHDRAWN, False, 0, 0),
    ],
)
def test_money_is_held_while_it_is_withdrawn_or_lost(
    status: DisputeStatus, withdrawn: bool, before: int, held: int
) -> None:
    assert disputes.held(status, 700, withdrawn=withdrawn, before=before) == held


def test_payment_is_reversed_only_when_nothing_of_it_is_left() -> None:
    collected, final, reversed_ = PaymentStatus.COLLECTED, PaymentStatus.FINAL, PaymentStatus.REVERSED
    assert disputes.payment_status(collected, left=0, paid_out=False) is reversed_
    assert disputes.payment_status(final, left=1, paid_out=True) is final
    assert disputes.payment_status(reversed_, left=700, paid_out=False) is collected
    assert disputes.payment_status(reversed_, left=700, paid_out=True) is final


@pytest.mark.parametrize("reported", list(PaymentStatus))
def test_report_of_a_payment_never_brings_a_reversed_one_back(reported: PaymentStatus) -> None:
    assert payments.advance(PaymentStatus.REVERSED, reported) is PaymentStatus.REVERSED
    assert payments.advance(PaymentStatus.COLLECTED, PaymentStatus.REVERSED) is PaymentStatus.COLLECTED


def test_shop_is_reminded_two_days_before_evidence_is_due_while_the_dispute_is_open() -> None:
    assert disputes.remind_at(OPENED, DUE) == DUE - timedelta(days=2)
    assert disputes.remind_at(OPENED, None) is None
    assert disputes.remind_at(LOST, DUE) is None
