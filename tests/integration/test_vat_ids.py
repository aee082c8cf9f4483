"""What the register says of a buyer's VAT id is kept with the checkout, and what follows from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from temporalio.testing import ActivityEnvironment

from activities.vat_ids import VatIdActivities
from adapters.postgres.cases import PostgresCases
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_tax import VatIdCheckRow
from adapters.postgres.vat_ids import PostgresVatIdBook
from domain.cases import RETRY, STEP_FAILED, DecideCase, NewCase
from domain.checkout import PriceMode
from domain.errors import BrokenRule, InvalidDraft
from domain.reconciliation import Sweep, Swept
from domain.steps import CreateEntry, Entry, Review
from domain.tax_settings import TaxSettings
from domain.vat_ids import INVALID_VAT_ID, InvalidVatIdPolicy, VatEvidence, VatIdStatus
from tests.clerk import Clerk, a_request, captured, of_checkout
from tests.fakes.merchants import NORDWERK
from tests.fakes.vat_register import FakeVatRegister

BUYER = "ATU13585627"
INVALID = VatEvidence(vat_id=BUYER, status=VatIdStatus.INVALID, requester="DE123456788", request_id="WAPI1")


def business_request(**line: Any) -> Any:
    """Goods for a business in Austria, taxed by class."""
    request = a_request(
        prices=PriceMode.NET,
        total=None,
        discounts=[],
        lines=[{"name": "Tisch", "quantity": "1", "unit_price": "100.00"} | (line or {"tax_class": "standard"})],
    )
    address = replace(request.customer.address, country="AT", postal_code="1010", city="Wien")
    return replace(request, customer=replace(request.customer, vat_id=BUYER, address=address))


async def opened(clerk: Clerk, evidence: VatEvidence | None = None, **line: Any) -> Entry:
    return await clerk.checkouts.create_entry(
        CreateEntry(
            merchant_id=NORDWERK.id,
            workflow_id="checkout",
            opened_by="clerk",
            request=business_request(**line),
            vat_evidence=evidence,
        )
    )


async def paid(clerk: Clerk, entry: Entry) -> None:
    await clerk.find(entry, captured(entry, amount=entry.amount))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)


async def kept(clerk: Clerk) -> VatIdCheckRow:
    async with clerk.sessions() as session:
        return (await session.scalars(select(VatIdCheckRow))).one()


async def swept(clerk: Clerk, register: FakeVatRegister, later: timedelta = timedelta(0)) -> Swept:
    step = Sweep(now=datetime.now(UTC) + later, every=timedelta(minutes=5))
    activities = VatIdActivities(PostgresVatIdBook(clerk.sessions), register)
    result: Swept = await ActivityEnvironment().run(activities.ask_again_about_vat_ids, step)
    return result


async def test_a_consumer_has_no_evidence_to_keep(clerk: Clerk) -> None:
    await clerk.open()

    async with clerk.sessions() as session:
        assert (await session.scalars(select(VatIdCheckRow))).all() == []


async def test_nobody_asked_the_register_so_the_sweep_does(clerk: Clerk) -> None:
    entry = await opened(clerk)
    assert (entry.amount, (await kept(clerk)).status) == (10_000, "unverified")

    result = await swept(clerk, FakeVatRegister())

    row = await kept(clerk)
    assert result == Swept(done=1)
    assert (row.status, row.evidence["request_id"], row.relied_on) == ("valid", "FAKE1", True)
    assert await swept(clerk, FakeVatRegister(), timedelta(days=1)) == Swept(), "what is known is not asked again"


async def test_a_silent_register_is_asked_again_later_and_later_and_holds_no_invoice_up(clerk: Clerk) -> None:
    entry, register = await opened(clerk), FakeVatRegister()
    register.down.add(BUYER)

    assert await swept(clerk, register) == Swept(failed=1)
    assert await swept(clerk, register, timedelta(minutes=1)) == Swept()
    assert await swept(clerk, register, timedelta(hours=1)) == Swept(failed=1)
    row = await kept(clerk)
    assert (row.status, row.tries, row.evidence["failure"]) == ("unverified", 2, "MS_UNAVAILABLE")
    await paid(clerk, entry)
    assert (await clerk.bill(entry)).number


async def test_an_id_that_is_none_makes_the_buyer_pay_tax(clerk: Clerk) -> None:
    entry = await opened(clerk, INVALID)

    row = await kept(clerk)
    assert (entry.amount, row.status, row.relied_on) == (11_900, "invalid", False)
    await paid(clerk, entry)
    assert (await clerk.bill(entry)).number


@pytest.mark.parametrize("line", [{}, {"tax_category": "K", "tax_rate": "0"}], ids=["by class", "as the shop stated"])
async def test_an_id_that_is_none_waits_for_a_person_before_the_invoice(clerk: Clerk, line: dict[str, str]) -> None:
    review = TaxSettings(invalid_vat_id=InvalidVatIdPolicy.REVIEW)
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, tax=review))
    entry = await opened(clerk, INVALID, **line)
    assert entry.amount == 10_000
    await paid(clerk, entry)

    with pytest.raises(InvalidDraft) as refused:
        await clerk.bill(entry)

    [broken] = refused.value.broken
    assert (broken.rule, broken.field) == (INVALID_VAT_ID, "/buyer/vat_id")
    await _put_before_a_person(clerk, entry, broken)
    await clerk.checkouts.resume(of_checkout(entry))
    assert (await kept(clerk)).accepted_at is not None
    assert (await clerk.bill(entry)).number


async def test_resuming_for_another_reason_takes_no_responsibility(clerk: Clerk) -> None:
    entry = await opened(clerk, INVALID, tax_category="K", tax_rate="0")
    await paid(clerk, entry)
    await _put_before_a_person(clerk, entry, BrokenRule(rule="BR-CO-15", field="/cart", message="wrong"))
    await clerk.checkouts.resume(of_checkout(entry))

    with pytest.raises(InvalidDraft, match=INVALID_VAT_ID):
        await clerk.bill(entry)


async def test_deciding_the_case_of_late_money_that_named_the_id_takes_responsibility_too(clerk: Clerk) -> None:
    entry = await opened(clerk, INVALID, tax_category="K", tax_rate="0")
    await paid(clerk, entry)
    cases, now = PostgresCases(clerk.sessions), datetime.now(UTC)
    failed = NewCase(
        merchant_id=entry.merchant_id,
        checkout_id=entry.checkout_id,
        fact=f"{STEP_FAILED}:1",
        kind=STEP_FAILED,
        options=(RETRY,),
        data={"rules": [INVALID_VAT_ID]},
        opened_at=now,
    )
    case_id = await cases.open_case(failed)

    await cases.decide(
        DecideCase(merchant_id=entry.merchant_id, case_id=case_id, decision=RETRY, reason="known", by="anna", at=now)
    )

    assert (await clerk.bill(entry)).number


async def test_an_id_found_invalid_after_the_invoice_is_a_case_for_a_person(clerk: Clerk) -> None:
    entry, register = await opened(clerk), FakeVatRegister()
    await paid(clerk, entry)
    await clerk.bill(entry)
    register.unknown.add(BUYER)

    await swept(clerk, register)

    async with clerk.sessions() as session:
        [case] = (await session.scalars(select(CaseRow))).all()
    assert (case.kind, case.checkout_id, case.options) == (INVALID_VAT_ID, entry.checkout_id, ["acknowledge"])
    async with clerk.engine.connect() as connection:
        told = await connection.execute(text("SELECT data FROM events WHERE type = 'checkout.needs_review'"))
        assert [data["reason"] for data in told.scalars()] == [INVALID_VAT_ID]


async def _put_before_a_person(clerk: Clerk, entry: Entry, broken: BrokenRule) -> None:
    await clerk.checkouts.review(
        Review(
            merchant_id=entry.merchant_id,
            checkout_id=entry.checkout_id,
            reason="InvalidDraft",
            options=("resume",),
            problems=(broken,),
        )
    )
