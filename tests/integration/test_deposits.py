"""Deposits: invoiced before the goods, deducted once by the invoice of the goods, which is about the rest."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from domain.checkout import CheckoutStatus
from domain.errors import InvalidDraft, InvalidInput
from domain.invoices import Invoice, InvoiceKind
from domain.settlement_steps import Obstacle, Settled
from domain.settlements import CancelEntry, Reduce, ReductionKind
from domain.steps import Close, Entry, OfInvoice
from tests.audits import findings
from tests.checkout_bodies import good_body
from tests.clerk import TOTAL, Clerk, a_request, captured, of_checkout, of_invoice
from tests.conservation import assert_money_is_conserved
from tests.integration.test_corrections import cancel, credit
from tests.ledger import a_key, settle

DEPOSIT = 30_000


async def rows(clerk: Clerk, query: str) -> list[dict[str, Any]]:
    """What the books say."""
    async with clerk.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def ordered(clerk: Clerk, **changes: Any) -> Entry:
    """A checkout that was paid, ordered and balanced."""
    entry = await clerk.open(request=a_request(**changes))
    await clerk.find(entry, captured(entry, amount=entry.amount))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)
    return entry


async def deposit(clerk: Clerk) -> tuple[str, OfInvoice]:
    """A paid and invoiced deposit of 300.00: its assignment key, its invoice."""
    [line] = good_body()["lines"]
    entry = await ordered(
        clerk,
        document="deposit",
        lines=[line | {"name": "Anzahlung", "unit_price": "300.00"}],
        discounts=[],
        total=None,
    )
    return entry.assignment_key, of_invoice(entry, await clerk.bill(entry))


async def invoice_of(clerk: Clerk, entry: Entry) -> Invoice:
    return await clerk.invoices.invoice(of_invoice(entry, await clerk.bill(entry)))


async def test_deposit_invoice_has_a_kind_and_a_series_of_its_own(clerk: Clerk) -> None:
    _, step = await deposit(clerk)

    invoice = await clerk.invoices.invoice(step)

    assert (invoice.kind, invoice.number[:3]) == (InvoiceKind.DEPOSIT, "AZ-")
    assert (invoice.cart.totals.grand_total, invoice.due) == (DEPOSIT, 0)


async def test_final_invoice_shows_all_and_is_about_the_rest(clerk: Clerk) -> None:
    key, step = await deposit(clerk)
    paid = await clerk.invoices.invoice(step)

    entry = await ordered(clerk, deducts=(key,))
    final = await invoice_of(clerk, entry)

    assert entry.amount == TOTAL - DEPOSIT
    assert final.cart.totals.grand_total == TOTAL
    [deduction] = final.particulars.deductions
    assert (deduction.document.number, deduction.amount) == (paid.number, DEPOSIT)
    assert deduction.subtotals == paid.cart.subtotals
    assert [payment.amount for payment in final.payments] == [TOTAL - DEPOSIT]
    assert (final.paid_total, final.due) == (TOTAL, 0)
    assert {row["status"] for row in await rows(clerk, "SELECT status FROM invoices")} == {"paid"}
    assert await findings(clerk) == []
    await assert_money_is_conserved(clerk.engine)


async def test_deposit_of_the_whole_price_leaves_nothing_to_pay_and_is_free_again_when_the_invoice_is_canceled(
    clerk: Clerk,
) -> None:
    whole = await ordered(clerk, document="deposit")
    await clerk.bill(whole)

    entry = await clerk.open(request=a_request(deducts=(whole.assignment_key,)))
    standing = await clerk.find(entry)
    await clerk.orders.create_sales_order(of_checkout(entry))
    balance = await clerk.balance(entry)
    final = await invoice_of(clerk, entry)

    assert (entry.amount, standing.covered, balance.balanced) == (0, True, True)
    assert (final.cart.totals.grand_total, final.paid_total, final.due, final.payments) == (TOTAL, TOTAL, 0, ())
    assert {row["status"] for row in await rows(clerk, "SELECT status FROM invoices")} == {"paid"}
    await assert_money_is_conserved(clerk.engine)

    await cancel(clerk, of_invoice(entry, await clerk.bill(entry)))

    again = await clerk.open(request=a_request(deducts=(whole.assignment_key,)))
    assert again.amount == 0
    assert await findings(clerk) == []
    await assert_money_is_conserved(clerk.engine)


async def test_several_deposits_are_deducted_together(clerk: Clerk) -> None:
    keys = [(await deposit(clerk))[0] for _ in range(2)]

    entry = await ordered(clerk, deducts=tuple(keys))
    final = await invoice_of(clerk, entry)

    assert entry.amount == TOTAL - 2 * DEPOSIT
    assert [deduction.amount for deduction in final.particulars.deductions] == [DEPOSIT] * 2


async def test_deposit_is_deducted_once_however_many_want_to(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)

    opened = await asyncio.gather(
        *(clerk.open(request=a_request(deducts=(key,))) for _ in range(10)), return_exceptions=True
    )

    assert len([one for one in opened if isinstance(one, Entry)]) == 1
    refused = [one for one in opened if isinstance(one, InvalidInput)]
    assert len(refused) == 9
    assert {violation.pointer for one in refused for violation in one.violations} == {"/deducts/0"}
    assert len(await rows(clerk, "SELECT * FROM checkouts")) == 2


async def test_opening_again_finds_the_checkout_with_its_deposit(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)
    request = a_request(deducts=(key,))

    first, again = [await clerk.open(request=request) for _ in range(2)]

    assert (again.entry_id, again.amount) == (first.entry_id, TOTAL - DEPOSIT)


async def test_deposit_of_another_merchant_or_of_nobody_is_not_deducted(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)

    for merchant_id, wanted in (("suedwerk", key), ("nordwerk", "nobody")):
        with pytest.raises(InvalidInput, match="/deducts/0"):
            await clerk.open(merchant_id, a_request(deducts=(wanted,)))


async def test_deposit_of_an_unpaid_checkout_is_free_again(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)
    unpaid = await clerk.open(request=a_request(deducts=(key,)))

    await clerk.checkouts.close(
        Close(merchant_id="nordwerk", checkout_id=unpaid.checkout_id, status=CheckoutStatus.EXPIRED)
    )

    assert (await invoice_of(clerk, await ordered(clerk, deducts=(key,)))).due == 0


async def test_deposit_that_was_deducted_elsewhere_meanwhile_takes_no_number(clerk: Clerk) -> None:
    """The checkout expired, another took the deposit, and then the money of the first came after all."""
    key, _ = await deposit(clerk)
    late = await ordered(clerk, deducts=(key,))
    await clerk.checkouts.close(
        Close(merchant_id="nordwerk", checkout_id=late.checkout_id, status=CheckoutStatus.EXPIRED)
    )
    await invoice_of(clerk, await ordered(clerk, deducts=(key,)))

    with pytest.raises(InvalidDraft, match="deducted by another"):
        await clerk.bill(late)
    assert len(await rows(clerk, "SELECT * FROM invoices WHERE kind = 'invoice'")) == 1


async def test_canceled_final_invoice_sets_its_deposit_free(clerk: Clerk) -> None:
    key, step = await deposit(clerk)
    entry = await ordered(clerk, deducts=(key,))
    final = of_invoice(entry, await clerk.bill(entry))
    refused = await cancel(clerk, step)

    canceled = await cancel(clerk, final)

    assert refused.refusal is not None
    assert "cancel that one first" in refused.refusal.detail
    assert canceled.document is not None
    document = await clerk.invoices.invoice(canceled.document)
    assert [deduction.amount for deduction in document.particulars.deductions] == [DEPOSIT]
    assert (await invoice_of(clerk, await ordered(clerk, deducts=(key,)))).due == 0
    await assert_money_is_conserved(clerk.engine)


async def test_deposit_is_not_credited_while_goods_wait_for_their_invoice(clerk: Clerk) -> None:
    key, step = await deposit(clerk)
    entry = await ordered(clerk, deducts=(key,))

    early = await credit(clerk, step, amount="10.00")
    await clerk.bill(entry)
    later = await credit(clerk, step, amount="10.00")

    assert early.refusal is not None
    assert "is not invoiced yet" in early.refusal.detail
    assert later.number is not None


async def reduce(clerk: Clerk, key: str, kind: ReductionKind = ReductionKind.CREDIT) -> Settled:
    """Somebody lowers the deposit's entry by 10.00."""
    wanted = Reduce(key=a_key(), entry_id=await entry_id(clerk, key), amount="10.00", reduction=kind, reason="agreed")
    return await settle(clerk, "nordwerk", wanted)


async def entry_id(clerk: Clerk, key: str) -> str:
    [row] = await rows(clerk, f"SELECT id FROM entries WHERE assignment_key = '{key}'")
    return str(row["id"])


async def cancel_entry(clerk: Clerk, key: str) -> Settled:
    """Somebody cancels the deposit's entry."""
    return await settle(clerk, "nordwerk", CancelEntry(entry_id=await entry_id(clerk, key), reason="given up"))


@pytest.mark.parametrize("act", [reduce, cancel_entry])
async def test_entry_of_a_deposit_is_left_alone_while_goods_wait_for_their_invoice(
    clerk: Clerk, act: Callable[[Clerk, str], Awaitable[Settled]]
) -> None:
    key, step = await deposit(clerk)
    entry = await ordered(clerk, deducts=(key,))

    early = await act(clerk, key)

    assert early.hindrance is not None
    assert early.hindrance.kind is Obstacle.NOT_CORRECTABLE
    number = (await clerk.invoices.invoice(step)).number
    by = entry.assignment_key
    assert early.hindrance.reference == f"{number} is being deducted by {by}, which is not invoiced yet: credit it then"
    assert await rows(clerk, "SELECT id FROM settlements") == []
    assert await rows(clerk, "SELECT id FROM invoices WHERE kind = 'credit_note'") == []
    assert (await invoice_of(clerk, entry)).due == 0

    assert (await act(clerk, key)).hindrance is None
    [note] = await rows(clerk, "SELECT corrects_id FROM invoices WHERE kind = 'credit_note'")
    assert note["corrects_id"] == step.invoice_id
    await assert_money_is_conserved(clerk.engine)


async def test_entry_of_a_deposit_is_free_when_the_checkout_that_deducts_it_comes_to_nothing(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)
    unpaid = await clerk.open(request=a_request(deducts=(key,)))
    refused = await reduce(clerk, key)

    await cancel_entry(clerk, unpaid.assignment_key)

    assert refused.hindrance is not None
    assert (await reduce(clerk, key)).hindrance is None
    assert (await invoice_of(clerk, await ordered(clerk, deducts=(key,)))).due == 0
    await assert_money_is_conserved(clerk.engine)


async def test_write_off_of_a_deposit_changes_nothing_of_what_is_deducted(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)
    entry = await ordered(clerk, deducts=(key,))

    assert (await reduce(clerk, key, ReductionKind.WRITE_OFF)).hindrance is None

    [deduction] = (await invoice_of(clerk, entry)).particulars.deductions
    assert deduction.amount == DEPOSIT
    await assert_money_is_conserved(clerk.engine)


async def test_entry_of_a_deposit_and_a_checkout_that_deducts_it_at_once_agree(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)

    settled, opened = await asyncio.gather(
        reduce(clerk, key), clerk.open(request=a_request(deducts=(key,))), return_exceptions=True
    )

    assert isinstance(settled, Settled)
    assert isinstance(opened, Entry)
    left = DEPOSIT if settled.hindrance is not None else DEPOSIT - 1_000
    assert opened.amount == TOTAL - left
    await clerk.find(opened, captured(opened, amount=opened.amount))
    await clerk.orders.create_sales_order(of_checkout(opened))
    await clerk.balance(opened)
    assert (await invoice_of(clerk, opened)).due == 0


async def test_final_invoice_is_credited_up_to_its_rest(clerk: Clerk) -> None:
    key, _ = await deposit(clerk)
    entry = await ordered(clerk, deducts=(key,))
    final = of_invoice(entry, await clerk.bill(entry))

    beyond = await credit(clerk, final, amount="539.01")
    rest = await credit(clerk, final)

    assert beyond.refusal is not None
    assert "539.00 EUR" in beyond.refusal.violations[0].message
    assert rest.document is not None
    assert (await clerk.invoices.invoice(rest.document)).cart.totals.grand_total == TOTAL - DEPOSIT
    await assert_money_is_conserved(clerk.engine)


async def test_credited_deposit_is_deducted_by_what_is_left_of_it(clerk: Clerk) -> None:
    key, step = await deposit(clerk)
    await credit(clerk, step, amount="100.00", key=secrets.token_hex(4))

    entry = await ordered(clerk, deducts=(key,))
    final = await invoice_of(clerk, entry)

    assert entry.amount == TOTAL - 20_000
    [deduction] = final.particulars.deductions
    assert sum(subtotal.basis + subtotal.tax for subtotal in deduction.subtotals) == 20_000
