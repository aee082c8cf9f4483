"""What every payment provider does: `domain.ports.PaymentProvider`, sessions and payments.

The real one is the Stripe adapter with Stripe's own SDK, talking to the sandbox's stand-in.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
import pytest

from adapters.stripe.provider import StripeProvider
from domain.capture_modes import DelayedMethod
from domain.captures import CaptureOrder
from domain.errors import ProviderRefused, ProviderUnavailable
from domain.payments import OpenedSession, PaymentReport, PaymentStatus, Promise, SessionOrder, SessionStatus
from domain.ports import PaymentProvider
from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running
from tests.fakes.provider import FakeProvider

NORD, SUED = "nordwerk", "suedwerk"
_T = TypeVar("_T")


class Side(Protocol):
    """A provider, and the customer at its page."""

    @property
    def provider(self) -> PaymentProvider:
        """The provider."""

    async def pay(self, session: OpenedSession) -> None:
        """The customer pays."""

    async def decline(self, session: OpenedSession) -> None:
        """The customer's card is declined."""

    async def order_transfer(self, session: OpenedSession) -> None:
        """The customer orders his bank to pay, which takes days."""


@dataclass
class Fake:
    """The fake."""

    provider: FakeProvider

    async def pay(self, session: OpenedSession) -> None:
        self.provider.pay(session.session_id)

    async def decline(self, session: OpenedSession) -> None:
        self.provider.decline(session.session_id)

    async def order_transfer(self, session: OpenedSession) -> None:
        self.provider.order_transfer(session.session_id)


@dataclass
class Stripe:
    """The adapter; the customer uses the page that the session's URL leads to."""

    provider: StripeProvider
    browser: httpx.AsyncClient

    async def pay(self, session: OpenedSession) -> None:
        await self._press(session, "succeed")

    async def decline(self, session: OpenedSession) -> None:
        await self._press(session, "decline")

    async def order_transfer(self, session: OpenedSession) -> None:
        await self._press(session, "delayed_succeed")

    async def _press(self, session: OpenedSession, outcome: str) -> None:
        assert (await self.browser.post(session.url, data={"outcome": outcome})).status_code == 303

    async def fault(self, **order: Any) -> None:
        """Let something go wrong."""
        (await self.browser.post("/_sandbox/faults", json=order)).raise_for_status()

    async def move_clock(self, by: timedelta) -> None:
        """Let time pass at Stripe."""
        body = {"advance_seconds": by.total_seconds()}
        (await self.browser.post("/_sandbox/clock", json=body)).raise_for_status()

    async def asked(self) -> list[dict[str, Any]]:
        """What was asked of Stripe, oldest first."""
        log: list[dict[str, Any]] = (await self.browser.get("/_sandbox/requests")).json()
        return log


@pytest.fixture
async def stripe(tmp_path: Path) -> AsyncIterator[Stripe]:
    keys = {NORD: "sk_test_nord", SUED: "sk_test_sued"}
    accounts = [StripeAccount(api_key=key, endpoints=()) for key in keys.values()]
    async with running(tmp_path / "stripe.db", accounts) as url, httpx.AsyncClient(base_url=url) as browser:
        provider = StripeProvider(keys, api_base=url, timeout=0.5)
        yield Stripe(provider, browser)
        await provider.close()


@pytest.fixture(params=["fake", "stripe", pytest.param("live", marks=pytest.mark.stripe_live)])
def side(request: pytest.FixtureRequest) -> Side:
    made: Side = Fake(FakeProvider()) if request.param == "fake" else request.getfixturevalue(request.param)
    return made


def an_order(*, merchant_id: str = NORD, amount: int = 83_900, currency: str = "EUR", **more: Any) -> SessionOrder:
    mark = secrets.token_hex(6)
    return SessionOrder(
        merchant_id=merchant_id,
        checkout_id=f"chk_{mark}",
        entry_id=f"ent_{mark}",
        idempotency_key=f"chk_{mark}:session:1",
        amount=amount,
        currency=currency,
        title="Nordwerk SO-88213",
        language="de",
        customer_email="jana@example.org",
        return_url="https://pay.example/pay/token/return",
        cancel_url="https://pay.example/pay/token/cancel",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2),
        **more,
    )


async def test_an_opened_session_has_a_page_and_ends_when_it_was_told_to(side: Side) -> None:
    order = an_order()
    session = await side.provider.open_session(order)
    assert session.url.startswith("http")
    assert session.expires_at == order.expires_at
    report = await side.provider.read_session(NORD, session.session_id)
    assert (report.session_id, report.status, report.payment) == (session.session_id, SessionStatus.OPEN, None)


async def test_the_same_key_gives_the_same_session_however_often_and_however_fast(side: Side) -> None:
    order = an_order()
    first = await side.provider.open_session(order)
    assert await asyncio.gather(*(side.provider.open_session(order) for _ in range(3))) == [first] * 3


async def test_the_same_key_gives_the_same_session_also_after_it_was_paid(side: Side) -> None:
    order = an_order()
    session = await side.provider.open_session(order)
    await side.pay(session)
    assert await side.provider.open_session(order) == session
    assert (await side.provider.read_session(NORD, session.session_id)).status is SessionStatus.COMPLETE


async def test_another_key_gives_another_session(side: Side) -> None:
    order = an_order()
    first = await side.provider.open_session(order)
    second = await side.provider.open_session(replace(order, idempotency_key=f"{order.checkout_id}:session:2"))
    assert first.session_id != second.session_id


OTHER_ORDERS: dict[str, Callable[[SessionOrder], SessionOrder]] = {
    "amount": lambda order: replace(order, amount=order.amount + 1),
    "currency": lambda order: replace(order, currency="USD"),
    "expiry": lambda order: replace(order, expires_at=order.expires_at + timedelta(seconds=1)),
}


@pytest.mark.parametrize("changed", OTHER_ORDERS.values(), ids=OTHER_ORDERS.keys())
async def test_the_same_key_for_another_order_is_refused(
    side: Side, changed: Callable[[SessionOrder], SessionOrder]
) -> None:
    order = an_order()
    await side.provider.open_session(order)
    with pytest.raises(ProviderRefused):
        await side.provider.open_session(changed(order))


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(83_900, "EUR"), (83_900, "JPY"), (1_234_560, "KWD"), (83_900, "ISK"), (83_900, "UGX"), (83_900, "HUF")],
)
async def test_a_paid_session_reports_the_capture_in_minor_units_of_iso(side: Side, amount: int, currency: str) -> None:
    order = an_order(amount=amount, currency=currency)
    session = await side.provider.open_session(order)
    await side.pay(session)
    report = await side.provider.read_session(NORD, session.session_id)
    assert report.status is SessionStatus.COMPLETE
    payment = report.payment
    assert payment is not None
    assert (payment.status, payment.amount, payment.currency) == (PaymentStatus.COLLECTED, amount, currency)
    assert payment.checkout_id == order.checkout_id
    assert (payment.method, payment.detail) == ("card", "Visa •••• 4242")
    assert payment.failure is None
    assert payment.captured_at is not None
    assert abs(payment.captured_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_payment_is_read_by_its_reference_as_with_its_session(side: Side) -> None:
    session = await side.provider.open_session(an_order())
    await side.pay(session)
    payment = await _payment(side, session)
    assert await side.provider.read_payment(NORD, payment.reference) == payment


async def test_a_declined_card_leaves_the_session_open_and_says_why(side: Side) -> None:
    order = an_order()
    session = await side.provider.open_session(order)
    await side.decline(session)
    assert (await side.provider.read_session(NORD, session.session_id)).status is SessionStatus.OPEN
    payment = await _payment(side, session)
    assert (payment.status, payment.captured_at, payment.checkout_id) == (PaymentStatus.FAILED, None, order.checkout_id)
    assert payment.failure
    assert (payment.fee, payment.net) == (None, None)


async def test_paying_after_a_declined_card_is_the_same_payment(side: Side) -> None:
    session = await side.provider.open_session(an_order())
    await side.decline(session)
    declined = await _payment(side, session)
    await side.pay(session)
    paid = await _payment(side, session)
    assert (paid.reference, paid.status, paid.failure) == (declined.reference, PaymentStatus.COLLECTED, None)


async def test_an_expired_session_is_read_back_as_expired_and_stays_so(side: Side) -> None:
    session = await side.provider.open_session(an_order())
    for _ in range(2):
        report = await side.provider.expire_session(NORD, session.session_id)
        assert (report.session_id, report.status, report.payment) == (session.session_id, SessionStatus.EXPIRED, None)
    assert await side.provider.read_session(NORD, session.session_id) == report


async def test_expiring_after_a_declined_card_leaves_no_payment_that_could_still_come(side: Side) -> None:
    session = await side.provider.open_session(an_order())
    await side.decline(session)
    report = await side.provider.expire_session(NORD, session.session_id)
    assert report.status is SessionStatus.EXPIRED
    assert report.payment is not None
    assert report.payment.status in {PaymentStatus.FAILED, PaymentStatus.CANCELED}


async def test_a_session_that_was_paid_is_not_expired_but_reported_as_paid(side: Side) -> None:
    session = await side.provider.open_session(an_order())
    await side.pay(session)
    report = await side.provider.expire_session(NORD, session.session_id)
    assert report == await side.provider.read_session(NORD, session.session_id)
    assert report.status is SessionStatus.COMPLETE
    assert report.payment is not None
    assert report.payment.status is PaymentStatus.COLLECTED


async def test_what_is_not_there_or_another_merchants_is_refused(side: Side) -> None:
    session = await side.provider.open_session(an_order(merchant_id=SUED))
    await side.pay(session)
    payment = await side.provider.read_session(SUED, session.session_id)
    assert payment.payment is not None
    for session_id in (session.session_id, "cs_unknown"):
        with pytest.raises(ProviderRefused):
            await side.provider.read_session(NORD, session_id)
        with pytest.raises(ProviderRefused):
            await side.provider.expire_session(NORD, session_id)
    for reference in (payment.payment.reference, "pi_unknown"):
        with pytest.raises(ProviderRefused):
            await side.provider.read_payment(NORD, reference)


async def test_what_was_never_there_is_refused(side: Side) -> None:
    with pytest.raises(ProviderRefused):
        await side.provider.read_session(NORD, "cs_test_unknown")
    with pytest.raises(ProviderRefused):
        await side.provider.expire_session(NORD, "cs_test_unknown")
    with pytest.raises(ProviderRefused):
        await side.provider.read_payment(NORD, "pi_unknown")


# Money that is promised first


@pytest.mark.parametrize(
    ("amount", "currency"), [(83_900, "EUR"), (83_900, "JPY"), (1_234_560, "KWD"), (83_900, "ISK")]
)
async def test_a_manual_session_only_authorizes_and_is_captured_in_full(side: Side, amount: int, currency: str) -> None:
    session = await side.provider.open_session(an_order(amount=amount, currency=currency, manual_capture=True))
    await side.pay(session)
    held = await _payment(side, session)
    assert (held.status, held.promise, held.amount) == (PaymentStatus.PENDING, Promise.AUTHORIZED, amount)
    assert held.captured_at is None
    captured = await side.provider.capture_payment(_capture(held))
    assert (captured.status, captured.promise, captured.amount) == (PaymentStatus.COLLECTED, None, amount)
    assert (captured.currency, captured.reference) == (currency, held.reference)
    assert captured.captured_at is not None
    assert await side.provider.read_payment(NORD, held.reference) == captured


async def test_a_part_is_captured_once_however_often_and_however_fast_it_is_asked_for(side: Side) -> None:
    held = await _authorized(side)
    order = _capture(held, amount=50_000)
    answers = await asyncio.gather(*(_until_available(lambda: side.provider.capture_payment(order)) for _ in range(3)))
    assert {(answer.status, answer.amount) for answer in answers} == {(PaymentStatus.COLLECTED, 50_000)}
    rest = replace(order, amount=33_900, idempotency_key="another")
    assert (await side.provider.capture_payment(rest)).amount == 50_000, "the rest was released"


async def test_more_than_was_authorized_is_refused_and_the_authorization_stands(side: Side) -> None:
    held = await _authorized(side)
    with pytest.raises(ProviderRefused):
        await side.provider.capture_payment(_capture(held, amount=held.amount + 1))
    assert (await side.provider.read_payment(NORD, held.reference)).promise is Promise.AUTHORIZED


async def test_a_released_authorization_is_read_back_as_canceled_and_takes_no_capture(side: Side) -> None:
    held = await _authorized(side)
    for _ in range(2):
        released = await side.provider.cancel_payment(NORD, held.reference)
        assert (released.status, released.promise) == (PaymentStatus.CANCELED, None)
    assert (await side.provider.capture_payment(_capture(held))).status is PaymentStatus.CANCELED


async def test_what_is_captured_is_not_released_but_reported(side: Side) -> None:
    held = await _authorized(side)
    captured = await side.provider.capture_payment(_capture(held))
    assert await side.provider.cancel_payment(NORD, held.reference) == captured


async def test_an_ordered_transfer_is_on_its_way_and_cannot_be_called_back(side: Side) -> None:
    session = await side.provider.open_session(an_order(delayed_methods=(DelayedMethod.SEPA_DEBIT,)))
    await side.order_transfer(session)
    report = await side.provider.read_session(NORD, session.session_id)
    assert report.status is SessionStatus.COMPLETE
    assert report.payment is not None
    assert (report.payment.status, report.payment.promise) == (PaymentStatus.PENDING, Promise.DELAYED)
    assert await side.provider.cancel_payment(NORD, report.payment.reference) == report.payment


async def test_another_merchants_payment_is_neither_captured_nor_released(side: Side) -> None:
    held = await _authorized(side, merchant_id=SUED)
    with pytest.raises(ProviderRefused):
        await side.provider.capture_payment(_capture(held))
    with pytest.raises(ProviderRefused):
        await side.provider.cancel_payment(NORD, held.reference)


async def _authorized(side: Side, merchant_id: str = NORD) -> PaymentReport:
    session = await side.provider.open_session(an_order(merchant_id=merchant_id, manual_capture=True))
    await side.pay(session)
    report = await side.provider.read_session(merchant_id, session.session_id)
    assert report.payment is not None
    return report.payment


def _capture(held: PaymentReport, *, amount: int | None = None) -> CaptureOrder:
    wanted = held.amount if amount is None else amount
    return CaptureOrder(
        merchant_id=NORD,
        payment_reference=held.reference,
        amount=wanted,
        currency=held.currency,
        idempotency_key=f"{held.reference}:capture:{wanted}",
    )


async def _payment(side: Side, session: OpenedSession) -> PaymentReport:
    report = await side.provider.read_session(NORD, session.session_id)
    assert report.payment is not None
    return report.payment


# What only happens at Stripe


async def test_a_merchant_without_an_account_is_refused(stripe: Stripe) -> None:
    with pytest.raises(ProviderRefused):
        await stripe.provider.open_session(an_order(merchant_id="nobody"))


@pytest.mark.parametrize(("amount", "currency"), [(1, "EUR"), (1_234_567, "KWD"), (83_950, "CLF")])
async def test_an_amount_that_stripe_cannot_charge_is_refused(stripe: Stripe, amount: int, currency: str) -> None:
    with pytest.raises(ProviderRefused):
        await stripe.provider.open_session(an_order(amount=amount, currency=currency))


async def test_a_link_that_lives_too_short_or_too_long_for_a_session_is_refused(stripe: Stripe) -> None:
    for lifetime in (timedelta(minutes=20), timedelta(hours=25)):
        with pytest.raises(ProviderRefused):
            await stripe.provider.open_session(replace(an_order(), expires_at=datetime.now(UTC) + lifetime))


async def test_fee_and_net_are_unknown_at_first_and_add_up_once_stripe_has_booked_the_charge(stripe: Stripe) -> None:
    session = await stripe.provider.open_session(an_order())
    await stripe.fault(timing={"balance_seconds": 3600})
    await stripe.pay(session)
    fresh = await _payment(stripe, session)
    assert (fresh.status, fresh.fee, fresh.net) == (PaymentStatus.COLLECTED, None, None)
    await stripe.move_clock(timedelta(hours=1))
    booked = await _payment(stripe, session)
    assert booked.fee is not None
    assert booked.net is not None
    assert booked.fee > 0
    assert booked.fee + booked.net == booked.amount == fresh.amount


async def test_other_money_than_was_agreed_is_reported_as_it_came(stripe: Stripe) -> None:
    await stripe.fault(money={"capture_difference": -100, "capture_currency": "usd"})
    session = await stripe.provider.open_session(an_order())
    await stripe.pay(session)
    payment = await _payment(stripe, session)
    assert (payment.amount, payment.currency, payment.status) == (83_800, "USD", PaymentStatus.COLLECTED)


async def test_a_session_whose_time_is_over_is_expired_without_our_doing(stripe: Stripe) -> None:
    session = await stripe.provider.open_session(an_order())
    await stripe.move_clock(timedelta(hours=3))
    assert (await stripe.provider.read_session(NORD, session.session_id)).status is SessionStatus.EXPIRED


async def test_an_authorization_says_until_when_and_is_reported_as_lapsed_after_that(stripe: Stripe) -> None:
    held = await _authorized(stripe)
    assert held.capture_before is not None
    assert abs(held.capture_before - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)
    await stripe.move_clock(timedelta(days=7, seconds=1))
    lapsed = await stripe.provider.capture_payment(_capture(held))
    assert (lapsed.status, lapsed.promise, lapsed.capture_before) == (PaymentStatus.EXPIRED, None, None)
    assert lapsed.failure == "expired"


async def test_an_authorization_is_captured_once_though_stripe_has_forgotten_the_key(stripe: Stripe) -> None:
    held = await _authorized(stripe)
    order = _capture(held, amount=50_000)
    await stripe.provider.capture_payment(order)
    await stripe.move_clock(timedelta(hours=25))
    assert (await stripe.provider.capture_payment(order)).amount == 50_000


@pytest.mark.parametrize("paid", [True, False])
async def test_a_transfer_is_decided_days_later(stripe: Stripe, paid: bool) -> None:
    await stripe.fault(timing={"delayed_method_seconds": 3 * 24 * 3600})
    session = await stripe.provider.open_session(an_order(delayed_methods=(DelayedMethod.SEPA_DEBIT,)))
    await stripe._press(session, "delayed_succeed" if paid else "delayed_fail")
    await stripe.move_clock(timedelta(days=3, seconds=1))
    decided = await _payment(stripe, session)
    assert (decided.status, decided.promise) == (PaymentStatus.COLLECTED if paid else PaymentStatus.FAILED, None)
    assert (decided.failure is None) is paid
    assert decided.method == "sepa_debit"


@pytest.mark.parametrize(
    ("currency", "manual", "offered"),
    [("EUR", False, ["card", "sepa_debit"]), ("JPY", False, ["card", "konbini"]), ("CHF", False, ["card"]),
     ("EUR", True, ["card"])],
)  # fmt: skip
async def test_delayed_methods_are_offered_where_they_go_with_currency_and_capture(
    stripe: Stripe, currency: str, manual: bool, offered: list[str]
) -> None:
    methods = (DelayedMethod.SEPA_DEBIT, DelayedMethod.KONBINI)
    await stripe.provider.open_session(an_order(currency=currency, manual_capture=manual, delayed_methods=methods))
    (asked,) = await stripe.asked()
    assert asked["params"]["payment_method_types"] == offered


async def test_no_delayed_method_is_offered_unless_the_merchant_opted_in(stripe: Stripe) -> None:
    await stripe.provider.open_session(an_order())
    (asked,) = await stripe.asked()
    assert asked["params"]["payment_method_types"] == ["card"]
    assert "capture_method" not in asked["params"]["payment_intent_data"]


@pytest.mark.parametrize("outcome", ["sca_fail", "sca_abandon"])
async def test_a_customer_who_is_not_authenticated_has_promised_nothing(stripe: Stripe, outcome: str) -> None:
    session = await stripe.provider.open_session(an_order())
    await stripe._press(session, outcome)
    report = await stripe.provider.read_session(NORD, session.session_id)
    assert report.status is SessionStatus.OPEN
    assert report.payment is not None
    assert report.payment.promise is None
    failed = outcome == "sca_fail"
    assert report.payment.status is (PaymentStatus.FAILED if failed else PaymentStatus.PENDING)
    assert report.payment.failure == ("payment_intent_authentication_failure" if failed else None)
    ended = await stripe.provider.expire_session(NORD, session.session_id)
    assert ended.payment is not None
    assert ended.payment.status is (PaymentStatus.CANCELED)


async def test_the_customers_address_and_language_go_along_and_no_card_is_ever_asked_by_us(stripe: Stripe) -> None:
    order = an_order()
    await stripe.provider.open_session(order)
    (asked,) = await stripe.asked()
    sent = asked["params"]
    assert (sent["customer_email"], sent["locale"]) == ("jana@example.org", "de")
    assert sent["payment_intent_data"]["metadata"] == sent["metadata"]
    assert sent["metadata"]["quittance_checkout"] == order.checkout_id
    assert sent["success_url"] == f"{order.return_url}?session={{CHECKOUT_SESSION_ID}}"


FAULTS = [
    "500", "500_after", "503", "409", "429", "timeout_before", "timeout_after", "reset_before", "reset_after",
]  # fmt: skip


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_on_the_way_repeating_the_call_ends_in_one_session(
    stripe: Stripe, fault: str, times: int
) -> None:
    await stripe.fault(http=[{"operation": "create", "do": fault, "times": times, "seconds": 1.5}])
    order = an_order()
    session = await _until_available(lambda: stripe.provider.open_session(order))
    assert (await stripe.provider.read_session(NORD, session.session_id)).status is SessionStatus.OPEN
    assert await stripe.provider.open_session(order) == session
    listed = await stripe.browser.get("/v1/checkout/sessions", headers={"Authorization": "Bearer sk_test_nord"})
    assert [found["id"] for found in listed.json()["data"]] == [session.session_id]


@pytest.mark.parametrize("fault", ["500", "503", "409", "429", "timeout_before", "reset_before"])
@pytest.mark.parametrize("operation", ["read", "expire"])
async def test_whatever_fails_on_the_way_is_for_later_and_never_a_refusal(
    stripe: Stripe, operation: str, fault: str
) -> None:
    session = await stripe.provider.open_session(an_order())
    await stripe.fault(http=[{"operation": operation, "do": fault, "times": 3, "seconds": 1.5}])
    ask = stripe.provider.read_session if operation == "read" else stripe.provider.expire_session
    report = await _until_available(lambda: ask(NORD, session.session_id))
    assert report.status is (SessionStatus.OPEN if operation == "read" else SessionStatus.EXPIRED)


async def _until_available(call: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat as a run does, until the provider answers; give up after some times."""
    for _ in range(6):
        try:
            return await call()
        except ProviderUnavailable:
            continue
    raise AssertionError("the provider stayed unavailable")
