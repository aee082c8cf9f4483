"""Corrections in the books: new documents, never more than was invoiced, and the money has a place."""

import asyncio
import secrets
from typing import Any

import pytest
from sqlalchemy import text

from adapters.postgres.corrections import PostgresCorrectionBook
from domain.corrections import (
    CorrectionRequest,
    IssueCorrection,
    IssuedCorrection,
    LineCredit,
    RefusalKind,
    correction_id,
)
from domain.invoices import Invoice, InvoiceKind
from domain.steps import Entry, OfInvoice
from tests.audits import findings
from tests.clerk import TOTAL, Clerk, of_invoice
from tests.conservation import assert_money_is_conserved


async def rows(clerk: Clerk, query: str) -> list[dict[str, Any]]:
    """What the books say."""
    async with clerk.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def billed(clerk: Clerk) -> tuple[Entry, OfInvoice]:
    """A paid and invoiced checkout of one desk for 849.00, less a discount of 10.00."""
    entry = await clerk.billable()
    return entry, of_invoice(entry, await clerk.bill(entry))


async def correct(clerk: Clerk, invoice: OfInvoice, kind: InvoiceKind, **wanted: Any) -> IssuedCorrection:
    """What comes of a shop's request."""
    key = wanted.pop("key", None) or secrets.token_hex(4)
    request = CorrectionRequest(
        kind=kind, invoice_id=invoice.invoice_id, key=key, reason=wanted.pop("reason", "sent back"), **wanted
    )
    step = IssueCorrection(
        merchant_id=invoice.merchant_id,
        correction_id=correction_id(invoice.merchant_id, key),
        opened_by=secrets.token_hex(4),
        request=request,
    )
    return await PostgresCorrectionBook(clerk.sessions).issue(step)


async def cancel(clerk: Clerk, invoice: OfInvoice, **wanted: Any) -> IssuedCorrection:
    return await correct(clerk, invoice, InvoiceKind.CANCELATION, **wanted)


async def credit(clerk: Clerk, invoice: OfInvoice, **wanted: Any) -> IssuedCorrection:
    return await correct(clerk, invoice, InvoiceKind.CREDIT_NOTE, **wanted)


async def document(clerk: Clerk, issued: IssuedCorrection) -> Invoice:
    """The finalized correction."""
    assert issued.document is not None, issued.refusal
    return await clerk.invoices.invoice(issued.document)


async def test_canceled_invoice_is_taken_back_by_a_document_of_its_own(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    original = await clerk.invoices.invoice(invoice)

    issued = await cancel(clerk, invoice, reason="wrong address")

    taken_back = await document(clerk, issued)
    assert (taken_back.kind, taken_back.number[:3]) == (InvoiceKind.CANCELATION, "ST-")
    assert taken_back.cart == original.cart
    assert taken_back.payments == ()
    assert taken_back.particulars.corrects is not None
    assert taken_back.particulars.corrects.number == original.number
    assert taken_back.particulars.reason == "wrong address"
    assert await clerk.invoices.invoice(invoice) == original
    assert await rows(clerk, "SELECT kind, status FROM invoices ORDER BY finalized_at") == [
        {"kind": "invoice", "status": "canceled"},
        {"kind": "cancelation", "status": "settled"},
    ]
    assert await findings(clerk) == []


async def test_cancelation_cancels_the_entry_and_sets_its_money_free(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)

    issued = await cancel(clerk, invoice)

    assert issued.loose_in
    assert await rows(clerk, "SELECT status, assigned FROM entries") == [{"status": "canceled", "assigned": 0}]
    assert await rows(clerk, "SELECT assigned, available FROM payments") == [{"assigned": 0, "available": TOTAL}]
    await assert_money_is_conserved(clerk.engine)


async def test_order_of_a_canceled_invoice_can_be_billed_again_and_canceled_again(clerk: Clerk) -> None:
    entry, invoice = await billed(clerk)
    await cancel(clerk, invoice)

    again = of_invoice(entry, await clerk.bill(entry))
    await cancel(clerk, again)

    assert await rows(clerk, "SELECT kind, status FROM invoices ORDER BY finalized_at") == [
        {"kind": kind, "status": status} for kind, status in [("invoice", "canceled"), ("cancelation", "settled")] * 2
    ]


async def test_the_same_key_is_one_correction_however_often_it_is_asked_for(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)

    asked = await asyncio.gather(*(credit(clerk, invoice, key="c-1", amount="10.00") for _ in range(10)))

    assert len({issued.number for issued in asked}) == 1
    assert len({issued.opened_by for issued in asked}) == 1
    assert len(await rows(clerk, "SELECT * FROM invoices WHERE kind = 'credit_note'")) == 1


async def test_credit_note_by_line_copies_words_and_tax_and_lessens_what_is_owed(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)

    issued = await credit(clerk, invoice, lines=(LineCredit(position=1, amount="39.00"),), reason="a scratch")

    note = await document(clerk, issued)
    [line] = note.cart.lines
    [sold] = (await clerk.invoices.invoice(invoice)).cart.lines
    assert (line.name, line.sku, line.tax_rate) == (sold.name, sold.sku, sold.tax_rate)
    assert note.cart.totals.grand_total == 3_900
    assert note.particulars.reason == "a scratch"
    assert issued.loose_in
    assert await rows(clerk, "SELECT status, reductions, assigned FROM entries") == [
        {"status": "balanced", "reductions": -3_900, "assigned": TOTAL - 3_900}
    ]
    assert await rows(clerk, "SELECT available FROM payments") == [{"available": 3_900}]
    assert await rows(clerk, "SELECT status FROM invoices WHERE kind = 'invoice'") == [{"status": "paid"}]
    await assert_money_is_conserved(clerk.engine)


async def test_credit_of_all_that_is_left_takes_the_rest(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    await credit(clerk, invoice, amount="100.00")

    rest = await document(clerk, await credit(clerk, invoice))

    assert rest.cart.totals.grand_total == TOTAL - 10_000
    nothing = await credit(clerk, invoice)
    assert nothing.refusal is not None
    assert nothing.refusal.kind is RefusalKind.NOT_CORRECTABLE
    assert "credited in full" in nothing.refusal.detail


@pytest.mark.parametrize(
    "wanted", [{"amount": "100.00"}, {"lines": (LineCredit(position=1, amount="100.00"),)}], ids=["amount", "line"]
)
async def test_twenty_credit_notes_at_once_stay_within_the_invoice(clerk: Clerk, wanted: dict[str, Any]) -> None:
    _, invoice = await billed(clerk)

    asked = await asyncio.gather(*(credit(clerk, invoice, **wanted) for _ in range(20)))

    refused = [issued.refusal for issued in asked if issued.refusal is not None]
    assert len(refused) == 12
    assert {refusal.kind for refusal in refused} == {RefusalKind.INVALID}
    notes = await rows(clerk, "SELECT sequence, grand_total FROM invoices WHERE kind = 'credit_note' ORDER BY sequence")
    assert [(note["sequence"], note["grand_total"]) for note in notes] == [(n, 10_000) for n in range(1, 9)]
    await assert_money_is_conserved(clerk.engine)
    assert await findings(clerk) == []


async def test_invoice_with_credit_notes_is_credited_by_the_rest_instead_of_canceled(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    await credit(clerk, invoice, amount="39.00")

    refused = await cancel(clerk, invoice)

    assert refused.refusal is not None
    assert "credit the rest, 800.00 EUR" in refused.refusal.detail
    assert await rows(clerk, "SELECT status FROM invoices WHERE kind = 'invoice'") == [{"status": "paid"}]


async def test_what_is_no_invoice_in_force_is_not_corrected(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    issued = await cancel(clerk, invoice)
    assert issued.document is not None

    for target, words in ((invoice, "canceled already"), (issued.document, "only invoices and deposit invoices")):
        for attempt in (cancel, credit):
            refused = await attempt(clerk, target)
            assert refused.refusal is not None
            assert words in refused.refusal.detail
    assert len(await rows(clerk, "SELECT * FROM invoices")) == 2


async def test_another_merchants_invoice_does_not_exist(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    stranger = OfInvoice(merchant_id="suedwerk", invoice_id=invoice.invoice_id)

    refused = await cancel(clerk, stranger)

    assert refused.refusal is not None
    assert refused.refusal.kind is RefusalKind.NO_INVOICE


async def test_refused_correction_leaves_no_gap_in_its_series(clerk: Clerk) -> None:
    _, invoice = await billed(clerk)
    await credit(clerk, invoice, amount="839.01")
    await credit(clerk, invoice, lines=(LineCredit(position=7),))

    note = await document(clerk, await credit(clerk, invoice, amount="1.00"))

    assert note.number.endswith("-000001")
