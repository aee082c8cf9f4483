"""A draft that breaks a rule takes no number, on a real database; and what it takes with it is what was sold."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text

from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, today
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.tables import InvoiceRow, SeriesRow
from domain.assignment import EntryShare
from domain.cart import PricedCart, TaxRounding
from domain.checkout import PriceMode
from domain.errors import InvalidDraft
from domain.invoices import Invoice, InvoiceStatus
from domain.tax_settings import TaxSettings
from tests.carts import SELLER
from tests.clerk import Clerk, a_request, captured, of_checkout, of_invoice
from tests.draft_mutations import MUTATIONS, broken_draft
from tests.fakes.merchants import NORDWERK

SELLING = replace(NORDWERK, seller=SELLER)
_NOWHERE = Ties(orders=("ord",), entries=(EntryShare(entry_id="ent", amount=1),))
_BY_TODAY = {"paid-in-past"}
"""What is wrong on the day the table's drafts are of, but not for ever."""


async def test_no_mistake_of_the_table_moves_a_series(clerk: Clerk) -> None:
    first = await clerk.bill(await clerk.billable())
    refused = 0
    for mutation in MUTATIONS:
        if mutation.rule in _BY_TODAY:
            continue
        with pytest.raises(InvalidDraft) as found:
            async with clerk.sessions.begin() as session:
                await finalize(session, SELLING, broken_draft(mutation), _NOWHERE, InvoiceStatus.PAID)
        assert mutation.rule in {broken.rule for broken in found.value.broken}, mutation.name
        refused += 1

    async with clerk.sessions() as session:
        series = (await session.scalars(select(SeriesRow))).all()
        invoices = await session.scalar(select(func.count()).select_from(InvoiceRow))
    second = await clerk.bill(await clerk.billable())

    assert refused >= 40
    assert [(row.kind, row.last_number) for row in series] == [("invoice", 1)]
    assert invoices == 1
    assert (first.number[-6:], second.number[-6:]) == ("000001", "000002")


async def test_an_order_that_was_changed_behind_our_back_takes_no_number(clerk: Clerk) -> None:
    entry = await clerk.billable()
    async with clerk.engine.begin() as connection:
        await connection.execute(text("UPDATE order_lines SET unit_price = unit_price + 0.01"))

    with pytest.raises(InvalidDraft, match="order-total /cart/totals"):
        await clerk.bill(entry)
    async with clerk.sessions() as session:
        assert (await session.scalars(select(SeriesRow))).all() == []


FULL: dict[str, Any] = {
    "total": None,
    "lines": [
        {
            "name": "Schrauben",
            "quantity": "2.5",
            "unit": "KGM",
            "unit_price": "3.123456",
            "tax_rate": "19",
            "discounts": [{"name": "Menge", "amount": "0.31"}],
            "charges": [{"name": "Dose", "amount": "0.50"}],
        },
        {"name": "Kurs", "quantity": "1", "unit_price": "80", "tax_category": "E", "exemption_code": "VATEX-EU-132-1I"},
    ],
    "discounts": [{"name": "Sommer", "amount": "5.00"}],
    "charges": [{"name": "Versand", "amount": "4.90", "tax_class": "reduced"}],
}


@pytest.mark.parametrize("prices", PriceMode)
@pytest.mark.parametrize("rounding", TaxRounding)
async def test_the_invoice_says_what_was_sold_with_every_discount_charge_and_reason(
    clerk: Clerk, prices: PriceMode, rounding: TaxRounding
) -> None:
    merchant = replace(NORDWERK, tax=TaxSettings(rounding=rounding))
    await PostgresMerchants(clerk.sessions).save(merchant)
    entry = await clerk.open(request=a_request(**FULL, prices=prices))
    await clerk.find(entry, captured(entry, amount=entry.amount))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)
    await PostgresMerchants(clerk.sessions).save(NORDWERK)  # a later setting changes nothing that was sold

    invoice = await clerk.invoices.invoice(of_invoice(entry, await clerk.bill(entry)))

    assert _in_order(invoice.cart) == _in_order(await _promised(clerk))
    assert invoice.cart.tax_rounding is rounding
    assert (invoice.cart.totals.payable, invoice.due) == (entry.amount, 0)
    assert [(item.reason, item.charge) for item in invoice.cart.lines[0].adjustments] == [
        ("Menge", False),
        ("Dose", True),
    ]
    assert {item.exemption_code for item in invoice.cart.subtotals} == {None, "VATEX-EU-132-1I"}
    assert [(item.tax_rate, item.tax_rule) for item in invoice.cart.surcharges] == [(Decimal(7), "domestic")]
    assert invoice.cart.lines[0].unit_price == Decimal("3.123456")


def _in_order(cart: PricedCart) -> PricedCart:
    subtotals = sorted(cart.subtotals, key=lambda subtotal: (subtotal.tax_category, subtotal.tax_rate))
    return replace(cart, subtotals=tuple(subtotals))


async def _promised(clerk: Clerk) -> PricedCart:
    """What the customer was shown when he checked out."""
    async with clerk.engine.connect() as connection:
        return from_json(PricedCart, (await connection.execute(text("SELECT cart FROM checkouts"))).scalar_one())


async def test_what_is_still_due_is_payable_on_receipt(clerk: Clerk) -> None:
    entry = await clerk.open(request=a_request())
    await clerk.orders.create_sales_order(of_checkout(entry))

    invoice: Invoice = await clerk.invoices.invoice(of_invoice(entry, await clerk.bill(entry)))

    assert invoice.due == entry.amount
    assert invoice.particulars.due_on == today(NORDWERK)
    assert abs((datetime.now(UTC).date() - invoice.issued_on).days) <= 1
