"""Refunds in the books: never more than a payment has, credited within the invoice, whoever ordered them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.postgres.late_money import PostgresLateMoneyBook
from adapters.postgres.refunds import PostgresRefundBook
from domain.cases import RecordRefund, SortOut
from domain.refund_requests import RefundRequest
from domain.refund_steps import (
    AdoptRefund,
    ApplyRefund,
    OfRefund,
    Prepared,
    PrepareRefund,
    RefundStanding,
    RefusalKind,
)
from domain.refunds import RefundReport, RefundStatus, refund_id
from domain.steps import Entry
from tests.clerk import TOTAL, Clerk, captured
from tests.conservation import assert_money_is_conserved

MONEY_RUN = "late-payment:chk"


def book(clerk: Clerk) -> PostgresRefundBook:
    return PostgresRefundBook(clerk.sessions)


async def rows(clerk: Clerk, query: str) -> list[dict[str, Any]]:
    """What the books say."""
    async with clerk.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def prepare(clerk: Clerk, entry: Entry, key: str, **changes: str | None) -> Prepared:
    """A shop's refund, written down."""
    request = RefundRequest(checkout_id=entry.checkout_id, key=key, reason="sent back", **changes)
    step = PrepareRefund(
        merchant_id=entry.merchant_id, refund_id=refund_id(entry.merchant_id, key), opened_by=key, request=request
    )
    return await book(clerk).prepare(step)


async def carry_out(clerk: Clerk, entry: Entry, prepared: Prepared) -> RefundStanding:
    """Order a prepared refund, and book that the provider made it."""
    assert prepared.standing is not None
    step = OfRefund(merchant_id=entry.merchant_id, refund_id=prepared.standing.refund_id)
    order = (await book(clerk).release(step)).order
    assert order is not None
    report = RefundReport(
        reference=f"re_{order.refund_id}",
        status=RefundStatus.REFUNDED,
        amount=order.amount,
        currency=order.currency,
        refund_id=order.refund_id,
        payment_reference=order.payment_reference,
    )
    return await apply(clerk, entry, step.refund_id, report)


async def apply(clerk: Clerk, entry: Entry, our_id: str, report: RefundReport) -> RefundStanding:
    """Book what the provider says."""
    step = ApplyRefund(merchant_id=entry.merchant_id, refund_id=our_id, money_run=MONEY_RUN, report=report)
    return await book(clerk).apply(step)


async def billed(clerk: Clerk) -> Entry:
    """A paid and invoiced checkout."""
    entry = await clerk.billable()
    await clerk.bill(entry)
    return entry


async def test_twenty_refunds_prepared_at_once_stay_within_the_payment(clerk: Clerk) -> None:
    entry = await billed(clerk)

    asked = await asyncio.gather(*[prepare(clerk, entry, f"r-{n}", amount="100.00") for n in range(20)])

    taken = [prepared for prepared in asked if prepared.standing is not None]
    assert len(taken) == 8
    done = await asyncio.gather(*[carry_out(clerk, entry, prepared) for prepared in taken])
    assert all(standing.booked for standing in done)
    [payment] = await rows(clerk, "SELECT * FROM payments")
    assert (payment["refunded"], payment["assigned"]) == (80_000, TOTAL - 80_000)
    notes = await rows(clerk, "SELECT sequence, grand_total FROM invoices WHERE kind = 'credit_note' ORDER BY sequence")
    assert [(note["sequence"], note["grand_total"]) for note in notes] == [(n, 10_000) for n in range(1, 9)]
    await assert_money_is_conserved(clerk.engine)


async def test_preparing_again_finds_the_refund(clerk: Clerk) -> None:
    entry = await billed(clerk)

    first, again = [await prepare(clerk, entry, "r-1", amount="5.00") for _ in range(2)]

    assert first == again
    assert len(await rows(clerk, "SELECT * FROM refunds")) == 1


async def test_booking_again_changes_nothing(clerk: Clerk) -> None:
    entry = await billed(clerk)
    prepared = await prepare(clerk, entry, "r-1", amount="5.00")

    first = await carry_out(clerk, entry, prepared)
    before = await rows(clerk, "SELECT * FROM payments UNION ALL SELECT * FROM payments")
    again = await apply(clerk, entry, first.refund_id, await _report(clerk))

    assert again == first
    assert before == await rows(clerk, "SELECT * FROM payments UNION ALL SELECT * FROM payments")
    assert len(await rows(clerk, "SELECT * FROM invoices WHERE kind = 'credit_note'")) == 1


async def _report(clerk: Clerk, status: RefundStatus = RefundStatus.REFUNDED, **changes: Any) -> RefundReport:
    """What the provider says of the one refund in the books."""
    [refund] = await rows(
        clerk, "SELECT refunds.*, payments.reference FROM refunds JOIN payments ON payments.id = refunds.payment_id"
    )
    report = RefundReport(
        reference=refund["provider_reference"] or "re_1",
        status=status,
        amount=refund["amount"],
        currency=refund["currency"],
        payment_reference=refund["reference"],
    )
    return replace(report, **changes)


async def test_stale_report_does_not_bring_a_failed_refund_back(clerk: Clerk) -> None:
    entry = await billed(clerk)
    done = await carry_out(clerk, entry, await prepare(clerk, entry, "r-1", amount="5.00"))
    await apply(clerk, entry, done.refund_id, await _report(clerk, RefundStatus.FAILED, failure="declined"))

    stale = await apply(clerk, entry, done.refund_id, await _report(clerk))

    assert stale.status is RefundStatus.FAILED
    [payment] = await rows(clerk, "SELECT * FROM payments")
    assert (payment["refunded"], payment["available"]) == (0, 500)
    assert [case["kind"] for case in await rows(clerk, "SELECT kind FROM cases")] == ["refund_failed"]
    await assert_money_is_conserved(clerk.engine)


async def test_refund_of_money_that_was_never_invoiced_needs_no_credit_note(clerk: Clerk) -> None:
    entry = await billed(clerk)
    await clerk.find(entry, captured(entry, amount=1_000, reference="pi_twice"))
    [payment] = await rows(clerk, "SELECT id FROM payments WHERE reference = 'pi_twice'")

    prepared = await prepare(clerk, entry, "r-1", payment_id=payment["id"])
    done = await carry_out(clerk, entry, prepared)

    assert done.booked
    assert done.loose
    assert (await rows(clerk, "SELECT amount, from_entry FROM refunds")) == [{"amount": 1_000, "from_entry": 0}]
    assert await rows(clerk, "SELECT * FROM invoices WHERE kind = 'credit_note'") == []


async def test_payment_must_be_named_when_several_have_money_left(clerk: Clerk) -> None:
    entry = await billed(clerk)
    await clerk.find(entry, captured(entry, amount=1_000, reference="pi_twice"))

    unnamed = await prepare(clerk, entry, "r-1", amount="5.00")
    unknown = await prepare(clerk, entry, "r-2", amount="5.00", payment_id="pay_nobody")

    for prepared, words in ((unnamed, "(10.00 EUR)"), (unknown, "must be a payment of this checkout")):
        assert prepared.refusal is not None
        assert prepared.refusal.kind is RefusalKind.INVALID
        [violation] = prepared.refusal.violations
        assert violation.pointer == "/payment_id"
        assert words in violation.message


async def test_money_gone_meanwhile_fails_the_refund_before_it_is_ordered(clerk: Clerk) -> None:
    entry = await billed(clerk)
    prepared = await prepare(clerk, entry, "r-1")
    assert prepared.standing is not None
    async with clerk.engine.begin() as connection:
        await connection.execute(
            text("""
            WITH untied AS (DELETE FROM entry_items), opened AS (UPDATE entries SET assigned = 0, status = 'open')
            UPDATE payments SET assigned = 0, disputed = captured
            """)
        )

    step = OfRefund(merchant_id=entry.merchant_id, refund_id=prepared.standing.refund_id)
    released = await book(clerk).release(step)

    assert released.order is None
    assert released.standing.status is RefundStatus.FAILED


async def test_database_refuses_a_credit_note_beyond_the_invoice(clerk: Clerk) -> None:
    entry = await billed(clerk)
    await carry_out(clerk, entry, await prepare(clerk, entry, "r-1", amount="838.99"))
    copy = """
        INSERT INTO invoices SELECT (jsonb_populate_record(invoices, jsonb_build_object(
            'id', 'inv_copy', 'number', 'GS-copy', 'sequence', 99, 'place', 99, 'grand_total', {amount}))).*
        FROM invoices WHERE kind = 'credit_note'
    """

    with pytest.raises(DBAPIError, match="more than was invoiced"):
        await _execute(clerk, copy.format(amount=2))
    await _execute(clerk, copy.format(amount=1))


async def test_finalized_credit_note_never_changes(clerk: Clerk) -> None:
    entry = await billed(clerk)
    await carry_out(clerk, entry, await prepare(clerk, entry, "r-1", amount="5.00"))

    for statement in (
        "UPDATE invoices SET grand_total = 1 WHERE kind = 'credit_note'",
        "UPDATE invoices SET corrects_id = NULL, kind = 'invoice' WHERE kind = 'credit_note'",
        "DELETE FROM invoices WHERE kind = 'credit_note'",
    ):
        with pytest.raises(DBAPIError, match="is finalized"):
            await _execute(clerk, statement)


async def _execute(clerk: Clerk, statement: str) -> None:
    async with clerk.engine.begin() as connection:
        await connection.execute(text(statement))


async def _surplus(clerk: Clerk) -> tuple[Entry, str]:
    """Money that was paid twice, which the policy gives back; answers the case."""
    entry = await billed(clerk)
    await clerk.find(entry, captured(entry, amount=1_000, reference="pi_twice"))
    docket = await PostgresLateMoneyBook(clerk.sessions).sort_out(
        SortOut(
            merchant_id=entry.merchant_id,
            checkout_id=entry.checkout_id,
            payment_reference=None,
            workflow_id=MONEY_RUN,
            at=datetime.now(UTC),
        )
    )
    assert docket.task is not None
    return entry, docket.task.case_id


async def test_refund_that_a_case_ordered_is_listed_and_its_money_not_moved_twice(clerk: Clerk) -> None:
    entry, case_id = await _surplus(clerk)
    report = RefundReport(
        reference="re_case",
        status=RefundStatus.REFUNDED,
        amount=1_000,
        currency="EUR",
        refund_id=case_id,
        payment_reference="pi_twice",
    )
    step = AdoptRefund(merchant_id=entry.merchant_id, report=report)

    adopted = await book(clerk).adopt(step)
    assert adopted is not None
    early = await apply(clerk, entry, adopted.refund_id, report)
    await PostgresLateMoneyBook(clerk.sessions).record_refund(
        RecordRefund(merchant_id=entry.merchant_id, case_id=case_id, refund=report, at=datetime.now(UTC))
    )
    settled = await apply(clerk, entry, adopted.refund_id, report)

    assert not early.booked, "the run of the case moves its money"
    assert settled.booked
    assert settled.settled
    [refund] = await rows(clerk, "SELECT origin, counted FROM refunds")
    assert (refund["origin"], refund["counted"]) == ("late_money", 1_000)
    [payment] = await rows(clerk, "SELECT * FROM payments WHERE reference = 'pi_twice'")
    assert (payment["refunded"], payment["available"]) == (1_000, 0)
    told = await rows(clerk, "SELECT * FROM events WHERE type = 'refund.succeeded'")
    assert len(told) == 1

    back = replace(report, status=RefundStatus.FAILED, failure="declined")
    assert (await apply(clerk, entry, adopted.refund_id, back)).loose
    [payment] = await rows(clerk, "SELECT * FROM payments WHERE reference = 'pi_twice'")
    assert (payment["refunded"], payment["available"]) == (0, 1_000)
    assert (await rows(clerk, "SELECT kind FROM cases WHERE decision IS NULL")) == [{"kind": "refund_failed"}]
