"""Disputes: the bank takes money back, and gives it up or keeps it, however its messages arrive."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.disputes import PostgresDisputeBook
from adapters.postgres.merchants import PostgresMerchants
from api.settlement_runs import TemporalSettlementRuns
from domain.disputes import DisputeReport, DisputeStatus, RecordDispute
from domain.entries import EntryStatus
from domain.invoices import InvoiceStatus
from domain.late_money import OverpaymentPolicy
from domain.payments import EventSubject, PaymentStatus
from domain.settlements import Reduce, ReductionKind
from domain.views import CheckoutView
from tests.house import MERIDIAN, eventually
from tests.proofs import spread
from tests.workflows.conftest import Stage
from workflows.messages import OpenedLink, dispute_id


async def completed(stage: Stage) -> tuple[OpenedLink, str]:
    """A checkout that was paid, invoiced and mailed; answers its link and the provider's session."""
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)
    await run.result()
    return link, session


async def hear(stage: Stage, reference: str, event_id: str | None = None) -> None:
    """The provider's message about a dispute arrives."""
    payment = stage.provider.disputes[reference].payment_reference
    await stage.hear(EventSubject.DISPUTE, reference, payment=payment, event_id=event_id)


async def disputed(stage: Stage, link: OpenedLink, status: DisputeStatus) -> CheckoutView:
    """The checkout, once its one dispute stands there."""

    async def there() -> CheckoutView | None:
        seen = await stage.see(link)
        return seen if [dispute.status for dispute in seen.disputes] == [status] else None

    return await eventually(there)


async def ended(stage: Stage, reference: str) -> None:
    """Wait until the dispute's run is over."""

    async def over() -> bool:
        return (await stage.client.get_workflow_handle(dispute_id(reference)).describe()).close_time is not None

    await eventually(over)


async def money(stage: Stage) -> tuple[int, int, int, int, int]:
    """Captured, assigned, available, refunded, disputed; and each sum that must agree with another does."""
    [payment] = await stage.rows("SELECT id, captured, assigned, available, refunded, disputed FROM payments")
    [entry] = await stage.rows("SELECT assigned, (SELECT coalesce(sum(amount), 0) FROM entry_items) FROM entries")
    [held] = await stage.rows("SELECT coalesce(sum(held), 0) FROM disputes")
    assert payment.captured == payment.assigned + payment.available + payment.refunded + payment.disputed
    assert tuple(entry) == (payment.assigned, payment.assigned)
    assert held[0] == payment.disputed
    return tuple(payment)[1:]


async def events(stage: Stage) -> list[str]:
    """What the shop was told of disputes, in order."""
    told = await stage.rows("SELECT type FROM events WHERE type LIKE 'dispute.%' ORDER BY sequence")
    return [row.type for row in told]


async def test_disputed_money_leaves_the_entry_and_the_shop_is_told_of_the_deadline(stage: Stage) -> None:
    link, session = await completed(stage)
    due = await stage.environment.get_current_time() + timedelta(days=7)
    await hear(stage, stage.provider.dispute(session, due=due))

    seen = await disputed(stage, link, DisputeStatus.OPENED)

    assert [payment.status for payment in seen.payments] == [PaymentStatus.REVERSED]
    assert seen.entry.status is EntryStatus.OPEN
    assert seen.entry.outstanding_amount == seen.total
    assert seen.invoice is not None
    assert seen.invoice.status is InvoiceStatus.OPEN
    assert seen.disputes[0].evidence_due_at == due
    assert await money(stage) == (seen.total, 0, 0, 0, seen.total)
    [told] = await stage.rows("SELECT data FROM events WHERE type = 'dispute.opened'")
    assert told.data["evidence_due_at"] == due.isoformat()


async def test_won_dispute_brings_the_money_back_to_the_entry(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session)
    await hear(stage, reference)
    await disputed(stage, link, DisputeStatus.OPENED)
    stage.provider.close_dispute(reference, DisputeStatus.WON)
    await hear(stage, reference)

    seen = await disputed(stage, link, DisputeStatus.WON)

    assert [payment.status for payment in seen.payments] == [PaymentStatus.COLLECTED]
    assert seen.entry.status is EntryStatus.BALANCED
    assert seen.invoice is not None
    assert seen.invoice.status is InvoiceStatus.PAID
    assert await money(stage) == (seen.total, seen.total, 0, 0, 0)
    assert await events(stage) == ["dispute.opened", "dispute.closed"]


async def test_lost_dispute_keeps_the_money_away_and_is_put_before_a_person(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session)
    stage.provider.close_dispute(reference, DisputeStatus.LOST)
    await hear(stage, reference)

    seen = await disputed(stage, link, DisputeStatus.LOST)

    assert seen.entry.status is EntryStatus.OPEN
    assert await money(stage) == (seen.total, 0, 0, 0, seen.total)
    assert [tuple(row) for row in await stage.rows("SELECT fee FROM disputes")] == [(2000,)]
    [case] = await stage.rows("SELECT kind, options, data, checkout_id FROM cases")
    assert (case.kind, case.options, case.checkout_id) == ("dispute_lost", ["write_off", "claim"], seen.id)
    [closed] = await stage.rows("SELECT data FROM events WHERE type = 'dispute.closed'")
    assert closed.data["outcome"] == "lost"


async def test_dispute_of_a_part_takes_only_that_part(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session, amount=1000)
    await hear(stage, reference)

    seen = await disputed(stage, link, DisputeStatus.OPENED)

    assert [payment.status for payment in seen.payments] == [PaymentStatus.COLLECTED]
    assert seen.entry.outstanding_amount == 1000
    assert await money(stage) == (seen.total, seen.total - 1000, 0, 0, 1000)
    stage.provider.close_dispute(reference, DisputeStatus.WON)
    await hear(stage, reference)
    seen = await disputed(stage, link, DisputeStatus.WON)
    assert seen.entry.status is EntryStatus.BALANCED
    assert await money(stage) == (seen.total, seen.total, 0, 0, 0)


async def test_inquiry_without_withdrawal_leaves_the_money_where_it_is(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session)
    stage.provider.disputes[reference] = replace(stage.provider.disputes[reference], withdrawn=False, fee=None)
    await hear(stage, reference)

    seen = await disputed(stage, link, DisputeStatus.OPENED)

    assert seen.entry.status is EntryStatus.BALANCED
    assert await money(stage) == (seen.total, seen.total, 0, 0, 0)
    stage.provider.close_dispute(reference, DisputeStatus.WITHDRAWN)
    await hear(stage, reference)
    await disputed(stage, link, DisputeStatus.WITHDRAWN)
    assert await events(stage) == ["dispute.opened", "dispute.closed"]


async def test_shop_is_reminded_two_days_before_the_evidence_is_due_and_only_once(stage: Stage) -> None:
    link, session = await completed(stage)
    due = await stage.environment.get_current_time() + timedelta(days=10)
    reference = stage.provider.dispute(session, due=due)
    await hear(stage, reference)
    await disputed(stage, link, DisputeStatus.OPENED)

    await stage.environment.sleep(timedelta(days=7, hours=23))
    assert await events(stage) == ["dispute.opened"]
    await stage.environment.sleep(timedelta(days=3))

    assert await events(stage) == ["dispute.opened", "dispute.deadline_near"]


async def test_decision_whose_message_was_lost_is_found_within_a_day(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session)
    await hear(stage, reference)
    await disputed(stage, link, DisputeStatus.OPENED)
    stage.provider.close_dispute(reference, DisputeStatus.WON)

    await stage.environment.sleep(timedelta(days=1, minutes=1))
    await ended(stage, reference)

    assert (await stage.see(link)).entry.status is EntryStatus.BALANCED


async def test_repeated_message_after_the_end_changes_nothing_and_is_marked_applied(stage: Stage) -> None:
    link, session = await completed(stage)
    reference = stage.provider.dispute(session)
    await hear(stage, reference, "evt_created")
    await disputed(stage, link, DisputeStatus.OPENED)
    stage.provider.close_dispute(reference, DisputeStatus.WON)
    await hear(stage, reference)
    await disputed(stage, link, DisputeStatus.WON)
    told = await events(stage)

    await hear(stage, reference, "evt_created")
    await hear(stage, reference, "evt_late")
    await ended(stage, reference)

    assert await events(stage) == told
    assert await stage.rows("SELECT event_id FROM provider_events WHERE relevant AND applied_at IS NULL") == []


async def test_payment_report_that_comes_during_a_dispute_does_not_bring_the_money_back(stage: Stage) -> None:
    link, session = await completed(stage)
    await hear(stage, stage.provider.dispute(session))
    before = await disputed(stage, link, DisputeStatus.OPENED)

    await stage.hear(EventSubject.PAYMENT, "ch_1", payment=before.payments[0].provider_reference)

    async def applied() -> bool:
        return not await stage.rows("SELECT 1 FROM provider_events WHERE relevant AND applied_at IS NULL")

    await eventually(applied)
    seen = await stage.see(link)
    assert (seen.payments, seen.entry, seen.review) == (before.payments, before.entry, None)
    assert await money(stage) == (seen.total, 0, 0, 0, seen.total)


async def write_off(stage: Stage, link: OpenedLink) -> None:
    """The merchant gives up what the bank has kept."""
    entry_id = (await stage.see(link)).entry.id
    request = Reduce(
        key="W-1", entry_id=entry_id, amount="839.00", reduction=ReductionKind.WRITE_OFF, reason="the bank kept it"
    )
    runs = TemporalSettlementRuns(stage.client, task_queue=stage.task_queue)
    assert await runs.ask("meridian", request, by="anna")


async def test_money_that_returns_after_the_debt_was_written_off_is_not_overlooked(stage: Stage) -> None:
    merchants = PostgresMerchants(database.sessions(stage.engine))
    await merchants.save(replace(load(MERIDIAN), overpayment=OverpaymentPolicy.HOLD))
    link, paid = await completed(stage)
    reference = stage.provider.dispute(paid)
    stage.provider.close_dispute(reference, DisputeStatus.LOST)
    await hear(stage, reference)
    total = (await disputed(stage, link, DisputeStatus.LOST)).total
    await write_off(stage, link)
    stage.provider.close_dispute(reference, DisputeStatus.WON)
    await hear(stage, reference)

    await disputed(stage, link, DisputeStatus.WON)

    async def found() -> bool:
        return [row.kind for row in await stage.rows("SELECT kind FROM cases WHERE kind <> 'dispute_lost'")] == [
            "surplus"
        ]

    await eventually(found)
    assert await money(stage) == (total, 0, total, 0, 0)


STORY = ("created", "updated", "funds_withdrawn", "closed", "funds_reinstated")


@pytest.mark.proof
@pytest.mark.parametrize("first", STORY)
@pytest.mark.parametrize("outcome", [DisputeStatus.WON, DisputeStatus.LOST])
async def test_reports_end_the_same_in_every_order_and_doubled(
    stage: Stage, outcome: DisputeStatus, first: str
) -> None:
    link, session = await completed(stage)
    template = stage.provider.disputes[stage.provider.dispute(session)]
    lost = outcome is DisputeStatus.LOST
    reports = {
        "created": replace(template, withdrawn=False, fee=None),
        "updated": replace(template, withdrawn=False, fee=None, reason="updated"),
        "funds_withdrawn": template,
        "closed": replace(template, status=outcome),
        "funds_reinstated": replace(template, status=outcome, withdrawn=lost),
    }
    book = PostgresDisputeBook(database.sessions(stage.engine))
    at = await stage.environment.get_current_time()
    total = (await stage.see(link)).total
    orders = spread([order for order in permutations(STORY) if order[0] == first], some=2)
    for number, order in enumerate(orders):
        for name in order + order[:2]:
            report = _numbered(reports[name], number)
            told = RecordDispute(merchant_id="meridian", report=report, event_ids=(), at=at)
            await book.record_dispute(told)
        assert await money(stage) == ((total, 0, 0, 0, total) if lost else (total, total, 0, 0, 0)), order
        assert (await stage.rows("SELECT status, fee FROM disputes ORDER BY reference DESC LIMIT 1"))[0] == (
            outcome,
            2000,
        )
        assert (await events(stage))[-2:] == ["dispute.opened", "dispute.closed"]
        won = _numbered(replace(template, status=DisputeStatus.WON, withdrawn=False), number)
        await book.record_dispute(RecordDispute(merchant_id="meridian", report=won, event_ids=(), at=at))


def _numbered(report: DisputeReport, number: int) -> DisputeReport:
    return replace(report, reference=f"du_{number:04}")
