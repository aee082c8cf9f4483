"""What a shop may capture of which authorization, and what a repeated request means."""

from dataclasses import replace

import pytest

from domain.captures import Authorization, Capture, CaptureRequest, Owed, Refusal, RefusalKind, choose
from domain.errors import CapturedOtherwise, CaptureRefused, InvalidInput, NothingToCapture
from domain.payments import AttemptStatus, PaymentStatus, Promise, SessionStatus, attempt
from domain.promises import sorted_by_need
from domain.steps import Promised

HELD = Authorization(payment_id="pay_1", amount=1000, currency="EUR", stands=True)
OWED = Owed(amount=1000, whole_only=False)


def asks(amount: str | None = None, payment_id: str | None = None) -> CaptureRequest:
    """A request of the shop."""
    return CaptureRequest(checkout_id="chk_1", amount=amount, payment_id=payment_id)


def held(payment_id: str = "pay_1", *, stands: bool = True, captured: int | None = None) -> Authorization:
    """An authorization of 10.00."""
    return Authorization(payment_id=payment_id, amount=1000, currency="EUR", stands=stands, captured=captured)


@pytest.mark.parametrize(
    ("amount", "owed", "captured"), [(None, 1000, 1000), ("10.00", 1000, 1000), ("0.01", 1000, 1), (None, 700, 700)]
)
def test_all_that_is_owed_or_a_part_is_captured(amount: str | None, owed: int, captured: int) -> None:
    found = choose(asks(amount), [HELD], Owed(amount=owed, whole_only=False))
    assert found == Capture(payment_id="pay_1", amount=captured)


@pytest.mark.parametrize(
    ("amount", "owed"),
    [("10.01", 2000), ("7.01", 700), ("0", 1000), ("0.00", 1000), ("-1.00", 1000), ("1.001", 1000), ("x", 1000),
     ("", 1000), ("1e2", 1000), ("٣", 1000)],
)  # fmt: skip
def test_an_amount_that_is_none_or_too_much_is_refused_with_what_is_possible(amount: str, owed: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        choose(asks(amount), [HELD], Owed(amount=owed, whole_only=False))
    assert [violation.pointer for violation in refused.value.violations] == ["/amount"]


def test_a_part_is_refused_where_the_merchant_would_give_it_back_at_once() -> None:
    with pytest.raises(InvalidInput, match="all that is owed"):
        choose(asks("9.99"), [HELD], Owed(amount=1000, whole_only=True))
    assert choose(asks("10.00"), [HELD], Owed(amount=1000, whole_only=True)).amount == 1000


@pytest.mark.parametrize("stands", [True, False], ids=["under way", "done"])
@pytest.mark.parametrize("amount", [None, "8.00", "8"])
def test_asking_again_for_what_was_captured_is_the_same_capture(amount: str | None, stands: bool) -> None:
    done = held(stands=stands, captured=800)
    assert choose(asks(amount), [done], OWED) == Capture(payment_id="pay_1", amount=800)
    with pytest.raises(CapturedOtherwise) as refused:
        choose(asks("8.01"), [done], OWED)
    assert (refused.value.amount, refused.value.currency) == (800, "EUR")


def test_the_authorization_that_waits_goes_before_what_was_captured_unless_another_is_named() -> None:
    both = [held("pay_1", stands=False, captured=800), held("pay_2")]
    assert choose(asks("2.00"), both, Owed(amount=200, whole_only=False)).payment_id == "pay_2"
    assert choose(asks(payment_id="pay_1"), both, OWED) == Capture(payment_id="pay_1", amount=800)


@pytest.mark.parametrize(
    "authorizations", [[], [held(stands=False)], [held("pay_2")]], ids=["none", "ended", "not the named one"]
)
def test_nothing_is_captured_where_nothing_waits(authorizations: list[Authorization]) -> None:
    with pytest.raises(NothingToCapture):
        choose(asks(payment_id="pay_1"), authorizations, OWED)


def test_nothing_is_captured_when_nothing_is_owed_any_more() -> None:
    with pytest.raises(NothingToCapture):
        choose(asks(), [HELD], Owed(amount=0, whole_only=False))


@pytest.mark.parametrize(
    "error",
    [InvalidInput([]), NothingToCapture("chk_1"), CapturedOtherwise(800, "EUR")],
    ids=["invalid", "nothing", "otherwise"],
)
def test_a_refusal_travels_as_the_error_it_was(
    error: InvalidInput | NothingToCapture | CapturedOtherwise,
) -> None:
    again = Refusal.of(error, "chk_1").error()
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_providers_refusal_is_named_as_such() -> None:
    assert isinstance(Refusal(kind=RefusalKind.PROVIDER, checkout_id="chk_1").error(), CaptureRefused)


# What is waited for, and what nobody needs


def promised(reference: str, promise: Promise, amount: int = 1000, currency: str = "EUR") -> Promised:
    """Money on its way."""
    return Promised(reference=reference, promise=promise, amount=amount, currency=currency)


@pytest.mark.parametrize(
    ("missing", "wanted", "needless"),
    [(1000, ["late"], ["first", "second"]), (1001, ["late", "first"], ["second"]), (0, [], ["first", "second"])],
)
def test_authorizations_beyond_what_is_missing_are_needless_and_transfers_count_first(
    missing: int, wanted: list[str], needless: list[str]
) -> None:
    money = [
        promised("first", Promise.AUTHORIZED),
        promised("second", Promise.AUTHORIZED),
        promised("late", Promise.DELAYED),
    ]
    found = sorted_by_need(money, missing=missing, currency="EUR")
    assert ([one.reference for one in found[0]], list(found[1])) == (wanted, needless)


def test_the_authorization_the_shop_wants_captured_is_not_the_needless_one() -> None:
    first = promised("first", Promise.AUTHORIZED)
    asked = replace(promised("asked", Promise.AUTHORIZED), capture=500)
    assert sorted_by_need([first, asked], missing=1000, currency="EUR") == ((asked,), ("first",))


def test_an_authorization_in_another_currency_is_needless() -> None:
    foreign = promised("foreign", Promise.AUTHORIZED, currency="USD")
    assert sorted_by_need([foreign], missing=1000, currency="EUR") == ((), ("foreign",))


# How an attempt stands


@pytest.mark.parametrize(
    ("session", "payment", "failure", "expected"),
    [
        (SessionStatus.OPEN, None, None, (AttemptStatus.OPEN, None)),
        (SessionStatus.OPEN, PaymentStatus.FAILED, "card_declined", (AttemptStatus.OPEN, "card_declined")),
        (SessionStatus.EXPIRED, None, None, (AttemptStatus.EXPIRED, "abandoned")),
        (SessionStatus.EXPIRED, PaymentStatus.CANCELED, "automatic", (AttemptStatus.EXPIRED, "abandoned")),
        (SessionStatus.EXPIRED, PaymentStatus.FAILED, "card_declined", (AttemptStatus.FAILED, "card_declined")),
        (SessionStatus.EXPIRED, PaymentStatus.COLLECTED, None, (AttemptStatus.COLLECTED, None)),
        (SessionStatus.COMPLETE, None, None, (AttemptStatus.PENDING, None)),
        (SessionStatus.COMPLETE, PaymentStatus.PENDING, None, (AttemptStatus.PENDING, None)),
        (SessionStatus.COMPLETE, PaymentStatus.EXPIRED, "expired", (AttemptStatus.EXPIRED, "expired")),
    ],
)
def test_an_attempt_is_what_became_of_its_session_and_payment(
    session: SessionStatus,
    payment: PaymentStatus | None,
    failure: str | None,
    expected: tuple[AttemptStatus, str | None],
) -> None:
    assert attempt(session, payment, failure) == expected


def test_an_attempt_knows_every_status_of_a_payment() -> None:
    assert {status.value for status in PaymentStatus} | {"open"} == {status.value for status in AttemptStatus}
