"""Money that does not fit: which way, and what a merchant's policy makes of it."""

from dataclasses import dataclass, replace
from itertools import product

import pytest

from domain.entries import EntryStatus
from domain.late_money import (
    OPTIONS,
    Decision,
    LateMoneyPolicy,
    Misfit,
    OverpaymentPolicy,
    Owed,
    ShortPaymentPolicy,
    covers,
    misfit,
    treatment,
)


@dataclass(frozen=True, kw_only=True)
class Merchant:
    late_money: LateMoneyPolicy = LateMoneyPolicy.HOLD
    overpayment: OverpaymentPolicy = OverpaymentPolicy.HOLD
    short_payment: ShortPaymentPolicy = ShortPaymentPolicy.HOLD


def owed(status: EntryStatus, *, outstanding: int, available: int) -> Owed:
    return Owed(status=status, currency="EUR", outstanding=outstanding, available=available)


@pytest.mark.parametrize(
    ("status", "outstanding", "available", "expected"),
    [
        (EntryStatus.OPEN, 100, 100, None),
        (EntryStatus.OPEN, 100, 101, None),
        (EntryStatus.OPEN, 100, 99, Misfit.SHORT),
        (EntryStatus.OPEN, 100, 1, Misfit.SHORT),
        (EntryStatus.BALANCED, 0, 1, Misfit.SURPLUS),
        (EntryStatus.BALANCED, 0, 100, Misfit.SURPLUS),
        (EntryStatus.CANCELED, 100, 100, Misfit.LATE),
        (EntryStatus.CANCELED, 100, 200, Misfit.LATE),
        (EntryStatus.CANCELED, 100, 99, Misfit.LATE_SHORT),
    ],
)
def test_how_money_does_not_fit_follows_from_the_entry(
    status: EntryStatus, outstanding: int, available: int, expected: Misfit | None
) -> None:
    assert misfit(owed(status, outstanding=outstanding, available=available), "EUR") is expected


@pytest.mark.parametrize("status", EntryStatus)
def test_money_in_another_currency_never_fits(status: EntryStatus) -> None:
    assert misfit(owed(status, outstanding=100, available=100), "USD") is Misfit.CURRENCY


@pytest.mark.parametrize("available", [1, 100, 101])
def test_money_for_an_entry_that_a_dispute_opened_again_is_surplus(available: int) -> None:
    reopened = replace(owed(EntryStatus.OPEN, outstanding=100, available=available), awaited=False)

    assert misfit(reopened, "EUR") is Misfit.SURPLUS


def test_money_of_no_checkout_is_unknown() -> None:
    assert misfit(None, "EUR") is Misfit.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "policy", "expected"),
    [
        (Misfit.LATE, LateMoneyPolicy.ACCEPT, Decision.ACCEPT),
        (Misfit.LATE, LateMoneyPolicy.REFUND, Decision.REFUND),
        (Misfit.LATE, LateMoneyPolicy.HOLD, None),
        (Misfit.LATE_SHORT, LateMoneyPolicy.ACCEPT, None),
        (Misfit.LATE_SHORT, LateMoneyPolicy.REFUND, Decision.REFUND),
        (Misfit.LATE_SHORT, LateMoneyPolicy.HOLD, None),
        (Misfit.CURRENCY, LateMoneyPolicy.ACCEPT, None),
        (Misfit.CURRENCY, LateMoneyPolicy.REFUND, Decision.REFUND),
        (Misfit.CURRENCY, LateMoneyPolicy.HOLD, None),
    ],
)
def test_late_money_policy(kind: Misfit, policy: LateMoneyPolicy, expected: Decision | None) -> None:
    assert treatment(kind, Merchant(late_money=policy)) is expected


@pytest.mark.parametrize(
    ("policy", "expected"), [(OverpaymentPolicy.REFUND, Decision.REFUND), (OverpaymentPolicy.HOLD, None)]
)
def test_overpayment_policy(policy: OverpaymentPolicy, expected: Decision | None) -> None:
    assert treatment(Misfit.SURPLUS, Merchant(overpayment=policy)) is expected


@pytest.mark.parametrize("kind", [Misfit.SHORT, Misfit.LINK_SHORT])
@pytest.mark.parametrize(
    ("policy", "expected"), [(ShortPaymentPolicy.REFUND, Decision.REFUND), (ShortPaymentPolicy.HOLD, None)]
)
def test_short_payment_policy(kind: Misfit, policy: ShortPaymentPolicy, expected: Decision | None) -> None:
    assert treatment(kind, Merchant(short_payment=policy)) is expected


@pytest.mark.parametrize(
    ("late", "over", "short"), list(product(LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy))
)
def test_no_policy_gives_unknown_money_back_or_tries_a_failed_refund_again(
    late: LateMoneyPolicy, over: OverpaymentPolicy, short: ShortPaymentPolicy
) -> None:
    merchant = Merchant(late_money=late, overpayment=over, short_payment=short)
    assert treatment(Misfit.UNKNOWN, merchant) is None
    assert treatment(Misfit.REFUND_FAILED, merchant) is None


@pytest.mark.parametrize(
    ("kind", "late", "over", "short"), list(product(Misfit, LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy))
)
def test_policies_decide_only_what_a_person_could_decide_too(
    kind: Misfit, late: LateMoneyPolicy, over: OverpaymentPolicy, short: ShortPaymentPolicy
) -> None:
    decision = treatment(kind, Merchant(late_money=late, overpayment=over, short_payment=short))
    assert decision is None or decision in OPTIONS[kind]


@pytest.mark.parametrize("kind", Misfit)
def test_every_case_can_be_decided_and_the_money_given_back(kind: Misfit) -> None:
    assert Decision.REFUND in OPTIONS[kind]
    assert len(OPTIONS[kind]) == len(set(OPTIONS[kind])) >= 2
    assert Decision.RESOLVED not in OPTIONS[kind]


@pytest.mark.parametrize(
    ("decision", "available", "expected"),
    [
        (Decision.KEEP, 100, True),
        (Decision.KEEP, 1, True),
        (Decision.KEEP, 101, False),
        (Decision.AWAIT_REST, 100, True),
        (Decision.RESOLVED, 1, False),
        (Decision.REFUND, 1, False),
        (Decision.ACCEPT, 1, False),
    ],
)
def test_decision_that_leaves_money_covers_no_more_than_it_was_about(
    decision: Decision, available: int, expected: bool
) -> None:
    assert covers(decision, 100, available) is expected
