"""Refunds: how their record moves, what can be given back, and what a shop may ask for."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition, InvalidInput
from domain.refund_requests import RefundRequest, amount_of, check, differences
from domain.refunds import RefundStatus, advance, move, refund_id, refundable

PREPARED, APPROVED, PENDING, REFUNDED, FAILED, CANCELED = RefundStatus
ALLOWED = {
    (PREPARED, APPROVED),
    (PREPARED, CANCELED),
    (APPROVED, PENDING),
    (APPROVED, FAILED),
    (APPROVED, CANCELED),
    (PENDING, REFUNDED),
    (PENDING, FAILED),
    (PENDING, CANCELED),
    (REFUNDED, FAILED),
}
AMOUNTS = st.integers(min_value=0, max_value=10**9)


@pytest.mark.parametrize(("current", "wanted"), list(product(RefundStatus, repeat=2)))
def test_refund_moves_forward_only(current: RefundStatus, wanted: RefundStatus) -> None:
    if current is wanted or (current, wanted) in ALLOWED:
        assert move(current, wanted) is wanted
    else:
        with pytest.raises(IllegalTransition):
            move(current, wanted)


@pytest.mark.parametrize(("current", "reported"), list(product(RefundStatus, repeat=2)))
def test_stale_report_changes_nothing(current: RefundStatus, reported: RefundStatus) -> None:
    assert advance(current, reported) is (reported if (current, reported) in ALLOWED else current)


@given(captured=AMOUNTS, refunded=AMOUNTS, disputed=AMOUNTS, under_way=st.lists(AMOUNTS))
def test_refundable_is_what_nothing_else_has_taken_and_never_below_zero(
    captured: int, refunded: int, disputed: int, under_way: list[int]
) -> None:
    left = refundable(captured=captured, refunded=refunded, disputed=disputed, under_way=under_way)
    taken = refunded + disputed + sum(under_way)
    assert left >= 0
    assert left == captured - taken or (left == 0 and taken >= captured)


def test_refund_id_follows_from_merchant_and_key() -> None:
    assert refund_id("meridian", "r-1") == refund_id("meridian", "r-1")
    assert len({refund_id("meridian", "r-1"), refund_id("meridian", "r-2"), refund_id("nordwerk", "r-1")}) == 3


def a_request(**changes: str | None) -> RefundRequest:
    wanted: dict[str, str | None] = {"checkout_id": "chk_1", "key": "r-1", "reason": "sent back", **changes}
    return RefundRequest(**wanted)  # type: ignore[arg-type]


def test_amount_left_out_is_all_that_is_left() -> None:
    assert amount_of(a_request(), "EUR", 4_200) == 4_200


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("42.00", "EUR", 4_200), ("42", "EUR", 4_200), ("42", "JPY", 42)]
)
def test_stated_amount_is_taken_up_to_what_is_left(amount: str, currency: str, minor: int) -> None:
    assert amount_of(a_request(amount=amount), currency, minor) == minor
    with pytest.raises(InvalidInput, match="at most what is left"):
        amount_of(a_request(amount=amount), currency, minor - 1)


@pytest.mark.parametrize(
    ("amount", "currency", "left"),
    [("0.00", "EUR", 100), ("-1.00", "EUR", 100), ("0.001", "EUR", 100), ("0.5", "JPY", 100), (None, "EUR", 0)],
)
def test_amount_that_is_none_is_refused_with_what_is_left(amount: str | None, currency: str, left: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        amount_of(a_request(amount=amount), currency, left)

    [violation] = refused.value.violations
    assert violation.pointer == "/amount"
    assert currency in violation.message


@pytest.mark.parametrize("key", ["", "a/b", "ä", "x" * 101, "a b", "a\n"])
def test_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match="/key"):
        check(a_request(key=key))


@pytest.mark.parametrize("reason", ["", "x" * 201, "card 4242 4242 4242 4242", "a\x00b"])
def test_reason_that_cannot_be_shown_is_refused(reason: str) -> None:
    with pytest.raises(InvalidInput, match="/reason"):
        check(a_request(reason=reason))


def test_same_amount_written_otherwise_is_no_difference() -> None:
    assert differences(a_request(amount="5"), a_request(amount="5.00"), "EUR") == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount", "5.01"), ("amount", None), ("reason", "broken"), ("payment_id", "pay_1"), ("checkout_id", "chk_2")],
)
def test_every_field_that_differs_is_named(name: str, value: str | None) -> None:
    accepted = a_request(amount="5.00")
    received = a_request(**{"amount": "5.00", name: value})

    [difference] = differences(accepted, received, "EUR")

    assert (difference.pointer, difference.received) == (f"/{name}", value)
