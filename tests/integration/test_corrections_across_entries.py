"""Corrections of invoices that other checkouts' money has paid: it returns to the payment it came from."""

import secrets
from dataclasses import replace

from adapters.postgres.merchants import PostgresMerchants
from domain.late_money import OverpaymentPolicy
from domain.settlements import CreditBalance, Settle
from domain.steps import Entry, OfInvoice
from tests.clerk import TOTAL, Clerk, captured, of_checkout, of_invoice
from tests.conservation import assert_money_is_conserved
from tests.fakes.merchants import NORDWERK
from tests.integration.test_corrections import cancel, credit, rows
from tests.integration.test_settlements import reduce, sort_out, with_credit
from tests.ledger import a_key, ids, settle

OWN = 1
"""What the customer of the other checkout pays himself, in cents."""


async def paid_from_elsewhere(clerk: Clerk, payment: str) -> tuple[Entry, OfInvoice]:
    """An invoiced checkout that a payment of another one has paid, but for a cent."""
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, amount=OWN))
    await settle(clerk, "nordwerk", Settle(key=a_key(), payment_id=payment, entries=ids(entry)))
    await clerk.find(entry)
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)
    return entry, of_invoice(entry, await clerk.bill(entry))


async def available(clerk: Clerk, entry: Entry) -> int:
    """What the money that this entry's checkout brought has available."""
    [row] = await rows(clerk, f"SELECT available FROM payments WHERE checkout_id = '{entry.checkout_id}'")
    return int(row["available"])


async def test_credited_money_from_elsewhere_is_credit_of_the_entry_it_came_from_again(clerk: Clerk) -> None:
    source, payment = await with_credit(clerk, "838.99")
    entry, invoice = await paid_from_elsewhere(clerk, payment)

    issued = await credit(clerk, invoice, amount="100.00")

    assert set(issued.loose_in) == {source.checkout_id, entry.checkout_id}
    assert (await available(clerk, source), await available(clerk, entry)) == (10_000 - OWN, OWN), "the last first"
    docket = await sort_out(clerk, source)
    assert (docket.task, docket.waiting) == (None, 0), "it was kept there on purpose before"
    target = await clerk.open()
    again = Settle(key=a_key(), credit_entry_id=source.entry_id, entries=ids(target))
    assert (await settle(clerk, "nordwerk", again)).hindrance is None
    assert await rows(clerk, f"SELECT assigned FROM entries WHERE id = '{target.entry_id}'") == [
        {"assigned": 10_000 - OWN}
    ]
    await assert_money_is_conserved(clerk.engine)


async def test_canceled_invoice_gives_every_payment_back_what_it_paid(clerk: Clerk) -> None:
    source, payment = await with_credit(clerk, "838.99")
    entry, invoice = await paid_from_elsewhere(clerk, payment)

    issued = await cancel(clerk, invoice)

    assert set(issued.loose_in) == {source.checkout_id, entry.checkout_id}
    assert (await available(clerk, source), await available(clerk, entry)) == (TOTAL - OWN, OWN)
    assert [(await sort_out(clerk, one)).waiting for one in (source, entry)] == [0, 1]
    [case] = await rows(clerk, "SELECT kind, data ->> 'amount' AS amount FROM cases WHERE decision IS NULL")
    assert case == {"kind": "late_short_payment", "amount": str(OWN)}
    await assert_money_is_conserved(clerk.engine)


async def test_credited_money_beyond_what_was_kept_is_put_before_a_person_and_no_policy_takes_what_was_kept(
    clerk: Clerk,
) -> None:
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, overpayment=OverpaymentPolicy.REFUND))
    entry = await clerk.billable()
    invoice = of_invoice(entry, await clerk.bill(entry))
    await reduce(clerk, entry, "10.00", credit_balance=CreditBalance.FUTURE_SETTLEMENT)

    await credit(clerk, invoice, amount="20.00", key=secrets.token_hex(4))

    dockets = [await sort_out(clerk, entry) for _ in range(2)]
    assert [(docket.task, docket.waiting) for docket in dockets] == [(None, 1)] * 2
    [case] = await rows(clerk, "SELECT kind, data ->> 'amount' AS amount FROM cases WHERE decision IS NULL")
    assert case == {"kind": "surplus", "amount": "3000"}
    await assert_money_is_conserved(clerk.engine)


async def test_surplus_that_settled_another_entry_is_put_before_a_person_again_when_that_is_credited(
    clerk: Clerk,
) -> None:
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, overpayment=OverpaymentPolicy.HOLD))
    source = await clerk.open()
    await clerk.find(source, captured(source, amount=2 * TOTAL))
    await clerk.orders.create_sales_order(of_checkout(source))
    await clerk.balance(source)
    await clerk.bill(source)
    before = await sort_out(clerk, source)
    [payment] = await rows(clerk, "SELECT id FROM payments")
    _, invoice = await paid_from_elsewhere(clerk, payment["id"])
    [left] = await rows(clerk, f"SELECT available FROM payments WHERE id = '{payment['id']}'")
    other = await clerk.open()
    await settle(clerk, "nordwerk", Settle(key=a_key(), payment_id=payment["id"], entries=ids(other)))
    between = await sort_out(clerk, source)

    await credit(clerk, invoice, amount="100.00")

    after = await sort_out(clerk, source)
    assert left["available"] == OWN
    assert [docket.waiting for docket in (before, between, after)] == [1, 0, 1]
    assert [row["decision"] for row in await rows(clerk, "SELECT decision FROM cases ORDER BY opened_at")] == [
        "resolved",
        None,
    ]
    await assert_money_is_conserved(clerk.engine)
