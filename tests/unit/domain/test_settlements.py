"""The rules of settlements: how much may be reduced or assigned, what is freed, and whose word decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.checkout import CheckoutStatus
from domain.combined_links import Member, link_id
from domain.combined_links import check as check_link
from domain.entries import EntryBalance, EntryStatus
from domain.errors import InvalidInput
from domain.late_money import Misfit, Owed, misfit
from domain.settlement_steps import LinkRequest
from domain.settlements import (
    CancelEntry,
    CreditBalance,
    Reduce,
    ReductionKind,
    Settle,
    check,
    differences,
    freed,
    reduction_of,
    settled_of,
    settlement_id,
    strategy,
)

WEEK = 7 * 24 * 3600


def reduce(amount: str = "10.00", **more: object) -> Reduce:
    wanted = {"key": "R-1", "entry_id": "ent_1", "reason": "scratched", "reduction": ReductionKind.CREDIT}
    return Reduce(amount=amount, **(wanted | more))  # type: ignore[arg-type]


def settle(amount: str | None = None, **more: object) -> Settle:
    return Settle(**({"key": "S-1", "entries": ("ent_1",), "payment_id": "pay_1", "amount": amount} | more))  # type: ignore[arg-type]


@given(initial=st.integers(1, 10_000), assigned=st.integers(0, 10_000), reduction=st.integers(0, 10_000))
def test_what_is_freed_leaves_the_entry_holding_no_more_than_is_owed(
    initial: int, assigned: int, reduction: int
) -> None:
    assigned, reduction = min(assigned, initial), min(reduction, initial)
    balance = EntryBalance(initial=initial, assigned=assigned)

    loose = freed(balance, reduction)

    after = EntryBalance(initial=initial, reductions=-reduction, assigned=assigned - loose)
    assert 0 <= loose <= min(assigned, reduction)
    assert after.outstanding >= 0
    assert loose == 0 or after.outstanding == 0


@pytest.mark.parametrize(("invoiced", "most"), [(True, 8_000), (False, 7_999)])
def test_entry_is_reduced_by_at_most_what_is_owed_and_to_nothing_only_when_invoiced(invoiced: bool, most: int) -> None:
    balance = EntryBalance(initial=10_000, reductions=-2_000)

    assert reduction_of(reduce(f"{most / 100:.2f}"), "EUR", balance, invoiced=invoiced) == most
    with pytest.raises(InvalidInput):
        reduction_of(reduce(f"{(most + 1) / 100:.2f}"), "EUR", balance, invoiced=invoiced)


def test_amount_left_out_is_the_smaller_of_what_is_there_and_what_is_owed() -> None:
    assert settled_of(settle(), "EUR", available=300, owed=200) == 200
    assert settled_of(settle(), "EUR", available=100, owed=200) == 100
    assert settled_of(settle("500"), "JPY", available=500, owed=900) == 500


@pytest.mark.parametrize(("available", "owed"), [(0, 100), (100, 0), (0, 0)])
def test_nothing_is_settled_without_money_or_without_debt(available: int, owed: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        settled_of(settle(), "EUR", available=available, owed=owed)
    assert [one.pointer for one in refused.value.violations] == ["/payment_id"]


def test_the_call_decides_before_the_merchant_and_the_merchant_before_the_default() -> None:
    direct, future = CreditBalance.DIRECT_REFUND, CreditBalance.FUTURE_SETTLEMENT
    assert strategy(reduce(credit_balance=direct), future) is direct
    assert strategy(reduce(), future) is future
    assert strategy(reduce(), None) is CreditBalance.PREPARED_REFUND
    assert strategy(CancelEntry(entry_id="ent_1", reason="twice"), None) is future


def test_same_meaning_under_one_key_is_no_difference() -> None:
    assert differences(reduce("10.00"), reduce("10"), "EUR") == ()
    assert [one.pointer for one in differences(reduce("10.00"), reduce("10.01", reason="x"), "EUR")] == [
        "/amount",
        "/reason",
    ]
    assert [one.pointer for one in differences(reduce(), settle(), "EUR")] == ["/kind"]


def test_keys_of_shops_and_ours_never_meet() -> None:
    with pytest.raises(InvalidInput):
        check(reduce(key=CancelEntry(entry_id="ent_1", reason="twice").key))
    assert settlement_id("a", "k") != settlement_id("b", "k")
    assert link_id("a", "k") != link_id("b", "k")


@pytest.mark.parametrize(
    ("request_", "pointers"),
    [
        (settle(entries=()), ["/entries"]),
        (settle(entries=("a", "b", "a")), ["/entries/2"]),
        (settle(entries=tuple(map(str, range(51)))), ["/entries"]),
        (settle(payment_id=None), ["/payment_id"]),
        (settle(credit_entry_id="ent_2"), ["/payment_id"]),
        (settle(reason="x" * 201), ["/reason"]),
        (CancelEntry(entry_id="ent_1", reason=""), ["/reason"]),
    ],
)
def test_what_breaks_a_rule_is_named(request_: Settle | CancelEntry, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(request_)
    assert [one.pointer for one in refused.value.violations] == pointers


@pytest.mark.parametrize("status", list(EntryStatus))
@pytest.mark.parametrize("outstanding", [0, 100])
def test_money_for_an_entry_that_is_shut_is_surplus_and_never_accepted(status: EntryStatus, outstanding: int) -> None:
    owed = Owed(status=status, currency="EUR", outstanding=outstanding, available=100, shut=True)
    assert misfit(owed, "EUR") is Misfit.SURPLUS
    assert misfit(owed, "USD") is Misfit.CURRENCY


def member(currency: str = "EUR", owed: int = 100, status: CheckoutStatus = CheckoutStatus.AWAITING_PAYMENT) -> Member:
    return Member(currency=currency, status=status, owed=owed)


def test_link_pays_only_what_goes_together() -> None:
    request = LinkRequest(entries=("a", "b"), expires_in_seconds=WEEK)
    check_link(request, [member(), member()], origins=(), allow_local=False)
    for wrong in (None, member("USD"), member(owed=0), member(status=CheckoutStatus.EXPIRED)):
        with pytest.raises(InvalidInput) as refused:
            check_link(request, [member(), wrong], origins=(), allow_local=False)
        assert [one.pointer for one in refused.value.violations] == ["/entries/1"]


PAYABLE = Member(currency="EUR", status=CheckoutStatus.AWAITING_PAYMENT, owed=100)


@pytest.mark.parametrize(
    ("member", "problem"),
    [(replace(PAYABLE, captured_by_hand=True), "captured by hand"), (replace(PAYABLE, promised=True), "on its way")],
)
def test_a_link_for_several_entries_takes_none_whose_money_does_not_come_at_once(member: Member, problem: str) -> None:
    request = LinkRequest(entries=("ent_1", "ent_2"), expires_in_seconds=3600)

    with pytest.raises(InvalidInput) as refused:
        check_link(request, [PAYABLE, member], origins=(), allow_local=False)

    [violation] = refused.value.violations
    assert violation.pointer == "/entries/1"
    assert problem in violation.message
