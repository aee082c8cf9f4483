"""The ledger: each fact once, in the transaction that makes it one, and never changed. `office` checks at the end of
each test that the books agree with payments, entries, documents and payouts."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.postgres import booked
from adapters.postgres.findings import record_payment
from adapters.postgres.tables import PaymentRow
from domain.book_settings import BookSettings, Debtors
from domain.cart import TaxRounding
from domain.corrections import LineCredit
from domain.disputes import DisputeStatus
from domain.errors import InvalidInput, NotFound
from domain.invoices import InvoiceKind
from domain.payments import SettledBy
from domain.payouts import PayoutItem, PayoutItemKind, PayoutStatus
from domain.steps import Entry
from domain.tax_settings import TaxSettings
from tests.books.scenes import DEPOSIT, GOODS, MIXED, Office, charge
from tests.checkout_bodies import good_body
from tests.clerk import captured, of_checkout
from tests.fakes.merchants import NORDWERK


async def lines(office: Office, kind: str) -> list[tuple[int, str, int]]:
    """What was booked of a kind: number of the booking, role, amount."""
    rows = await office.rows(
        """SELECT bookings.number, role, booking_lines.amount FROM bookings
        JOIN booking_lines ON booking_id = bookings.id WHERE kind = :kind ORDER BY sequence, position""",
        kind=kind,
    )
    return [(row.number, row.role, row.amount) for row in rows]


async def balances(office: Office) -> dict[tuple[str, str], int]:
    """Every role's balance, by currency; zero is left out."""
    rows = await office.rows(
        """SELECT role, currency, sum(booking_lines.amount) AS amount FROM bookings
        JOIN booking_lines ON booking_id = bookings.id GROUP BY role, currency HAVING sum(booking_lines.amount) <> 0"""
    )
    return {(row.role, row.currency): int(row.amount) for row in rows}


async def test_a_sale_is_booked_step_by_step_and_ends_in_revenue_tax_and_clearing(office: Office) -> None:
    entry = await office.clerk.open()
    await office.paid(entry, fee=1_266, settlement_currency="EUR")
    assert await lines(office, "payment") == [(1, "clearing", 83_900), (1, "unassigned", -83_900)]
    assert await lines(office, "fee") == [(1, "fees", 1_266), (1, "clearing", -1_266)]
    await office.clerk.orders.create_sales_order(of_checkout(entry))
    await office.clerk.balance(entry)
    assert await lines(office, "assignment") == [(1, "unassigned", 83_900), (1, "prepayments", -83_900)]
    await office.clerk.bill(entry)
    assert await lines(office, "invoice") == [
        (1, "receivables", 83_900),
        (1, "revenue", -70_504),
        (1, "output_vat", -13_396),
    ]
    assert await lines(office, "offset") == [(1, "prepayments", 83_900), (1, "receivables", -83_900)]
    assert await balances(office) == {
        ("clearing", "EUR"): 82_634,
        ("fees", "EUR"): 1_266,
        ("revenue", "EUR"): -70_504,
        ("output_vat", "EUR"): -13_396,
    }


async def test_every_step_repeated_books_nothing_twice(office: Office) -> None:
    entry = await office.sold(fee=1_266)
    await office.refunded(entry, 10_000)
    await office.disputed(entry, DisputeStatus.OPENED, amount=5_000, fee=1_500)
    await office.paid_out("po_1", PayoutStatus.PAID, charge(entry, entry.amount, 1_266))
    before = await office.rows("SELECT * FROM booking_lines ORDER BY booking_id, position")

    await office.paid(entry, fee=1_266, settlement_currency="EUR")
    await office.clerk.balance(entry)
    await office.clerk.bill(entry)
    await office.refunded(entry, 10_000)
    await office.disputed(entry, DisputeStatus.OPENED, amount=5_000, fee=1_500)
    await office.paid_out("po_1", PayoutStatus.PAID, charge(entry, entry.amount, 1_266))

    assert await office.rows("SELECT * FROM booking_lines ORDER BY booking_id, position") == before


async def test_a_fact_told_again_books_only_what_is_missing(office: Office) -> None:
    entry = await office.sold(fee=None)
    async with office.clerk.sessions.begin() as session:
        payment = (await session.execute(text("SELECT id FROM payments"))).scalar_one()
        row = await session.get_one(PaymentRow, payment)
        for fee in (1_000, 1_000, 1_266, 900):
            row.fee = fee
            await booked.payment(session, row)
    assert [amount for _, role, amount in await lines(office, "fee") if role == "fees"] == [1_000, 266, -366]
    assert entry.amount == 83_900


async def test_a_refund_is_credited_and_one_that_comes_back_is_reversed(office: Office) -> None:
    entry = await office.sold()
    await office.refunded(entry, 10_000, back=True)
    assert await lines(office, "refund") == [
        (1, "unassigned", 10_000),
        (1, "clearing", -10_000),
        (2, "unassigned", -10_000),
        (2, "clearing", 10_000),
    ]
    assert [(role, amount) for _, role, amount in await lines(office, "credit_note")] == [
        ("receivables", -10_000),
        ("revenue", 8_403),
        ("output_vat", 1_597),
    ]
    assert (await balances(office))["unassigned", "EUR"] == -10_000


async def test_a_dispute_opens_the_receivable_again_and_a_won_one_closes_it(office: Office) -> None:
    entry = await office.sold()
    await office.disputed(entry, DisputeStatus.OPENED, amount=entry.amount, fee=1_500)
    assert (await balances(office))["receivables", "EUR"] == entry.amount
    assert (await balances(office))["dispute_fees", "EUR"] == 1_500
    await office.disputed(entry, DisputeStatus.WON, amount=entry.amount, fee=0)
    assert ("receivables", "EUR") not in await balances(office)
    assert ("dispute_fees", "EUR") not in await balances(office)


async def test_what_is_given_up_corrects_tax_rate_by_rate(office: Office) -> None:
    entry = await office.sold(lines=MIXED, discounts=[], total=None)
    await office.disputed(entry, DisputeStatus.OPENED, DisputeStatus.LOST, amount=entry.amount)
    await office.gave_up(entry, 1_234)
    await office.gave_up(entry, entry.amount - 1_234)
    found = await balances(office)
    assert ("receivables", "EUR") not in found
    assert ("output_vat", "EUR") not in found
    assert found["losses", "EUR"] == -found["revenue", "EUR"]


async def test_what_was_given_up_before_the_invoice_is_written_off_with_it(office: Office) -> None:
    entry = await office.clerk.open()
    await office.paid(entry, amount=80_000)
    await office.clerk.orders.create_sales_order(of_checkout(entry))
    await office.clerk.balance(entry)
    await office.gave_up(entry, 3_900)
    assert await lines(office, "write_off") == []
    await office.clerk.bill(entry)
    assert [(role, amount) for _, role, amount in await lines(office, "write_off")] == [
        ("receivables", -3_900),
        ("losses", 3_277),
        ("output_vat", 623),
    ]


async def test_deposits_are_booked_with_their_tax_and_taken_in_by_the_final_invoice(office: Office) -> None:
    deposit = await office.sold(document="deposit", lines=DEPOSIT, discounts=[], total=None)
    assert await balances(office) == {
        ("clearing", "EUR"): 22_600,
        ("deposits", "EUR"): -20_000,
        ("output_vat", "EUR"): -2_600,
    }
    entry = await office.sold(deducts=(deposit.assignment_key,), lines=GOODS, discounts=[], total=None)
    found = await balances(office)
    assert ("deposits", "EUR") not in found
    assert ("receivables", "EUR") not in found
    assert found["revenue", "EUR"] + found["output_vat", "EUR"] == -83_900

    await office.corrected(entry, InvoiceKind.CANCELATION)

    assert await balances(office) == {
        ("clearing", "EUR"): 83_900,
        ("unassigned", "EUR"): 22_600 - 83_900,
        ("deposits", "EUR"): -20_000,
        ("output_vat", "EUR"): -2_600,
    }


async def test_what_is_given_up_of_a_deposit_is_no_loss(office: Office) -> None:
    deposit = await office.sold(document="deposit", lines=DEPOSIT, discounts=[], total=None)
    await office.disputed(deposit, DisputeStatus.OPENED, DisputeStatus.LOST, amount=deposit.amount)
    await office.gave_up(deposit, deposit.amount)
    assert await balances(office) == {}


STRICT = replace(NORDWERK, tax=TaxSettings(rounding=TaxRounding.STRICT))
ROUNDED: dict[str, Any] = {"discounts": [], "total": None, "lines": [GOODS[0] | {"unit_price": "838.92"}]}
"""A cart that is owed a cent more than basis and tax come to: 704.97 and 133.94."""


async def test_rounding_of_the_amount_due_is_booked_apart(office: Office) -> None:
    await office.keeps(STRICT)
    await office.sold(**ROUNDED)
    assert await balances(office) == {
        ("clearing", "EUR"): 83_892,
        ("revenue", "EUR"): -70_497,
        ("output_vat", "EUR"): -13_394,
        ("rounding", "EUR"): -1,
    }


async def test_rounding_of_a_deposit_is_taken_in_with_it_and_given_back_with_its_lines(office: Office) -> None:
    await office.keeps(STRICT)
    deposit = await office.sold(document="deposit", **ROUNDED)
    final = await office.sold(
        deducts=(deposit.assignment_key,), discounts=[], total=None, lines=[GOODS[0] | {"unit_price": "1190.00"}]
    )
    taken_in = {
        ("clearing", "EUR"): 119_000,
        ("revenue", "EUR"): -100_000,
        ("output_vat", "EUR"): -19_000,
    }
    assert await balances(office) == taken_in

    await office.corrected(final, InvoiceKind.CREDIT_NOTE, amount="351.08")
    credited = await office.sold(document="deposit", **ROUNDED)
    await office.corrected(credited, InvoiceKind.CREDIT_NOTE, lines=(LineCredit(position=1),))

    found = await balances(office)
    assert ("deposits", "EUR") not in found
    assert found["unassigned", "EUR"] == -(35_108 + 83_892)


async def test_rounding_is_taken_back_with_what_was_rounded(office: Office) -> None:
    await office.keeps(STRICT)
    canceled, credited, given_up = [await office.sold(**ROUNDED) for _ in range(3)]
    await office.corrected(canceled, InvoiceKind.CANCELATION)
    await office.corrected(credited, InvoiceKind.CREDIT_NOTE)
    await office.disputed(given_up, DisputeStatus.OPENED, DisputeStatus.LOST, amount=given_up.amount)
    await office.gave_up(given_up, given_up.amount)
    found = await balances(office)
    assert (found["unassigned", "EUR"], found["clearing", "EUR"]) == (-2 * 83_892, 2 * 83_892)
    assert {role for role, _ in found} <= {"unassigned", "clearing", "losses", "revenue"}
    assert found["losses", "EUR"] == -found["revenue", "EUR"] == 70_497


async def test_a_rounded_invoice_is_given_back_in_parts_to_the_last_cent(office: Office) -> None:
    await office.keeps(STRICT)
    entry = await office.sold(**ROUNDED)
    await office.refunded(entry, 40_003)
    await office.refunded(entry, entry.amount - 40_003)
    found = await balances(office)
    assert not {"clearing", "unassigned", "receivables", "prepayments"} & {role for role, _ in found}


async def test_a_canceled_invoice_leaves_no_revenue_and_its_money_free(office: Office) -> None:
    entry = await office.sold()
    await office.corrected(entry, InvoiceKind.CANCELATION)
    assert await balances(office) == {("clearing", "EUR"): 83_900, ("unassigned", "EUR"): -83_900}


async def test_a_credit_note_by_line_sets_free_what_it_credits(office: Office) -> None:
    entry = await office.sold()
    await office.corrected(entry, InvoiceKind.CREDIT_NOTE, lines=(LineCredit(position=1, amount="119.00"),))
    assert await balances(office) == {
        ("clearing", "EUR"): 83_900,
        ("unassigned", "EUR"): -11_900,
        ("revenue", "EUR"): -60_504,
        ("output_vat", "EUR"): -11_496,
    }


async def test_foreign_money_is_booked_in_its_currency_and_converted_by_the_payout(office: Office) -> None:
    dollars = await office.sold(currency="USD")
    assert (await balances(office))["clearing", "USD"] == dollars.amount
    await office.paid_out("po_1", PayoutStatus.PAID, charge(dollars, 77_123, 1_000))
    found = await balances(office)
    assert ("clearing", "USD") not in found
    assert ("clearing", "EUR") not in found
    assert (found["conversion", "USD"], found["conversion", "EUR"]) == (dollars.amount, -77_123)
    assert (found["fees", "EUR"], found["bank", "EUR"]) == (1_000, 76_123)


async def test_a_payout_is_in_transit_until_it_is_paid_and_comes_back_when_the_bank_refuses_it(office: Office) -> None:
    entry = await office.sold(fee=1_266)
    billed = PayoutItem(reference="txn_f", kind=PayoutItemKind.FEE, source=None, amount=-300, fee=0, net=-300)
    items = (charge(entry, entry.amount, 1_266), billed)
    await office.paid_out("po_1", PayoutStatus.IN_TRANSIT, *items)
    assert (await balances(office))["transit", "EUR"] == 82_334
    assert ("clearing", "EUR") not in await balances(office)
    await office.paid_out("po_1", PayoutStatus.PAID, *items)
    assert (await balances(office))["bank", "EUR"] == 82_334
    assert ("transit", "EUR") not in await balances(office)
    await office.paid_out("po_1", PayoutStatus.FAILED, *items)
    assert (await balances(office))["clearing", "EUR"] == 82_334
    assert ("bank", "EUR") not in await balances(office)


async def test_each_customer_has_an_account_of_his_own_and_keeps_it(office: Office) -> None:
    jana, again, other = [
        await office.sold(customer=_customer(email))
        for email in ("jana@example.org", " JANA@example.org", "ole@example.org")
    ]
    found = await office.rows(
        "SELECT entry_id, max(debtor) AS debtor FROM booking_lines WHERE role = 'receivables' GROUP BY entry_id"
    )
    debtors = {row.entry_id: row.debtor for row in found}
    assert [debtors[entry.entry_id] for entry in (jana, again, other)] == [10_000, 10_000, 10_001]


async def test_customers_share_an_account_where_the_merchant_says_so_or_the_range_is_full(office: Office) -> None:
    await office.keeps(replace(NORDWERK, books=BookSettings(debtors=Debtors.SHARED, first_debtor=10_500)))
    await office.sold()
    await office.keeps(replace(NORDWERK, books=BookSettings(first_debtor=69_999)))
    await office.sold(customer=_customer("ole@example.org"))
    await office.sold(customer=_customer("ada@example.org"))
    found = await office.rows("SELECT DISTINCT debtor FROM booking_lines WHERE role = 'receivables' ORDER BY debtor")
    assert [row.debtor for row in found] == [10_500, 69_999, None]


def _customer(email: str) -> dict[str, Any]:
    return {**good_body()["customer"], "email": email.strip()}


async def test_a_wrong_account_is_corrected_by_a_reversal_once(office: Office) -> None:
    await office.sold()
    [booking] = await office.rows("SELECT id FROM bookings WHERE kind = 'invoice'")
    await office.keeps(replace(NORDWERK, books=BookSettings(chart="skr03")))

    made = await asyncio.gather(
        *[office.books.rebook(NORDWERK.id, booking.id, by="anna", reason="wrong chart") for _ in range(3)]
    )

    assert len(set(made)) == 1
    found = await office.rows(
        """SELECT account, sum(booking_lines.amount) AS amount FROM booking_lines JOIN bookings ON id = booking_id
        WHERE kind = 'invoice' GROUP BY account HAVING sum(booking_lines.amount) <> 0 ORDER BY account"""
    )
    assert [(row.account, row.amount) for row in found] == [("1400", 83_900), ("1776", -13_396), ("8400", -70_504)]
    [reversal] = await office.rows("SELECT * FROM bookings WHERE reverses_id IS NOT NULL")
    assert (reversal.reverses_id, reversal.by, reversal.reason) == (booking.id, "anna", "wrong chart")
    with pytest.raises(InvalidInput):
        await office.books.rebook(NORDWERK.id, reversal.id, by="anna", reason="once more")
    with pytest.raises(NotFound):
        await office.books.rebook("suedwerk", booking.id, by="eve", reason="not mine")


async def test_the_database_refuses_to_change_or_remove_what_was_booked(office: Office) -> None:
    await office.sold()
    before = await office.rows("SELECT * FROM booking_lines ORDER BY booking_id, position")
    for statement in (
        "UPDATE bookings SET reference = 'x'",
        "UPDATE booking_lines SET amount = amount + 1",
        "UPDATE booking_lines SET account = '9999'",
        "DELETE FROM booking_lines",
        "DELETE FROM bookings",
        "TRUNCATE bookings CASCADE",
        "TRUNCATE booking_lines",
    ):
        with pytest.raises(DBAPIError, match="part of the books"):
            await _execute(office, statement)
    assert await office.rows("SELECT * FROM booking_lines ORDER BY booking_id, position") == before


BOOKING = """INSERT INTO bookings (id, merchant_id, fact, number, kind, currency, amount, document_date, booking_date,
    reference) VALUES ('bkg_own', 'nordwerk', 'payment:own', 1, 'payment', 'EUR', 5, '2026-01-02', '2026-01-02', 'r')"""
LINE = """INSERT INTO booking_lines (booking_id, position, merchant_id, role, account, account_name, amount)
    VALUES ('{booking}', {position}, 'nordwerk', 'bank', '1000', 'Bank', {amount})"""


@pytest.mark.parametrize("amounts", [(5, -4), (5,), ()], ids=["lopsided", "one line", "no line"])
async def test_the_database_refuses_a_booking_that_does_not_balance(office: Office, amounts: tuple[int, ...]) -> None:
    added = [LINE.format(booking="bkg_own", position=n, amount=amount) for n, amount in enumerate(amounts)]
    with pytest.raises(DBAPIError, match="does not balance"):
        await _execute(office, BOOKING, *added)
    assert await office.rows("SELECT * FROM bookings") == []


async def test_the_database_refuses_lines_that_come_later(office: Office) -> None:
    await office.sold()
    [booking, *_] = await office.rows("SELECT id FROM bookings")
    later = [LINE.format(booking=booking.id, position=n, amount=amount) for n, amount in ((8, 5), (9, -5))]
    with pytest.raises(DBAPIError, match="nothing can be added"):
        await _execute(office, *later)


async def test_nothing_is_booked_when_the_fact_is_rolled_back(office: Office) -> None:
    entry = await office.clerk.open()
    with pytest.raises(RuntimeError):
        async with office.clerk.sessions.begin() as session:
            await _record_and_die(session, entry)
    assert await office.rows("SELECT * FROM bookings") == []
    assert await office.rows("SELECT * FROM payments") == []


async def _record_and_die(session: Any, entry: Entry) -> None:
    await record_payment(session, entry.merchant_id, entry.checkout_id, captured(entry), SettledBy.POLL)
    raise RuntimeError


async def _execute(office: Office, *statements: str) -> None:
    async with office.clerk.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
