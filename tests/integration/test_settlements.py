"""Money between any payment and any entry, reductions and cancelations: in the books, once, and conserved."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from adapters.postgres.late_money import PostgresLateMoneyBook
from adapters.postgres.refunds import PostgresRefundBook
from domain.captures import AskCapture, CaptureRequest, RefusalKind
from domain.cases import Docket, SortOut
from domain.checkout import CheckoutStatus
from domain.errors import CheckoutCanceled
from domain.payments import PaymentStatus, Promise
from domain.refund_requests import RefundRequest
from domain.refund_steps import ApplyRefund, DecideRefund, OfRefund, PrepareRefund
from domain.refunds import RefundReport, RefundStatus, refund_id
from domain.settlement_steps import Obstacle, Settled
from domain.settlements import CancelEntry, CreditBalance, Reduce, ReductionKind, Settle
from domain.steps import Close, Entry
from sandbox.postgres import PostgresServer
from tests.clerk import TOTAL, Clerk, at_work, captured, of_checkout
from tests.conservation import assert_money_is_conserved
from tests.ledger import a_key, ids, settle

NORD = "nordwerk"
CREDIT, WRITE_OFF = ReductionKind.CREDIT, ReductionKind.WRITE_OFF

OF_CHECKOUT = """
    invoices JOIN invoice_orders ON invoice_id = invoices.id JOIN orders ON orders.id = order_id WHERE checkout_id = :id
"""
"""The documents of a checkout."""


@pytest.fixture(scope="module")
async def books(postgres_server: PostgresServer) -> AsyncIterator[Clerk]:
    """One database for all stories; each brings its own checkouts."""
    async with at_work(postgres_server.create_database("settlements", template="template")) as it:
        yield it


@pytest.fixture
async def clerk(books: Clerk) -> AsyncIterator[Clerk]:
    """A clerk whose money is conserved at the end."""
    yield books
    await assert_money_is_conserved(books.engine)


async def rows(clerk: Clerk, query: str, **values: Any) -> list[Any]:
    async with clerk.engine.connect() as connection:
        return list((await connection.execute(text(query), values)).all())


async def entry_of(clerk: Clerk, entry: Entry) -> Any:
    [row] = await rows(clerk, "SELECT * FROM entries WHERE id = :id", id=entry.entry_id)
    return row


async def payments_of(clerk: Clerk, entry: Entry) -> list[Any]:
    return await rows(clerk, "SELECT * FROM payments WHERE checkout_id = :id ORDER BY reference", id=entry.checkout_id)


async def told(clerk: Clerk, entry: Entry) -> list[str]:
    found = await rows(clerk, "SELECT type FROM events WHERE checkout_id = :id ORDER BY sequence", id=entry.checkout_id)
    return [row.type for row in found]


async def invoiced(clerk: Clerk) -> Entry:
    entry = await clerk.billable()
    await clerk.bill(entry)
    return entry


async def reduce(clerk: Clerk, entry: Entry, amount: str, kind: ReductionKind = CREDIT, **more: Any) -> Settled:
    wanted = {"key": a_key(), "reason": "scratched"} | more
    return await settle(clerk, NORD, Reduce(entry_id=entry.entry_id, amount=amount, reduction=kind, **wanted))


async def cancel(clerk: Clerk, entry: Entry, strategy: CreditBalance | None = None) -> Settled:
    return await settle(clerk, NORD, CancelEntry(entry_id=entry.entry_id, reason="twice", credit_balance=strategy))


async def assign(clerk: Clerk, payment_id: str, *entries: Entry, **more: Any) -> Settled:
    return await settle(
        clerk, NORD, Settle(**({"key": a_key(), "payment_id": payment_id, "entries": ids(*entries)} | more))
    )


async def with_credit(clerk: Clerk, amount: str = "500.00") -> tuple[Entry, str]:
    """An invoiced entry whose payment has money to spare."""
    entry = await invoiced(clerk)
    await reduce(clerk, entry, amount, credit_balance=CreditBalance.FUTURE_SETTLEMENT)
    [payment] = await payments_of(clerk, entry)
    return entry, payment.id


async def sort_out(clerk: Clerk, entry: Entry) -> Docket:
    step = SortOut(
        merchant_id=NORD,
        checkout_id=entry.checkout_id,
        payment_reference=None,
        workflow_id="late-payment",
        at=datetime.now(UTC),
    )
    return await PostgresLateMoneyBook(clerk.sessions).sort_out(step)


async def test_one_payment_settles_several_entries_and_one_entry_takes_several_payments(clerk: Clerk) -> None:
    _, first = await with_credit(clerk, "500.00")
    _, second = await with_credit(clerk, "600.00")
    a, b = await clerk.open(), await clerk.open()

    await assign(clerk, first, a)
    done = await assign(clerk, second, a, b)

    assert done.hindrance is None
    entries = [await entry_of(clerk, entry) for entry in (a, b)]
    assert [(entry.assigned, entry.status) for entry in entries] == [(TOTAL, "balanced"), (110_000 - TOTAL, "open")]
    items = await rows(clerk, "SELECT amount FROM entry_items WHERE payment_id = :id ORDER BY amount", id=second)
    assert [item.amount for item in items] == [TOTAL - 60_000, 110_000 - TOTAL, TOTAL - 50_000]


async def test_run_goes_on_with_money_that_another_checkout_brought(clerk: Clerk) -> None:
    _, payment = await with_credit(clerk, "838.99")
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, amount=1))

    before = await clerk.find(entry)
    await assign(clerk, payment, entry)
    after = await clerk.find(entry)
    await clerk.orders.create_sales_order(of_checkout(entry))
    balance = await clerk.balance(entry)
    await clerk.bill(entry)

    assert (before.covered, after.covered, balance.balanced) == (False, True, True)
    assert "entry.balanced" in await told(clerk, entry)
    [invoice] = await rows(clerk, f"SELECT status, payments FROM {OF_CHECKOUT}", id=entry.checkout_id)
    assert invoice.status == "paid"
    assert sorted(made["amount"] for made in invoice.payments) == [1, TOTAL - 1]


async def test_two_settlements_racing_for_the_same_money_never_assign_it_twice(clerk: Clerk) -> None:
    _, payment = await with_credit(clerk, "500.00")
    targets = [await clerk.open() for _ in range(8)]

    done = await asyncio.gather(*[assign(clerk, payment, target, amount="100.00") for target in targets])

    taken = [one for one in done if one.hindrance is None]
    assert len(taken) == 5
    assert {one.hindrance.kind for one in done if one.hindrance} == {Obstacle.INVALID}
    [row] = await rows(clerk, "SELECT available, assigned FROM payments WHERE id = :id", id=payment)
    assert (row.available, row.assigned) == (0, TOTAL)


async def test_settlements_in_both_directions_at_once_do_not_block_each_other(clerk: Clerk) -> None:
    ones, others = [await with_credit(clerk, "400.00") for _ in range(3)], [await clerk.open() for _ in range(3)]

    await asyncio.gather(
        *[assign(clerk, payment, *others, amount="60.00") for _, payment in ones],
        *[assign(clerk, payment, *reversed(others), amount="60.00") for _, payment in ones],
        *[reduce(clerk, entry, "1.00", credit_balance=CreditBalance.FUTURE_SETTLEMENT) for entry, _ in ones],
    )

    assert sum([(await entry_of(clerk, entry)).assigned for entry in others]) == 36_000


async def test_same_key_at_once_is_one_settlement(clerk: Clerk) -> None:
    _, payment = await with_credit(clerk)
    entry, key = await clerk.open(), a_key()

    done = await asyncio.gather(*[assign(clerk, payment, entry, key=key, amount="10.00") for _ in range(10)])

    assert len({one.opened_by for one in done}) == 1
    assert (await entry_of(clerk, entry)).assigned == 1_000


async def test_credit_of_an_entry_settles_another(clerk: Clerk) -> None:
    credit, _ = await with_credit(clerk, "300.00")
    debit = await clerk.open()

    await settle(
        clerk, NORD, Settle(key=a_key(), entries=ids(debit), credit_entry_id=credit.entry_id, reason="as agreed")
    )

    assert (await entry_of(clerk, debit)).assigned == 30_000
    assert "entry.settled" in await told(clerk, debit)


@pytest.mark.parametrize("amount", ["0.00", "500.01", "-1.00", "1.001", "many"])
async def test_more_than_there_is_cannot_be_assigned(clerk: Clerk, amount: str) -> None:
    _, payment = await with_credit(clerk, "500.00")
    entry = await clerk.open()

    done = await assign(clerk, payment, entry, amount=amount)

    assert done.hindrance is not None
    assert [violation.pointer for violation in done.hindrance.violations] == ["/amount"]
    assert (await entry_of(clerk, entry)).assigned == 0


async def test_money_that_is_about_to_balance_its_own_entry_is_left_there(clerk: Clerk) -> None:
    paid, other = await clerk.open(), await clerk.open()
    await clerk.find(paid, captured(paid, amount=TOTAL))
    [payment] = await payments_of(clerk, paid)

    done = await assign(clerk, payment.id, other)

    assert done.hindrance is not None
    assert done.hindrance.kind is Obstacle.NEEDED
    await clerk.orders.create_sales_order(of_checkout(paid))
    assert (await clerk.balance(paid)).balanced


async def test_other_merchants_money_and_entries_do_not_exist(clerk: Clerk) -> None:
    _, payment = await with_credit(clerk)
    theirs = await clerk.open("suedwerk")

    done = await assign(clerk, payment, theirs)
    stolen = await settle(clerk, "suedwerk", Settle(key=a_key(), payment_id=payment, entries=ids(theirs)))

    assert [one.hindrance.kind for one in (done, stolen) if one.hindrance] == [Obstacle.NO_ENTRY, Obstacle.NO_PAYMENT]


# Reductions


async def test_credit_on_an_invoice_issues_a_credit_note_and_frees_the_money(clerk: Clerk) -> None:
    entry = await invoiced(clerk)

    done = await reduce(clerk, entry, "39.00")

    seen = await entry_of(clerk, entry)
    assert (seen.reductions, seen.assigned, seen.status) == (-3_900, TOTAL - 3_900, "balanced")
    [note] = await rows(clerk, f"SELECT * FROM {OF_CHECKOUT} AND kind = 'credit_note'", id=entry.checkout_id)
    assert note.grand_total == 3_900
    [refund] = await rows(clerk, "SELECT * FROM refunds WHERE checkout_id = :id", id=entry.checkout_id)
    assert (refund.status, refund.amount, refund.origin) == ("prepared", 3_900, "credit_balance")
    assert done.consequences.refunds == (refund.id,)
    assert {"entry.reduced", "credit_note.finalized", "refund.needs_approval"} <= set(await told(clerk, entry))


async def test_write_off_changes_no_document(clerk: Clerk) -> None:
    entry = await invoiced(clerk)

    await reduce(clerk, entry, "39.00", WRITE_OFF, credit_balance=CreditBalance.FUTURE_SETTLEMENT)

    documents = await rows(clerk, f"SELECT kind FROM {OF_CHECKOUT}", id=entry.checkout_id)
    assert [document.kind for document in documents] == ["invoice"]
    [payment] = await payments_of(clerk, entry)
    assert (payment.available, payment.assigned) == (3_900, TOTAL - 3_900)


async def test_write_off_of_what_is_missing_lets_the_run_go_on(clerk: Clerk) -> None:
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, amount=TOTAL - 50))
    await sort_out(clerk, entry)

    done = await reduce(clerk, entry, "0.50", WRITE_OFF)
    standing = await clerk.find(entry)

    assert done.consequences.stir
    assert (standing.covered, standing.status) == (True, CheckoutStatus.CAPTURED)
    await clerk.orders.create_sales_order(of_checkout(entry))
    assert (await clerk.balance(entry)).balanced
    await clerk.bill(entry)


async def test_credit_before_the_invoice_is_documented_right_after_it(clerk: Clerk) -> None:
    entry = await clerk.open()
    await reduce(clerk, entry, "39.00")
    await clerk.find(entry, captured(entry, amount=TOTAL - 3_900))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)

    await clerk.bill(entry)

    documents = await rows(clerk, f"SELECT kind, grand_total FROM {OF_CHECKOUT} ORDER BY kind", id=entry.checkout_id)
    assert [(row.kind, row.grand_total) for row in documents] == [("credit_note", 3_900), ("invoice", TOTAL)]


@pytest.mark.parametrize(
    ("amount", "said"), [("839.00", "cancel the entry"), ("839.01", "at most"), ("0", "more than")]
)
async def test_unpaid_entry_is_not_reduced_to_nothing(clerk: Clerk, amount: str, said: str) -> None:
    entry = await clerk.open()

    done = await reduce(clerk, entry, amount)

    assert done.hindrance is not None
    [violation] = done.hindrance.violations
    assert violation.pointer == "/amount"
    assert said in violation.message


async def test_same_reduction_many_times_at_once_is_one(clerk: Clerk) -> None:
    entry, key = await invoiced(clerk), a_key()

    await asyncio.gather(*[reduce(clerk, entry, "10.00", key=key) for _ in range(10)])

    assert (await entry_of(clerk, entry)).reductions == -1_000
    assert len(await rows(clerk, "SELECT id FROM refunds WHERE checkout_id = :id", id=entry.checkout_id)) == 1


# Cancelations


async def test_canceled_entry_takes_its_unpaid_checkout_with_it_and_is_shut_for_good(clerk: Clerk) -> None:
    entry = await clerk.open()

    done = await cancel(clerk, entry)
    again = await cancel(clerk, entry)
    late = await clerk.find(entry, captured(entry))

    assert done == again
    assert len(done.consequences.shut) == 1
    assert (late.covered, late.misfit) == (False, "surplus")
    seen = await entry_of(clerk, entry)
    assert (seen.status, seen.initial + seen.reductions) == ("canceled", 0)
    assert (await told(clerk, entry))[1:3] == ["entry.canceled", "checkout.canceled"]
    assert (await reduce(clerk, entry, "1.00")).hindrance is not None
    _, payment = await with_credit(clerk)
    assert (await assign(clerk, payment, entry)).hindrance is not None


async def test_canceled_entry_expects_nothing_and_nobody_needs_its_authorization(clerk: Clerk) -> None:
    entry = await clerk.open()
    held = replace(captured(entry), status=PaymentStatus.PENDING, promise=Promise.AUTHORIZED, captured_at=None)
    await clerk.find(entry, held)
    expected = (await entry_of(clerk, entry)).expected

    done = await cancel(clerk, entry)

    assert (expected, (await entry_of(clerk, entry)).expected) == (TOTAL, 0)
    assert done.consequences.late == (entry.checkout_id,)
    assert (await sort_out(clerk, entry)).needless == (held.reference,)
    asked = await clerk.payments.ask_capture(
        AskCapture(merchant_id=NORD, request=CaptureRequest(checkout_id=entry.checkout_id))
    )
    assert asked.refusal is not None
    assert asked.refusal.kind is RefusalKind.NOTHING_AUTHORIZED


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_canceled_checkout_is_carried_out_no_further(clerk: Clerk, steps: int) -> None:
    entry = await clerk.open()
    await clerk.find(entry, captured(entry))
    process = [clerk.orders.create_sales_order, clerk.payments.balance_entry, clerk.invoices.create_invoice]
    for step in process[:steps]:
        await step(of_checkout(entry))

    await cancel(clerk, entry)

    with pytest.raises(CheckoutCanceled):
        await process[steps](of_checkout(entry))
    [payment] = await payments_of(clerk, entry)
    assert (payment.assigned, payment.available) == (0, TOTAL)
    docket = await sort_out(clerk, entry)
    assert (docket.task, docket.waiting) == (None, 0), "kept on purpose: no policy acts upon it"


async def test_canceled_invoice_is_taken_back_in_full(clerk: Clerk) -> None:
    entry = await invoiced(clerk)
    await reduce(clerk, entry, "39.00", WRITE_OFF, credit_balance=CreditBalance.FUTURE_SETTLEMENT)
    await reduce(clerk, entry, "100.00", credit_balance=CreditBalance.FUTURE_SETTLEMENT)

    await cancel(clerk, entry, CreditBalance.DIRECT_REFUND)

    notes = await rows(
        clerk,
        f"SELECT grand_total FROM {OF_CHECKOUT} AND kind = 'credit_note' ORDER BY 1",
        id=entry.checkout_id,
    )
    assert [note.grand_total for note in notes] == [10_000, TOTAL - 10_000]
    [refund] = await rows(clerk, "SELECT status, amount FROM refunds WHERE checkout_id = :id", id=entry.checkout_id)
    assert (refund.status, refund.amount) == ("approved", TOTAL)


async def test_money_from_elsewhere_returns_to_its_payment_when_an_entry_is_canceled(clerk: Clerk) -> None:
    _, payment = await with_credit(clerk, "500.00")
    entry = await clerk.open()
    await assign(clerk, payment, entry)

    await cancel(clerk, entry)

    [row] = await rows(clerk, "SELECT available FROM payments WHERE id = :id", id=payment)
    assert row.available == 50_000


async def test_money_from_elsewhere_returns_to_its_payment_when_a_link_ends(clerk: Clerk) -> None:
    source, payment = await with_credit(clerk, "500.00")
    entry = await clerk.open()
    await assign(clerk, payment, entry)

    step = Close(merchant_id=NORD, checkout_id=entry.checkout_id, status=CheckoutStatus.EXPIRED)
    closed = [await clerk.checkouts.close(step) for _ in range(2)]

    assert [one.freed_in for one in closed] == [(source.checkout_id,)] * 2
    assert (await entry_of(clerk, entry)).assigned == 0


# Refunds of what was freed, and of what settles other entries


async def report(clerk: Clerk, our_id: str, status: RefundStatus) -> None:
    [row] = await rows(
        clerk,
        "SELECT refunds.amount, refunds.currency, reference FROM refunds JOIN payments ON payments.id = payment_id "
        "WHERE refunds.id = :id",
        id=our_id,
    )
    said = RefundReport(
        reference=f"re_{our_id}",
        status=status,
        amount=row.amount,
        currency=row.currency,
        payment_reference=row.reference,
        failure="account closed" if status is RefundStatus.FAILED else None,
    )
    step = ApplyRefund(merchant_id=NORD, refund_id=our_id, money_run="late-payment", report=said)
    await PostgresRefundBook(clerk.sessions).apply(step)


async def test_prepared_refund_of_freed_money_waits_and_then_takes_exactly_that(clerk: Clerk) -> None:
    entry = await invoiced(clerk)
    [our_id] = (await reduce(clerk, entry, "39.00")).consequences.refunds
    book, step = PostgresRefundBook(clerk.sessions), OfRefund(merchant_id=NORD, refund_id=our_id)

    assert (await book.release(step)).order is None
    await book.decide(DecideRefund(merchant_id=NORD, refund_id=our_id, approved=True, by="anna", reason="yes"))
    order = (await book.release(step)).order
    await report(clerk, our_id, RefundStatus.REFUNDED)

    assert order is not None
    assert order.amount == 3_900
    [payment] = await payments_of(clerk, entry)
    assert (payment.refunded, payment.available, payment.assigned) == (3_900, 0, TOTAL - 3_900)
    notes = await rows(clerk, f"SELECT 1 FROM {OF_CHECKOUT} AND kind = 'credit_note'", id=entry.checkout_id)
    assert len(notes) == 1, "credited by the reduction, not again by the refund"


async def test_rejected_refund_leaves_the_money_available_in_peace(clerk: Clerk) -> None:
    entry = await invoiced(clerk)
    [our_id] = (await reduce(clerk, entry, "39.00")).consequences.refunds

    no = DecideRefund(merchant_id=NORD, refund_id=our_id, approved=False, by="anna", reason="he wants a voucher")
    await PostgresRefundBook(clerk.sessions).decide(no)

    [payment] = await payments_of(clerk, entry)
    assert payment.available == 3_900
    docket = await sort_out(clerk, entry)
    assert (docket.task, docket.waiting) == (None, 0)


async def test_freed_money_that_the_provider_cannot_give_back_is_put_before_a_person(clerk: Clerk) -> None:
    entry = await invoiced(clerk)
    done = await reduce(clerk, entry, "39.00", credit_balance=CreditBalance.DIRECT_REFUND)
    [our_id] = done.consequences.refunds
    await PostgresRefundBook(clerk.sessions).release(OfRefund(merchant_id=NORD, refund_id=our_id))

    await report(clerk, our_id, RefundStatus.FAILED)

    docket = await sort_out(clerk, entry)
    assert docket.waiting == 1
    [case] = await rows(clerk, "SELECT kind FROM cases WHERE checkout_id = :id", id=entry.checkout_id)
    assert case.kind == "refund_failed"


async def test_refund_of_a_checkout_takes_from_its_entry_whoever_paid_it(clerk: Clerk) -> None:
    source, payment = await with_credit(clerk, "838.99")
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, amount=1))
    await assign(clerk, payment, entry)
    await clerk.find(entry)
    await clerk.orders.create_sales_order(of_checkout(entry))
    await clerk.balance(entry)
    await clerk.bill(entry)
    book, our_id = PostgresRefundBook(clerk.sessions), refund_id(NORD, key := a_key())
    request = RefundRequest(
        checkout_id=entry.checkout_id, key=key, amount="800.00", reason="sent back", payment_id=payment
    )

    prepared = await book.prepare(PrepareRefund(merchant_id=NORD, refund_id=our_id, opened_by="shop", request=request))
    await book.release(OfRefund(merchant_id=NORD, refund_id=our_id))
    await report(clerk, our_id, RefundStatus.REFUNDED)

    assert prepared.refusal is None
    assert ((await entry_of(clerk, entry)).reductions, (await entry_of(clerk, source)).reductions) == (-80_000, -83_899)
    [note] = await rows(clerk, f"SELECT grand_total FROM {OF_CHECKOUT} AND kind = 'credit_note'", id=entry.checkout_id)
    assert note.grand_total == 80_000
