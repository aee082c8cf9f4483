"""Refunds at the provider: what the Stripe adapter promises, on the stand-in, and what the fake promises too."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from adapters.stripe.provider import StripeProvider
from domain.errors import ProviderRefused, ProviderUnavailable
from domain.payments import SessionOrder
from domain.ports import PaymentProvider
from domain.refunds import RefundOrder, RefundReport, RefundStatus
from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running
from tests.fakes.provider import FakeProvider


class Market(Protocol):
    """A provider, and the hands of everybody around it."""

    @property
    def provider(self) -> PaymentProvider:
        """The provider."""
        ...

    async def paid(self, amount: int, currency: str) -> str:
        """A captured payment's reference."""
        ...

    async def bounce(self, reference: str) -> None:
        """The customer's bank sends a refund back."""
        ...


@dataclass
class FakeMarket:
    """The fake, with its hands."""

    provider: FakeProvider

    async def paid(self, amount: int, currency: str) -> str:
        opened = await self.provider.open_session(session_order(amount, currency))
        return self.provider.pay(opened.session_id)

    async def bounce(self, reference: str) -> None:
        self.provider.settle_refund(reference, RefundStatus.FAILED, "expired_or_canceled_card")


@dataclass
class StripeMarket:
    """The Stripe adapter on the stand-in."""

    provider: StripeProvider
    box: httpx.AsyncClient

    async def paid(self, amount: int, currency: str) -> str:
        opened = await self.provider.open_session(session_order(amount, currency))
        await self.order(f"sessions/{opened.session_id}/pay", outcome="succeed")
        report = await self.provider.read_session("meridian", opened.session_id)
        assert report.payment is not None
        return report.payment.reference

    async def bounce(self, reference: str) -> None:
        await self.order(f"refunds/{reference}/fail")

    async def order(self, path: str, **body: Any) -> None:
        """Something only a sandbox has."""
        (await self.box.post(f"/_sandbox/{path}", json=body)).raise_for_status()

    async def asked(self, method: str = "POST") -> list[dict[str, Any]]:
        """What was asked of the provider about refunds, oldest first."""
        log = (await self.box.get("/_sandbox/requests")).json()
        return [row for row in log if row["path"] == "/v1/refunds" and row["method"] == method]


def session_order(amount: int, currency: str) -> SessionOrder:
    mark = secrets.token_hex(4)
    return SessionOrder(
        merchant_id="meridian",
        checkout_id=f"chk_{mark}",
        entry_id=f"ent_{mark}",
        idempotency_key=f"chk_{mark}:session:1",
        amount=amount,
        currency=currency,
        title="A desk",
        language="de",
        customer_email="jana@example.org",
        return_url="https://pay.example/return",
        cancel_url="https://pay.example/cancel",
        expires_at=datetime.now(UTC) + timedelta(hours=2),
    )


def order_of(payment: str, amount: int, currency: str = "EUR", refund_id: str = "ref_1") -> RefundOrder:
    return RefundOrder(
        merchant_id="meridian",
        payment_reference=payment,
        amount=amount,
        currency=currency,
        idempotency_key=f"{refund_id}:{payment}",
        refund_id=refund_id,
        checkout_id="chk_1",
    )


@pytest.fixture
async def stripe_market(tmp_path: Path) -> AsyncIterator[StripeMarket]:
    account = StripeAccount(api_key="sk_test_meridian", endpoints=())
    async with running(tmp_path / "stripe.db", [account]) as url, httpx.AsyncClient(base_url=url) as box:
        provider = StripeProvider({"meridian": "sk_test_meridian"}, api_base=url, timeout=2.0)
        yield StripeMarket(provider, box)
        await provider.close()


@pytest.fixture(params=["fake", "stripe_market", pytest.param("live", marks=pytest.mark.stripe_live)])
def market(request: pytest.FixtureRequest) -> Market:
    if request.param == "fake":
        return FakeMarket(FakeProvider())
    found: Market = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(("amount", "currency"), [(83_900, "EUR"), (500, "JPY"), (12_340, "KWD"), (700, "UGX")])
async def test_refund_gives_back_what_was_ordered_in_iso_minor_units(
    market: Market, amount: int, currency: str
) -> None:
    payment = await market.paid(amount, currency)

    report = await market.provider.refund_payment(order_of(payment, amount, currency))

    assert (report.status, report.amount, report.currency) == (RefundStatus.REFUNDED, amount, currency)
    assert (report.refund_id, report.payment_reference) == ("ref_1", payment)
    assert await market.provider.read_refund("meridian", report.reference) == report


async def test_same_order_again_is_the_same_refund(market: Market) -> None:
    payment = await market.paid(1000, "EUR")

    first = await market.provider.refund_payment(order_of(payment, 400))
    again = await market.provider.refund_payment(order_of(payment, 400))
    other = await market.provider.refund_payment(order_of(payment, 600, refund_id="ref_2"))

    assert first == again
    assert other.reference != first.reference


async def test_more_than_is_left_is_refused_for_good(market: Market) -> None:
    payment = await market.paid(1000, "EUR")
    await market.provider.refund_payment(order_of(payment, 400))

    with pytest.raises(ProviderRefused):
        await market.provider.refund_payment(order_of(payment, 601, refund_id="ref_2"))


async def test_refund_of_an_unknown_payment_is_refused_for_good(market: Market) -> None:
    with pytest.raises(ProviderRefused):
        await market.provider.refund_payment(order_of("pi_nobody", 400))


async def test_unknown_refund_is_refused_for_good(market: Market) -> None:
    with pytest.raises(ProviderRefused):
        await market.provider.read_refund("meridian", "re_nobody")


async def test_refund_that_came_back_is_reported_failed_with_the_reason(market: Market) -> None:
    payment = await market.paid(1000, "EUR")
    report = await market.provider.refund_payment(order_of(payment, 400))

    await market.bounce(report.reference)

    now = await market.provider.read_refund("meridian", report.reference)
    assert now == replace(report, status=RefundStatus.FAILED, failure="expired_or_canceled_card")


async def _made(market: StripeMarket, order: RefundOrder) -> RefundReport:
    """What comes of ordering until the provider answers."""
    for _ in range(6):
        try:
            return await market.provider.refund_payment(order)
        except ProviderUnavailable:
            continue
    raise AssertionError("the provider never answered")


@pytest.mark.parametrize("fault", ["500", "500_after", "503", "reset_before", "reset_after", "timeout_after", "429"])
async def test_order_is_one_refund_whatever_happens_on_the_way(stripe_market: StripeMarket, fault: str) -> None:
    payment = await stripe_market.paid(1000, "EUR")
    await stripe_market.order("faults", http=[{"operation": "refund", "do": fault, "times": 1, "seconds": 5}])

    report = await _made(stripe_market, order_of(payment, 400))

    rest = await stripe_market.provider.refund_payment(order_of(payment, 600, refund_id="ref_2"))
    assert (report.amount, rest.amount) == (400, 600)


async def test_order_repeated_after_the_provider_forgot_the_key_is_still_one_refund(
    stripe_market: StripeMarket,
) -> None:
    payment = await stripe_market.paid(1000, "EUR")
    first = await stripe_market.provider.refund_payment(order_of(payment, 400))
    await stripe_market.order("clock", advance_seconds=25 * 3600)

    again = await stripe_market.provider.refund_payment(order_of(payment, 400))

    assert again.reference == first.reference


async def test_refund_carries_our_ids_and_its_id_as_key(stripe_market: StripeMarket) -> None:
    payment = await stripe_market.paid(1000, "EUR")

    await stripe_market.provider.refund_payment(order_of(payment, 400))

    [request] = await stripe_market.asked()
    assert request["idempotency_key"] == f"ref_1:{payment}"
    assert request["params"]["metadata"] == {"quittance_refund": "ref_1", "quittance_checkout": "chk_1"}


async def test_refund_made_in_the_dashboard_has_no_id_of_ours(stripe_market: StripeMarket) -> None:
    payment = await stripe_market.paid(1000, "EUR")
    made = await stripe_market.box.post(
        "/v1/refunds",
        data={"payment_intent": payment, "amount": "300"},
        headers={"Authorization": "Bearer sk_test_meridian"},
    )

    report = await stripe_market.provider.read_refund("meridian", made.json()["id"])

    assert (report.refund_id, report.payment_reference, report.amount) == (None, payment, 300)
