"""A merchant may have entries balanced only when the provider has said its fee."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.merchants import BalancedWhen
from domain.payments import EventSubject
from tests.house import MERIDIAN, eventually
from tests.workflows.conftest import Run, Stage
from workflows.messages import OpenedLink


@pytest.fixture
async def ordered(stage: Stage) -> tuple[Run, OpenedLink, str]:
    """A paid checkout of a patient merchant, that waits for the fee; its run, link and session."""
    merchants = PostgresMerchants(database.sessions(stage.engine))
    await merchants.save(replace(load(MERIDIAN), balanced_when=BalancedWhen.SETTLED))
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)

    async def waits() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.ORDERED

    await eventually(waits)
    return run, link, session


def settle(stage: Stage, session: str) -> str:
    """The provider books the payment; answers its reference."""
    report = stage.provider.reports[session]
    assert report.payment is not None
    payment = report.payment
    booked = replace(
        payment, fee=150, net=payment.amount - 150, settlement_currency="EUR", available_on=date(2026, 12, 1)
    )
    stage.provider.reports[session] = replace(report, payment=booked)
    return payment.reference


async def test_entry_stays_open_until_the_provider_tells_of_its_fee(
    stage: Stage, ordered: tuple[Run, OpenedLink, str]
) -> None:
    run, link, session = ordered
    seen = await stage.see(link)
    assert seen.entry.status is EntryStatus.OPEN
    assert seen.invoice is None
    reference = settle(stage, session)

    await stage.tell(run, session)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    [payment] = (await stage.see(link)).payments
    assert (payment.provider_reference, payment.fee, payment.settlement_currency) == (reference, 150, "EUR")
    assert payment.available_on == date(2026, 12, 1)
    unapplied = await stage.rows("SELECT event_id FROM provider_events WHERE relevant AND applied_at IS NULL")
    assert unapplied == []


async def test_fee_whose_message_was_lost_is_asked_for(stage: Stage, ordered: tuple[Run, OpenedLink, str]) -> None:
    run, link, session = ordered
    await stage.environment.sleep(timedelta(hours=2))
    assert (await stage.see(link)).status is CheckoutStatus.ORDERED
    settle(stage, session)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).entry.status is EntryStatus.BALANCED


async def test_dispute_while_the_fee_is_awaited_is_put_before_a_person(
    stage: Stage, ordered: tuple[Run, OpenedLink, str]
) -> None:
    run, link, session = ordered
    await stage.hear(EventSubject.DISPUTE, stage.provider.dispute(session))

    async def disputed() -> bool:
        return bool((await stage.see(link)).disputes)

    await eventually(disputed)
    settle(stage, session)
    await stage.tell(run, session)

    async def reviewed() -> bool:
        review = (await stage.see(link)).review
        return review is not None and review.reason == "entry_not_balanced"

    await eventually(reviewed)
