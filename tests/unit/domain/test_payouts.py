"""How a payout is compared with the books."""

from datetime import date

import pytest

from domain import payouts
from domain.payouts import Counterpart, Mismatch, PayoutItem, PayoutItemKind, PayoutReport, PayoutStatus

PENDING, IN_TRANSIT, PAID, FAILED, CANCELED = PayoutStatus
OURS = Counterpart(kind=PayoutItemKind.CHARGE, reference="pi_1", payment_id="pay_1", amount=1000, currency="EUR")
BOOKS = payouts.books_of([OURS])


def an_item(
    amount: int = 1000, source: str | None = "pi_1", kind: PayoutItemKind = PayoutItemKind.CHARGE
) -> PayoutItem:
    return PayoutItem(reference="txn_1", kind=kind, source=source, amount=amount, fee=30, net=amount - 30)


def test_item_of_a_known_payment_with_its_amount_agrees() -> None:
    assert payouts.compare(an_item(), "EUR", BOOKS) == (OURS, None)


def test_item_with_another_amount_differs_unless_it_was_converted() -> None:
    assert payouts.compare(an_item(999), "EUR", BOOKS) == (OURS, Mismatch.AMOUNT)
    assert payouts.compare(an_item(999), "CHF", BOOKS) == (OURS, None)


@pytest.mark.parametrize(
    "item",
    [
        an_item(source="pi_2"),
        an_item(source=None),
        an_item(kind=PayoutItemKind.REFUND),
        an_item(kind=PayoutItemKind.OTHER),
    ],
)
def test_item_of_something_we_never_heard_of_is_unknown(item: PayoutItem) -> None:
    assert payouts.compare(item, "EUR", BOOKS) == (None, Mismatch.UNKNOWN)


def test_money_that_went_out_is_compared_without_its_sign() -> None:
    dispute = Counterpart(kind=PayoutItemKind.DISPUTE, reference="du_1", payment_id="pay_1", amount=700, currency="EUR")
    books = payouts.books_of([dispute])
    for amount in (-700, 700):
        item = an_item(amount, "du_1", PayoutItemKind.DISPUTE)
        assert payouts.compare(item, "EUR", books) == (dispute, None)


def test_providers_own_fee_needs_no_counterpart() -> None:
    assert payouts.compare(an_item(-30, None, PayoutItemKind.FEE), "EUR", {}) == (None, None)


@pytest.mark.parametrize(
    ("current", "reported", "after"),
    [
        (PENDING, PAID, PAID),
        (IN_TRANSIT, CANCELED, CANCELED),
        (PAID, IN_TRANSIT, PAID),
        (PAID, FAILED, FAILED),
        (FAILED, PAID, FAILED),
        (CANCELED, PAID, CANCELED),
    ],
)
def test_payout_moves_forward_only(current: PayoutStatus, reported: PayoutStatus, after: PayoutStatus) -> None:
    assert payouts.advance(current, reported) is after


def test_items_add_up_by_what_is_left_after_fees() -> None:
    report = PayoutReport(
        reference="po_1",
        status=PAID,
        amount=1940,
        currency="EUR",
        arrives_on=date(2026, 11, 30),
        manual=False,
        itemized=True,
        items=(an_item(), an_item()),
    )
    assert report.items_total == 1940
