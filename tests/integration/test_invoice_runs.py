"""Invoice runs on real books: what is billed, on which invoice, what is not, and that nothing is billed twice."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from adapters.postgres.assignments import reduce, settle_invoice, unassign
from adapters.postgres.checkouts import entry_of
from adapters.postgres.corrections import PostgresCorrectionBook
from adapters.postgres.credit_notes import invoice_in_force, issue
from adapters.postgres.deliveries import PostgresDeliveryBook
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from adapters.postgres.tables import PaymentRow
from domain.billing import RunMode
from domain.checkout import CheckoutRequest, PriceMode
from domain.corrections import (
    CorrectionRequest,
    IssueCorrection,
    IssuedCorrection,
    LineCredit,
    RefusalKind,
    correction_id,
)
from domain.deliveries import Dispatch
from domain.errors import InvalidDraft
from domain.invoice_mapping import InvoiceMapping
from domain.invoice_runs import (
    InvoiceRunRequest,
    OfInvoiceRun,
    OpenInvoiceRun,
    OrderFilter,
    RunOrderStatus,
    RunPhase,
    RunStanding,
    run_id,
)
from domain.invoices import Invoice, InvoiceKind, InvoiceStatus
from domain.merchants import BillableWhen, Merchant
from domain.steps import Entry, OfInvoice
from domain.views import RunOrderView
from tests.audits import findings
from tests.clerk import TOTAL, Clerk, a_request, captured, of_checkout
from tests.fakes.merchants import NORDWERK
from tests.many_orders import copy_orders

TODAY = datetime.now(ZoneInfo(NORDWERK.time_zone)).date()
MAPPED = replace(
    NORDWERK,
    invoice_mapping=InvoiceMapping(
        sources={
            "purchase_order": ("metadata.po", "metadata.po_number"),
            "notes": ("metadata.note",),
            "service_date": ("metadata.delivered_on",),
        },
        customers={"K-1": {"buyer_reference": "04011000-12345-03"}},
        defaults={"buyer_reference": "none", "notes": "Danke."},
    ),
)


def wanted(key: str = "run-1", mode: RunMode = RunMode.SINGLE, **changes: Any) -> InvoiceRunRequest:
    """A run over everything up to today."""
    return InvoiceRunRequest(key=key, mode=mode, **changes)


async def carry_out(clerk: Clerk, request: InvoiceRunRequest, merchant: Merchant = NORDWERK) -> RunStanding:
    """Plan and bill, as the workflow does."""
    our_id = run_id(merchant.id, request.key)
    await clerk.runs.open(
        OpenInvoiceRun(merchant_id=merchant.id, run_id=our_id, workflow_id=our_id, opened_by="clerk", request=request)
    )
    step = OfInvoiceRun(merchant_id=merchant.id, run_id=our_id, most=2)
    standing = await clerk.runs.plan(step)
    while standing.phase is RunPhase.PLANNING:
        standing = await clerk.runs.plan(step)
    while standing.phase is RunPhase.BILLING:
        standing = await clerk.runs.bill(step)
    return standing


async def orders_of(clerk: Clerk, key: str = "run-1", merchant_id: str = NORDWERK.id) -> dict[str, RunOrderView]:
    """What became of the orders of a run, by assignment key."""
    page = await PostgresReader(clerk.sessions).invoice_run_orders(
        merchant_id, run_id(merchant_id, key), status=None, cursor=None, limit=100
    )
    return {order.number: order for order in page.items}


async def invoice_of(clerk: Clerk, invoice_id: str | None) -> Invoice:
    """The finalized document."""
    return await clerk.invoices.invoice(OfInvoice(merchant_id=NORDWERK.id, invoice_id=invoice_id or ""))


async def rows(clerk: Clerk, statement: str, **values: Any) -> list[Any]:
    """What the database answers."""
    async with clerk.engine.connect() as connection:
        return list(await connection.execute(text(statement), values))


async def execute(clerk: Clerk, statement: str, **values: Any) -> None:
    """Change the books behind everybody's back."""
    async with clerk.engine.begin() as connection:
        await connection.execute(text(statement), values)


def of_customer(number: str | None, **changes: Any) -> CheckoutRequest:
    """A purchase of the customer with this number."""
    request = a_request(**changes)
    return replace(request, customer=replace(request.customer, number=number))


async def test_run_bills_every_billable_order_once_and_a_second_run_finds_none(clerk: Clerk) -> None:
    entries = [await clerk.billable() for _ in range(5)]
    open_ = await clerk.open()

    standing = await carry_out(clerk, wanted())
    again = await carry_out(clerk, wanted("run-2"))

    assert standing.orders == {RunOrderStatus.BILLED: 5}
    assert again.orders == {}
    view = await PostgresReader(clerk.sessions).invoice_run(NORDWERK.id, run_id(NORDWERK.id, "run-1"))
    assert view is not None
    assert (view.invoices, view.amounts, view.phase) == (5, {"EUR": 5 * TOTAL}, RunPhase.SENDING)
    assert (view.first_number, view.last_number) == (f"{TODAY.year}-000001", f"{TODAY.year}-000005")
    statuses = dict(tuple(row) for row in await rows(clerk, "SELECT id, status FROM checkouts"))
    assert {statuses[entry.checkout_id] for entry in entries} == {"invoiced"}
    assert statuses[open_.checkout_id] == "awaiting_payment"


async def test_orders_of_a_customer_share_an_invoice_whose_lines_name_their_orders(clerk: Clerk) -> None:
    first = await clerk.billable(request=of_customer("K-1", assignment_key="SO-1"))
    second = await clerk.billable(request=of_customer("K-1", assignment_key="SO-2"))
    await clerk.billable(request=of_customer("K-2", assignment_key="SO-3"))

    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    orders = await orders_of(clerk)
    assert orders["SO-1"].invoice_id == orders["SO-2"].invoice_id != orders["SO-3"].invoice_id
    invoice = await invoice_of(clerk, orders["SO-1"].invoice_id)
    assert [line.order_number for line in invoice.cart.lines] == ["SO-1", "SO-2"]
    assert [discount.order_number for discount in invoice.cart.discounts] == ["SO-1", "SO-2"]
    assert invoice.cart.totals.payable == 2 * TOTAL
    assert (invoice.paid_total, invoice.due) == (2 * TOTAL, 0)
    shares = await rows(clerk, "SELECT entry_id, amount FROM invoice_entries WHERE invoice_id = :id",
                        id=orders["SO-1"].invoice_id)  # fmt: skip
    assert {tuple(row) for row in shares} == {(first.entry_id, TOTAL), (second.entry_id, TOTAL)}
    reader = PostgresReader(clerk.sessions)
    for entry in (first, second):
        checkout = await reader.checkout(NORDWERK.id, entry.checkout_id)
        assert checkout is not None
        assert checkout.invoice is not None
        assert checkout.order is not None
        assert checkout.invoice.id == checkout.order.invoice_id == orders["SO-1"].invoice_id
        assert checkout.order.last_run_id == run_id(NORDWERK.id, "run-1")
        assert len(checkout.invoice.orders) == 2


@pytest.mark.parametrize(
    "difference",
    [
        {"currency": "USD", "total": None},
        {"prices": PriceMode.NET, "total": None},
        {"metadata": {"po": "4711"}},
    ],
    ids=lambda difference: next(iter(difference)),
)
async def test_orders_that_differ_at_the_head_of_a_document_do_not_share_one(
    clerk: Clerk, difference: dict[str, Any]
) -> None:
    await PostgresMerchants(clerk.sessions).save(MAPPED)
    await clerk.billable(request=of_customer("K-1"))
    await clerk.billable(request=of_customer("K-1", **difference))

    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    assert len({order.invoice_id for order in (await orders_of(clerk)).values()}) == 2


async def test_customer_without_number_is_known_by_mail_address_and_vat_id(clerk: Clerk) -> None:
    same, other = a_request(), a_request()
    moved = replace(same.customer.address, line1="Elsewhere 1")
    for customer in (same.customer, other.customer, replace(same.customer, address=moved)):
        await clerk.billable(request=replace(a_request(), customer=customer))

    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    assert len({order.invoice_id for order in (await orders_of(clerk)).values()}) == 2


async def test_net_orders_together_cost_what_they_cost_alone(clerk: Clerk) -> None:
    line = {"name": "Pin", "quantity": "1", "unit": "C62", "unit_price": "0.03", "tax_category": "S", "tax_rate": "19"}
    for number in ("SO-1", "SO-2"):
        request = of_customer(
            "K-1", assignment_key=number, prices=PriceMode.NET, total=None, lines=[line], discounts=[]
        )
        assert (await clerk.billable(request=request)).amount == 4

    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    invoice = await invoice_of(clerk, (await orders_of(clerk))["SO-1"].invoice_id)
    totals = invoice.cart.totals
    assert (totals.basis_total, totals.tax_total, totals.grand_total) == (6, 1, 7)
    assert (totals.rounding, totals.payable, invoice.due) == (1, 8, 0)


async def test_discount_of_an_order_does_not_reach_the_lines_of_another(clerk: Clerk) -> None:
    book = {
        "name": "Book",
        "quantity": "1",
        "unit": "C62",
        "unit_price": "100.00",
        "tax_category": "S",
        "tax_rate": "7",
    }
    await clerk.billable(request=of_customer("K-1", assignment_key="SO-1"))
    await clerk.billable(request=of_customer("K-1", assignment_key="SO-2", total=None, lines=[book], discounts=[]))

    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    invoice = await invoice_of(clerk, (await orders_of(clerk))["SO-1"].invoice_id)
    gross = {str(subtotal.tax_rate): subtotal.basis + subtotal.tax for subtotal in invoice.cart.subtotals}
    assert gross == {"19": TOTAL, "7": 10_000}


async def test_mapped_data_of_orders_stands_on_their_invoice(clerk: Clerk) -> None:
    await PostgresMerchants(clerk.sessions).save(MAPPED)
    yesterday = TODAY - timedelta(days=1)
    own = {"po_number": "4711", "note": "Tor 3", "delivered_on": yesterday.isoformat()}
    await clerk.billable(request=of_customer("K-1", assignment_key="SO-1", metadata=own))
    await clerk.billable(request=of_customer("K-9", assignment_key="SO-2", metadata={}))

    await carry_out(clerk, wanted())

    orders = await orders_of(clerk)
    first, second = [await invoice_of(clerk, orders[number].invoice_id) for number in ("SO-1", "SO-2")]
    assert (first.particulars.purchase_order, first.particulars.notes) == ("4711", ("Tor 3",))
    assert first.particulars.buyer_reference == "04011000-12345-03"
    assert first.delivered_on == yesterday
    assert (second.particulars.purchase_order, second.particulars.notes) == (None, ("Danke.",))
    assert second.particulars.buyer_reference == "none"


async def test_order_is_billed_from_the_day_of_its_service_on(clerk: Clerk) -> None:
    await PostgresMerchants(clerk.sessions).save(MAPPED)
    service = TODAY + timedelta(days=30)
    await clerk.billable(request=a_request(metadata={"delivered_on": service.isoformat()}))

    early = await carry_out(clerk, wanted())
    late = await carry_out(clerk, wanted("run-2", until=service))

    assert (early.orders, late.orders) == ({}, {RunOrderStatus.BILLED: 1})


@pytest.mark.parametrize(
    "chosen",
    [
        OrderFilter(customer="K-1"),
        OrderFilter(assignment_key_prefix="WEB_-"),
        OrderFilter(currency="USD"),
        OrderFilter(metadata={"shop": "b", "cart": "1"}),
    ],
    ids=["customer", "assignment key prefix", "currency", "metadata"],
)
async def test_filter_leaves_other_orders_alone(clerk: Clerk, chosen: OrderFilter) -> None:
    await clerk.billable(request=a_request(assignment_key="WEBx-1", metadata={"shop": "a", "cart": "1"}))
    chosen_one = of_customer(
        "K-1", assignment_key="WEB_-1", currency="USD", total=None, metadata={"shop": "b", "cart": "1", "more": "x"}
    )
    await clerk.billable(request=chosen_one)

    assert (await carry_out(clerk, wanted(filter=chosen))).orders == {RunOrderStatus.BILLED: 1}

    assert list(await orders_of(clerk)) == ["WEB_-1"]


async def test_filter_by_day_of_order_and_by_mail_address(clerk: Clerk) -> None:
    await clerk.billable()
    none = OrderFilter(ordered_until=TODAY - timedelta(days=1))
    assert (await carry_out(clerk, wanted(filter=none))).orders == {}
    assert (await carry_out(clerk, wanted("2", filter=OrderFilter(customer="nobody@example.org")))).orders == {}
    mine = OrderFilter(customer="JANA@example.org", ordered_until=TODAY + timedelta(days=1))
    assert (await carry_out(clerk, wanted("3", filter=mine))).orders == {RunOrderStatus.BILLED: 1}


async def test_dry_run_says_what_would_be_billed_and_changes_nothing(clerk: Clerk) -> None:
    await clerk.billable(request=a_request(assignment_key="SO-1"))
    await clerk.billable(request=a_request(assignment_key="SO-2"))
    await execute(clerk, "UPDATE orders SET total = total + 1 WHERE assignment_key = 'SO-2'")

    standing = await carry_out(clerk, wanted(dry_run=True))

    assert standing.orders == {RunOrderStatus.BILLABLE: 1, RunOrderStatus.FAILED: 1}
    assert "the order says 839.01 EUR" in str((await orders_of(clerk))["SO-2"].error)
    assert await rows(clerk, "SELECT 1 FROM invoices") == []
    assert await rows(clerk, "SELECT 1 FROM series") == []
    assert await rows(clerk, "SELECT 1 FROM orders WHERE build_error IS NOT NULL") == []


async def test_error_stays_with_its_order_and_the_run_goes_on(clerk: Clerk) -> None:
    bad = await clerk.billable(request=a_request(assignment_key="SO-1"))
    for number in (2, 3):
        await clerk.billable(request=a_request(assignment_key=f"SO-{number}"))
    await execute(clerk, "UPDATE order_lines SET unit_price = 850 FROM orders WHERE id = order_id "
                         "AND assignment_key = 'SO-1'")  # fmt: skip

    standing = await carry_out(clerk, wanted())

    assert standing.orders == {RunOrderStatus.BILLED: 2, RunOrderStatus.FAILED: 1}
    checkout = await PostgresReader(clerk.sessions).checkout(NORDWERK.id, bad.checkout_id)
    assert checkout is not None
    assert checkout.order is not None
    assert "the order says 839.00 EUR" in (checkout.order.build_error or "")
    numbers = [row.sequence for row in await rows(clerk, "SELECT sequence FROM invoices ORDER BY finalized_at")]
    assert numbers == [1, 2]

    await execute(clerk, "UPDATE order_lines SET unit_price = 849 FROM orders WHERE id = order_id "
                         "AND assignment_key = 'SO-1'")  # fmt: skip
    assert (await carry_out(clerk, wanted("run-2"))).orders == {RunOrderStatus.BILLED: 1}
    assert await rows(clerk, "SELECT 1 FROM orders WHERE build_error IS NOT NULL") == []


@pytest.mark.parametrize("mode", RunMode)
async def test_what_nobody_expected_of_an_order_does_not_stop_the_run(
    clerk: Clerk, mode: RunMode, caplog: pytest.LogCaptureFixture
) -> None:
    await clerk.billable(request=a_request(assignment_key="SO-1"))
    await clerk.billable(request=a_request(assignment_key="SO-2"))
    await execute(clerk, "UPDATE orders SET buyer = buyer - 'address' WHERE assignment_key = 'SO-1'")

    standing = await carry_out(clerk, wanted(mode=mode))

    assert standing.orders == {RunOrderStatus.BILLED: 1, RunOrderStatus.FAILED: 1}
    assert (await orders_of(clerk))["SO-1"].error == "unexpected: ValidationError"
    assert "ValidationError with an order" in caplog.text
    assert "jana@example.org" not in caplog.text


async def test_many_runs_at_once_bill_no_order_twice(clerk: Clerk) -> None:
    template = await clerk.billable()
    await copy_orders(clerk.engine, template.checkout_id, 30, customers=7)

    await asyncio.gather(
        *(carry_out(clerk, wanted(f"run-{n}", RunMode.PARENT_CHILD if n % 2 else RunMode.SINGLE)) for n in range(4))
    )

    billed = await rows(clerk, "SELECT order_id, count(*) FROM invoice_orders GROUP BY order_id")
    assert len(billed) == 31
    assert {row.count for row in billed} == {1}
    sequences = [row.sequence for row in await rows(clerk, "SELECT sequence FROM invoices ORDER BY finalized_at")]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_step_that_is_done_twice_at_once_bills_once(clerk: Clerk) -> None:
    for _ in range(3):
        await clerk.billable()
    our_id = run_id(NORDWERK.id, "run-1")
    opened = OpenInvoiceRun(
        merchant_id=NORDWERK.id, run_id=our_id, workflow_id=our_id, opened_by="clerk", request=wanted()
    )
    step = OfInvoiceRun(merchant_id=NORDWERK.id, run_id=our_id, most=10)
    await asyncio.gather(*(clerk.runs.open(opened) for _ in range(3)))
    await asyncio.gather(*(clerk.runs.plan(step) for _ in range(3)))

    standings = await asyncio.gather(*(clerk.runs.bill(step) for _ in range(3)))

    assert {standing.phase for standing in standings} <= {RunPhase.BILLING, RunPhase.SENDING}
    assert [order.status for order in (await orders_of(clerk)).values()] == [RunOrderStatus.BILLED] * 3
    assert len(await rows(clerk, "SELECT 1 FROM invoices")) == 3


async def test_canceled_invoice_leaves_its_orders_to_be_billed_again(clerk: Clerk) -> None:
    for number in ("SO-1", "SO-2"):
        await clerk.billable(request=of_customer("K-1", assignment_key=number))
    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))
    await execute(clerk, "UPDATE invoices SET status = 'canceled'")
    assert await rows(clerk, "SELECT 1 FROM orders WHERE invoice_id IS NOT NULL") == []

    standing = await carry_out(clerk, wanted("run-2"))

    assert standing.orders == {RunOrderStatus.BILLED: 2}
    in_force = await rows(clerk, "SELECT order_id FROM invoice_orders WHERE in_force")
    assert len(in_force) == len(set(in_force)) == 2
    assert len(await rows(clerk, "SELECT 1 FROM invoice_orders")) == 4


async def test_the_database_itself_refuses_a_second_invoice_in_force_over_an_order(clerk: Clerk) -> None:
    entry = await clerk.billable()
    await clerk.bill(entry)
    again = """
        INSERT INTO invoices
        SELECT (jsonb_populate_record(i, '{"id": "inv_2", "number": "2", "sequence": 2, "place": 2}')).*
        FROM invoices i
    """
    tie = "INSERT INTO invoice_orders (invoice_id, order_id, merchant_id) SELECT 'inv_2', id, merchant_id FROM orders"
    async with clerk.engine.connect() as connection:
        await connection.execute(text(again))
        with pytest.raises(IntegrityError, match="uq_invoice_orders_one_in_force"):
            await connection.execute(text(tie))
    with pytest.raises(DBAPIError, match="never changed"):
        await execute(clerk, "UPDATE invoice_orders SET in_force = false")


async def test_order_that_is_not_balanced_waits_unless_the_merchant_bills_what_is_ordered(clerk: Clerk) -> None:
    entry = await clerk.open(request=a_request(assignment_key="SO-1"))
    await clerk.find(entry, captured(entry))
    await clerk.orders.create_sales_order(of_checkout(entry))
    assert (await carry_out(clerk, wanted())).orders == {}

    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, billable_when=BillableWhen.ORDERED))
    await carry_out(clerk, wanted("run-2"))

    reader = PostgresReader(clerk.sessions)
    invoice_id = (await orders_of(clerk, "run-2"))["SO-1"].invoice_id or ""
    before = await reader.invoice(NORDWERK.id, invoice_id)
    assert before is not None
    assert before.status is InvoiceStatus.OPEN
    assert (await invoice_of(clerk, invoice_id)).due == TOTAL
    await clerk.balance(entry)
    after = await reader.invoice(NORDWERK.id, invoice_id)
    assert after is not None
    assert after.status is InvoiceStatus.PAID
    await clerk.bill(entry)
    checkout = await reader.checkout(NORDWERK.id, entry.checkout_id)
    assert checkout is not None
    assert checkout.status == "invoiced"


async def test_checkout_that_was_billed_and_mailed_before_its_balance_is_completed_with_it(clerk: Clerk) -> None:
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, billable_when=BillableWhen.ORDERED))
    entry = await clerk.open()
    await clerk.find(entry, captured(entry))
    await clerk.orders.create_sales_order(of_checkout(entry))
    await carry_out(clerk, wanted())
    [order] = (await orders_of(clerk)).values()
    deliveries = PostgresDeliveryBook(clerk.sessions, mail_domain="test")
    mail = Dispatch(merchant_id=NORDWERK.id, invoice_id=order.invoice_id or "")
    await deliveries.queue(mail)
    await deliveries.record_sent(mail, "250 ok")

    await clerk.balance(entry)
    assert await clerk.invoices.find_invoice(of_checkout(entry)) is not None

    checkout = await PostgresReader(clerk.sessions).checkout(NORDWERK.id, entry.checkout_id)
    assert checkout is not None
    assert checkout.status == "completed"


async def _entry_after(clerk: Clerk, statement: str) -> Entry:
    entry = await clerk.billable(request=a_request(assignment_key="SO-1"))
    await execute(clerk, statement)
    return entry


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE entries SET assignment_key = 'other'", "no entry has the assignment key SO-1"),
        ("UPDATE entries SET currency = 'USD'", "is in USD, the order in EUR"),
        (
            "UPDATE entries SET initial = 83901, status = 'open'",
            "839.00 EUR is billed for SO-1, but its entry has 839.01",
        ),
        ("UPDATE entries SET status = 'canceled'", "the entry of SO-1 is canceled"),
    ],
    ids=["no match", "currency", "amount", "canceled"],
)
async def test_entry_that_does_not_fit_keeps_the_number_and_is_named_at_the_order(
    clerk: Clerk, statement: str, words: str
) -> None:
    entry = await _entry_after(clerk, statement)

    with pytest.raises(InvalidDraft, match=words):
        await clerk.bill(entry)

    [order] = await rows(clerk, "SELECT build_error FROM orders")
    assert words in order.build_error
    assert await rows(clerk, "SELECT 1 FROM series") == []


async def test_invoice_over_several_entries_is_paid_when_the_last_of_them_is(clerk: Clerk) -> None:
    await PostgresMerchants(clerk.sessions).save(replace(NORDWERK, billable_when=BillableWhen.ORDERED))
    entries = [await clerk.open(request=of_customer("K-1")) for _ in range(4)]
    for entry in entries:
        await clerk.find(entry, captured(entry))
        await clerk.orders.create_sales_order(of_checkout(entry))
    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    async def status() -> str:
        [invoice] = await rows(clerk, "SELECT status FROM invoices")
        return str(invoice.status)

    await clerk.balance(entries[0])
    assert await status() == "open"
    await asyncio.gather(*(clerk.balance(entry) for entry in entries[1:]))
    assert await status() == "paid"


async def test_refund_of_one_order_on_a_collective_invoice_takes_back_its_tax_and_leaves_the_invoice_paid(
    clerk: Clerk,
) -> None:
    book = {
        "name": "Book",
        "quantity": "1",
        "unit": "C62",
        "unit_price": "100.00",
        "tax_category": "S",
        "tax_rate": "7",
    }
    await clerk.billable(request=of_customer("K-1", assignment_key="SO-1"))
    entry = await clerk.billable(
        request=of_customer("K-1", assignment_key="SO-2", total=None, lines=[book], discounts=[])
    )
    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))

    for _ in range(2):
        async with clerk.sessions.begin() as session:
            row = await entry_of(session, entry.checkout_id)
            [payment] = await session.scalars(select(PaymentRow).where(PaymentRow.checkout_id == entry.checkout_id))
            invoice = await invoice_in_force(session, entry.checkout_id)
            assert invoice is not None
            await unassign(session, row, payment, 5_000, "test")
            reduce(row, 5_000)
            await issue(session, invoice, row, 5_000)
            payment.available, payment.refunded = 0, payment.refunded + 5_000
            await settle_invoice(session, row)

    rates = await rows(clerk, "SELECT DISTINCT tax_rate FROM tax_subtotals JOIN invoices ON id = invoice_id "
                              "WHERE kind = 'credit_note'")  # fmt: skip
    assert [int(row.tax_rate) for row in rates] == [7]
    assert {row.status for row in await rows(clerk, "SELECT status FROM invoices WHERE kind = 'invoice'")} == {"paid"}
    async with clerk.sessions.begin() as session:
        row, invoice = await entry_of(session, entry.checkout_id), await invoice_in_force(session, entry.checkout_id)
        assert invoice is not None
        with pytest.raises(InvalidDraft, match="0 is left"):
            await issue(session, invoice, row, 1)


async def _correct(clerk: Clerk, invoice_id: str, kind: InvoiceKind, **wanted: Any) -> IssuedCorrection:
    request = CorrectionRequest(kind=kind, invoice_id=invoice_id, key=f"c-{kind}", reason="sent back", **wanted)
    step = IssueCorrection(
        merchant_id=NORDWERK.id,
        correction_id=correction_id(NORDWERK.id, request.key),
        opened_by="clerk",
        request=request,
    )
    return await PostgresCorrectionBook(clerk.sessions).issue(step)


async def _collective(clerk: Clerk) -> str:
    """An invoice over two orders of one customer."""
    for number in ("SO-1", "SO-2"):
        await clerk.billable(request=of_customer("K-1", assignment_key=number))
    await carry_out(clerk, wanted(mode=RunMode.PARENT_CHILD))
    [invoice] = await rows(clerk, "SELECT id FROM invoices")
    return str(invoice.id)


async def test_cancelation_of_a_collective_invoice_frees_all_its_orders_and_money_for_the_next_run(
    clerk: Clerk,
) -> None:
    issued = await _correct(clerk, await _collective(clerk), InvoiceKind.CANCELATION)

    assert len(issued.checkouts) == 2
    assert sorted(issued.loose_in) == sorted(issued.checkouts)
    entries = await rows(clerk, "SELECT status, assigned FROM entries")
    assert [tuple(entry) for entry in entries] == [("canceled", 0)] * 2
    assert (await carry_out(clerk, wanted("again", RunMode.PARENT_CHILD))).orders == {RunOrderStatus.BILLED: 2}
    invoices = await rows(clerk, "SELECT kind, status FROM invoices ORDER BY finalized_at")
    assert [tuple(invoice) for invoice in invoices] == [
        ("invoice", "canceled"),
        ("cancelation", "settled"),
        ("invoice", "open"),
    ]
    assert {entry.status for entry in await rows(clerk, "SELECT status FROM entries")} == {"open"}
    assert await findings(clerk) == []


async def test_credit_note_on_a_collective_invoice_takes_back_lines_of_one_order(clerk: Clerk) -> None:
    invoice = await _collective(clerk)

    by_amount = await _correct(clerk, invoice, InvoiceKind.CREDIT_NOTE, amount="1.00")
    both = tuple(LineCredit(position=position) for position in (1, 2))
    of_both = await _correct(clerk, invoice, InvoiceKind.CREDIT_NOTE, lines=both)
    of_one = await _correct(clerk, invoice, InvoiceKind.CREDIT_NOTE, lines=both[1:])

    assert [one.refusal and one.refusal.kind for one in (by_amount, of_both, of_one)] == [
        RefusalKind.NOT_CORRECTABLE,
        RefusalKind.INVALID,
        None,
    ]
    entries = await rows(clerk, "SELECT assignment_key, -reductions AS less FROM entries ORDER BY assignment_key")
    assert [tuple(entry) for entry in entries] == [("SO-1", 0), ("SO-2", TOTAL)]
    assert {row.status for row in await rows(clerk, "SELECT status FROM invoices WHERE kind = 'invoice'")} == {"paid"}
    assert await findings(clerk) == []
