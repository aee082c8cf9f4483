"""Disputes and payouts at the provider: what the Stripe adapter promises on the stand-in, and the fake too."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from adapters.stripe.provider import StripeProvider
from domain.disputes import DisputeStatus
from domain.errors import ProviderRefused
from domain.payments import SessionOrder
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.ports import PaymentProvider
from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running
from tests.fakes.provider import FakeProvider
from tests.house import eventually


class Market(Protocol):
    """A provider, and everybody around it."""

    @property
    def provider(self) -> PaymentProvider:
        """The provider."""

    async def paid(self, order: SessionOrder) -> str:
        """The customer pays; answers the payment's reference."""

    async def dispute(self, payment: str, amount: int | None = None) -> str:
        """The customer's bank takes money back; answers the dispute's reference."""

    async def decide(self, dispute: str, *, won: bool) -> None:
        """The bank decides."""

    async def pay_out(self, currency: str) -> str:
        """The provider transfers what it holds; answers the payout's reference."""


@dataclass
class Fake:
    """The fake."""

    provider: FakeProvider

    async def paid(self, order: SessionOrder) -> str:
        return self.provider.pay((await self.provider.open_session(order)).session_id)

    async def dispute(self, payment: str, amount: int | None = None) -> str:
        sessions = (
            name for name, one in self.provider.reports.items() if one.payment and one.payment.reference == payment
        )
        return self.provider.dispute(next(sessions), amount=amount, due=datetime.now(UTC) + timedelta(days=7))

    async def decide(self, dispute: str, *, won: bool) -> None:
        self.provider.close_dispute(dispute, DisputeStatus.WON if won else DisputeStatus.LOST)

    async def pay_out(self, currency: str) -> str:
        return self.provider.pay_out("meridian", currency)


@dataclass
class Stripe:
    """The adapter, on the stand-in."""

    provider: StripeProvider
    box: httpx.AsyncClient

    async def paid(self, order: SessionOrder) -> str:
        opened = await self.provider.open_session(order)
        await self.sandbox(f"sessions/{opened.session_id}/pay", outcome="succeed")
        report = await self.provider.read_session("meridian", opened.session_id)
        assert report.payment is not None
        return report.payment.reference

    async def dispute(self, payment: str, amount: int | None = None) -> str:
        reference: str = (await self.sandbox("disputes", payment=payment, amount=amount))["id"]
        return reference

    async def decide(self, dispute: str, *, won: bool) -> None:
        await self.sandbox(f"disputes/{dispute}/close", outcome="won" if won else "lost")

    async def pay_out(self, currency: str) -> str:
        await self.sandbox("clock", advance_seconds=60)
        reference: str = (await self.sandbox("payouts", currency=currency.lower()))["id"]
        return reference

    async def sandbox(self, path: str, **body: Any) -> Any:
        """Something only a sandbox has."""
        answer = await self.box.post(f"/_sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
async def on_stripe(tmp_path: Path) -> AsyncIterator[Stripe]:
    account = StripeAccount(api_key="sk_test_meridian", endpoints=())
    async with running(tmp_path / "stripe.db", [account]) as url, httpx.AsyncClient(base_url=url) as box:
        provider = StripeProvider({"meridian": "sk_test_meridian"}, api_base=url, timeout=5.0)
        yield Stripe(provider, box)
        await provider.close()


@pytest.fixture(params=["fake", "stripe"])
def market(request: pytest.FixtureRequest) -> Market:
    if request.param == "fake":
        return Fake(FakeProvider())
    found: Stripe = request.getfixturevalue("on_stripe")
    return found


def an_order(amount: int = 83_900, currency: str = "EUR") -> SessionOrder:
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


async def test_dispute_names_its_payment_our_checkout_the_money_and_the_deadline(market: Market) -> None:
    order = an_order()
    payment = await market.paid(order)

    report = await market.provider.read_dispute("meridian", await market.dispute(payment))

    assert report.payment_reference == payment
    assert report.checkout_id == order.checkout_id
    assert (report.status, report.amount, report.currency) == (DisputeStatus.OPENED, 83_900, "EUR")
    assert report.withdrawn
    assert report.fee == 2000
    assert report.evidence_due_at is not None
    assert report.evidence_due_at > datetime.now(UTC) + timedelta(days=5)


@pytest.mark.parametrize(("amount", "currency"), [(500, "JPY"), (12_340, "KWD"), (700, "UGX")])
async def test_disputed_part_is_told_in_iso_minor_units(on_stripe: Stripe, amount: int, currency: str) -> None:
    payment = await on_stripe.paid(an_order(amount, currency))

    report = await on_stripe.provider.read_dispute("meridian", await on_stripe.dispute(payment))

    assert (report.amount, report.currency) == (amount, currency)


async def test_part_of_a_payment_can_be_disputed(market: Market) -> None:
    payment = await market.paid(an_order())

    report = await market.provider.read_dispute("meridian", await market.dispute(payment, 1000))

    assert report.amount == 1000


@pytest.mark.parametrize(("won", "status"), [(True, DisputeStatus.WON), (False, DisputeStatus.LOST)])
async def test_decided_dispute_says_who_has_the_money(market: Market, won: bool, status: DisputeStatus) -> None:
    reference = await market.dispute(await market.paid(an_order()))
    await market.decide(reference, won=won)

    report = await market.provider.read_dispute("meridian", reference)

    assert report.status is status
    assert report.withdrawn is not won


async def test_unknown_disputes_and_payouts_are_refused_for_good(market: Market) -> None:
    with pytest.raises(ProviderRefused):
        await market.provider.read_dispute("meridian", "du_unknown")
    with pytest.raises(ProviderRefused):
        await market.provider.read_payout("meridian", "po_unknown")


async def test_payout_lists_what_it_consists_of_and_adds_up(market: Market) -> None:
    kept, lost = await market.paid(an_order(50_000)), await market.paid(an_order(20_000))
    dispute = await market.dispute(lost)

    report = await market.provider.read_payout("meridian", await market.pay_out("EUR"))

    assert (report.status, report.currency, report.itemized, report.manual) == (PayoutStatus.PAID, "EUR", True, False)
    assert report.items_total == report.amount
    assert {(item.kind, item.source, item.amount) for item in report.items} == {
        (PayoutItemKind.CHARGE, kept, 50_000),
        (PayoutItemKind.CHARGE, lost, 20_000),
        (PayoutItemKind.DISPUTE, dispute, -20_000),
    }


async def test_money_of_another_currency_is_not_in_the_payout(market: Market) -> None:
    await market.paid(an_order(50_000, "USD"))
    mine = await market.paid(an_order(20_000, "CHF"))

    report = await market.provider.read_payout("meridian", await market.pay_out("CHF"))

    assert [item.source for item in report.items] == [mine]


async def test_payout_of_more_items_than_fit_a_page_is_read_whole(on_stripe: Stripe) -> None:
    payments = {await on_stripe.paid(an_order(1000)) for _ in range(103)}

    report = await on_stripe.provider.read_payout("meridian", await on_stripe.pay_out("EUR"))

    assert {item.source for item in report.items} == payments
    assert report.items_total == report.amount


async def test_booked_payment_says_its_fee_its_net_and_when_it_can_be_paid_out(on_stripe: Stripe) -> None:
    payment = await on_stripe.paid(an_order())

    async def booked() -> bool:
        return (await on_stripe.provider.read_payment("meridian", payment)).fee is not None

    await eventually(booked)
    report = await on_stripe.provider.read_payment("meridian", payment)
    assert report.fee is not None
    assert report.net == report.amount - report.fee
    assert report.settlement_currency == "EUR"
    assert report.available_on is not None
    assert report.available_on > datetime.now(UTC).date()
