"""Strict rounding leaves cents beside basis and tax (BT-114): deposits and credit notes take them along."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.postgres.merchants import PostgresMerchants
from domain.cart import TaxRounding
from domain.corrections import LineCredit, RefusalKind
from domain.steps import Entry, OfInvoice
from domain.tax_settings import TaxSettings
from tests.audits import findings
from tests.checkout_bodies import good_body
from tests.clerk import Clerk, a_request, captured, of_checkout, of_invoice
from tests.conservation import assert_money_is_conserved
from tests.fakes.merchants import NORDWERK
from tests.integration.test_corrections import cancel, credit, document, rows

ROUNDED = (("838.92", 1), ("838.99", 0), ("838.98", -1))
"""Prices at 19 %, and the cents that strict rounding leaves over."""


@pytest.fixture
async def strict(clerk: Clerk) -> AsyncIterator[Clerk]:
    """A clerk whose merchant rounds strictly; at the end money is conserved, and the series are sound."""
    await rounding(clerk, TaxRounding.STRICT)
    yield clerk
    await assert_money_is_conserved(clerk.engine)
    assert await findings(clerk) == []


async def rounding(clerk: Clerk, how: TaxRounding) -> None:
    """The merchant changes how tax is rounded."""
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, tax=TaxSettings(rounding=how)))


async def sold(clerk: Clerk, *prices: str, **changes: Any) -> tuple[Entry, OfInvoice]:
    """A paid and invoiced checkout with a line of each price."""
    [line] = good_body()["lines"]
    lines = [line | {"unit_price": price} for price in prices]
    request = a_request(**({"lines": lines, "discounts": [], "total": None} | changes))
    entry = await clerk.open(request=request)
    await clerk.find(entry, captured(entry, amount=entry.amount))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)
    return entry, of_invoice(entry, await clerk.bill(entry))


async def key_of(clerk: Clerk, entry: Entry) -> str:
    [row] = await rows(clerk, f"SELECT assignment_key FROM entries WHERE id = '{entry.entry_id}'")
    return str(row["assignment_key"])


@pytest.mark.parametrize(("price", "left_over"), ROUNDED)
@pytest.mark.parametrize("later", TaxRounding)
async def test_final_invoice_deducts_what_was_paid_for_the_deposit_however_it_was_rounded(
    strict: Clerk, price: str, left_over: int, later: TaxRounding
) -> None:
    deposit, step = await sold(strict, price, document="deposit")
    assert (await strict.invoices.invoice(step)).cart.totals.rounding == left_over
    await rounding(strict, later)

    entry, final = await sold(strict, "1000.00", deducts=(await key_of(strict, deposit),))

    invoice = await strict.invoices.invoice(final)
    [deduction] = invoice.particulars.deductions
    assert (deduction.amount, deduction.rounding) == (deposit.amount, left_over)
    assert entry.amount == 100_000 - deposit.amount
    assert (invoice.paid_total, invoice.due) == (100_000, 0)
    assert sum(row["assigned"] for row in await rows(strict, "SELECT assigned FROM payments")) == 100_000
    booked = "SELECT role, sum(amount) FROM booking_lines GROUP BY role HAVING sum(amount) <> 0"
    left = {row["role"]: int(row["sum"]) for row in await rows(strict, booked)}
    assert left.get("rounding", 0) == -invoice.cart.totals.rounding, "the deposit's own is taken back"
    assert "deposits" not in left


async def test_canceled_final_invoice_sets_a_rounded_deposit_free_again(strict: Clerk) -> None:
    deposit, _ = await sold(strict, "838.92", document="deposit")
    key = await key_of(strict, deposit)
    _, final = await sold(strict, "1000.00", deducts=(key,))

    await cancel(strict, final)

    again, _ = await sold(strict, "1000.00", deducts=(key,))
    assert again.amount == 100_000 - deposit.amount


async def test_deposit_credited_by_its_lines_leaves_no_cent_to_deduct(strict: Clerk) -> None:
    _, step = await sold(strict, "838.92", document="deposit")

    note = await document(strict, await credit(strict, step, lines=(LineCredit(position=1),)))

    original = await strict.invoices.invoice(step)
    assert note.cart.subtotals == original.cart.subtotals
    assert note.cart.totals.rounding == original.cart.totals.rounding == 1
    nothing = await credit(strict, step)
    assert nothing.refusal is not None
    assert nothing.refusal.kind is RefusalKind.NOT_CORRECTABLE


@pytest.mark.parametrize(("price", "left_over"), ROUNDED)
async def test_invoice_credited_line_by_line_is_credited_to_the_cent_of_its_rounding(
    strict: Clerk, price: str, left_over: int
) -> None:
    _, step = await sold(strict, price, "0.00", price)
    original = await strict.invoices.invoice(step)

    notes = [
        await document(strict, await credit(strict, step, lines=(LineCredit(position=position),)))
        for position in (1, 3)
    ]

    assert [note.cart.totals.payable for note in notes] == [original.cart.totals.payable // 2] * 2
    assert [note.cart.totals.rounding for note in notes] == [left_over] * 2
    assert (await credit(strict, step, key=secrets.token_hex(4))).refusal is not None
    assert await rows(strict, "SELECT initial + reductions AS owed, assigned FROM entries") == [
        {"owed": 0, "assigned": 0}
    ]
    [payment] = await rows(strict, "SELECT captured, available FROM payments")
    assert payment["available"] == payment["captured"]
