"""Refunds: asked for, approved, given back, booked with their credit note, and sometimes sent back."""

import asyncio
import secrets
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WithStartWorkflowOperation, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.invoices import InvoiceStatus
from domain.payments import EventSubject, ProviderEvent
from domain.refund_requests import RefundRequest
from domain.refund_steps import RefusalKind
from domain.refunds import RefundApproval, RefundStatus, refund_id
from tests.conservation import assert_money_is_conserved
from tests.house import MERIDIAN, eventually
from tests.workflows import combined_links
from tests.workflows.conftest import Stage
from workflows.messages import (
    OpenedLink,
    OpenedRefund,
    RefundDecision,
    RefundResult,
    StartRefund,
    late_payment_id,
    refund_run_id,
)
from workflows.refund import RefundWorkflow
from workflows.reporter import TemporalReporter

TOTAL = 83_900
RefundRun = WorkflowHandle[RefundWorkflow, RefundResult]


@pytest.fixture(autouse=True)
async def conserved(stage: Stage) -> Any:
    """After every test, money is conserved."""
    yield
    await assert_money_is_conserved(stage.engine)


async def bought(stage: Stage) -> OpenedLink:
    """A completed checkout."""
    run, link = await stage.open()
    await stage.paid(run)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    return link


async def ask(
    stage: Stage, link: OpenedLink, amount: str | None = None, key: str | None = None
) -> tuple[RefundRun, OpenedRefund]:
    """The shop asks for a refund."""
    request = RefundRequest(
        checkout_id=link.checkout_id, key=key or f"r-{secrets.token_hex(4)}", amount=amount, reason="sent back"
    )
    our_id = refund_id("meridian", request.key)
    start = WithStartWorkflowOperation(
        RefundWorkflow.run,
        StartRefund(merchant_id="meridian", refund_id=our_id, request=request, opened_by=secrets.token_hex(4)),
        id=refund_run_id(our_id),
        task_queue=stage.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    opened = await stage.client.execute_update_with_start_workflow(
        RefundWorkflow.opened, start_workflow_operation=start
    )
    return stage.client.get_workflow_handle_for(RefundWorkflow.run, refund_run_id(our_id)), opened


async def hear(stage: Stage, reference: str, ours: str | None = None, event_id: str | None = None) -> None:
    """The provider speaks of a refund: durable in the inbox, then told."""
    report = stage.provider.refunds[reference]
    event = ProviderEvent(
        provider="stripe",
        event_id=event_id or f"evt_{secrets.token_hex(6)}",
        type="refund.updated",
        relevant=True,
        subject=EventSubject.REFUND,
        reference=reference,
        refund_id=ours,
        checkout_id=None,
        session_id=None,
        payment_reference=report.payment_reference,
        raw="{}",
    )
    entry = await stage.inbox.record("meridian", event)
    await TemporalReporter(stage.client, task_queue=stage.task_queue).report("meridian", entry, event)


async def rows(stage: Stage, query: str) -> list[dict[str, Any]]:
    """What the books say."""
    async with stage.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def the_refund(stage: Stage) -> dict[str, Any]:
    [refund] = await rows(stage, "SELECT * FROM refunds")
    return refund


async def ended(stage: Stage, reference: str) -> RefundResult:
    """The end of the run that adopted a refund; time passes for it until then."""
    run = stage.client.get_workflow_handle_for(RefundWorkflow.run, refund_run_id(reference))

    async def over() -> bool:
        await stage.environment.sleep(timedelta(minutes=1))
        return (await run.describe()).status is not WorkflowExecutionStatus.RUNNING

    await eventually(over)
    return await run.result()


async def event_types(stage: Stage) -> Counter[str]:
    return Counter(row["type"] for row in await rows(stage, "SELECT type FROM events"))


async def test_full_refund_gives_everything_back_and_credits_the_invoice(stage: Stage) -> None:
    link = await bought(stage)

    run, _ = await ask(stage, link)
    result = await run.result()

    assert result.status is RefundStatus.REFUNDED
    [payment] = await rows(stage, "SELECT * FROM payments")
    assert (payment["refunded"], payment["assigned"], payment["available"]) == (TOTAL, 0, 0)
    [invoice, note] = await rows(stage, "SELECT * FROM invoices ORDER BY kind DESC")
    assert (note["kind"], note["number"][:3], note["status"]) == ("credit_note", "GS-", "settled")
    assert (note["corrects_id"], note["sequence"]) == (invoice["id"], 1)
    assert [note[name] for name in ("basis_total", "tax_total", "grand_total")] == [
        invoice[name] for name in ("basis_total", "tax_total", "grand_total")
    ]
    assert [row["credit_note_id"] for row in await rows(stage, "SELECT * FROM refund_items")] == [note["id"]]
    seen = await stage.see(link)
    assert (seen.entry.status, seen.entry.open_amount) == (EntryStatus.BALANCED, 0)
    assert seen.invoice is not None
    assert (seen.invoice.id, seen.invoice.status) == (invoice["id"], InvoiceStatus.PAID)
    told = await event_types(stage)
    assert (told["refund.succeeded"], told["credit_note.finalized"]) == (1, 1)
    assert stage.provider.refunded(payment["reference"]) == TOTAL


async def test_partial_refunds_are_credited_one_by_one_and_never_exceed_the_invoice(stage: Stage) -> None:
    link = await bought(stage)

    for amount in ("100.00", "39.01", None):
        run, _ = await ask(stage, link, amount)
        assert (await run.result()).status is RefundStatus.REFUNDED
    _, too_much = await ask(stage, link, "0.01")

    notes = await rows(stage, "SELECT * FROM invoices WHERE kind = 'credit_note' ORDER BY sequence")
    assert [note["grand_total"] for note in notes] == [10_000, 3_901, TOTAL - 13_901]
    assert [note["sequence"] for note in notes] == [1, 2, 3]
    assert too_much.refusal is not None
    assert too_much.refusal.kind is RefusalKind.INVALID
    [violation] = too_much.refusal.violations
    assert (violation.pointer, "0.00 EUR" in violation.message) == ("/amount", True)


async def test_same_key_again_is_the_same_refund(stage: Stage) -> None:
    link = await bought(stage)

    first, opened = await ask(stage, link, "10.00", key="r-same")
    await first.result()
    again, reopened = await ask(stage, link, "10.00", key="r-same")
    await again.result()

    assert (opened.refund_id, opened.opened_by) == (reopened.refund_id, reopened.opened_by)
    assert stage.provider.calls.count("refund_payment") == 1


async def test_twenty_refunds_at_once_stay_within_what_was_paid(stage: Stage) -> None:
    link = await bought(stage)

    asked = await asyncio.gather(*[ask(stage, link, "100.00") for _ in range(20)])
    taken = [run for run, opened in asked if opened.refusal is None]
    results = [await run.result() for run in taken]

    assert [result.status for result in results] == [RefundStatus.REFUNDED] * 8
    [payment] = await rows(stage, "SELECT * FROM payments")
    assert payment["refunded"] == stage.provider.refunded(payment["reference"]) == 80_000


async def test_nothing_can_be_refunded_before_anything_is_captured(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(hours=1))

    _, opened = await ask(stage, link)

    assert opened.refusal is not None
    assert opened.refusal.kind is RefusalKind.NOTHING_CAPTURED
    await run.result()


async def test_refund_waits_until_the_checkout_is_invoiced(stage: Stage) -> None:
    run, link = await stage.open()
    stage.provider.pay(await stage.press_pay(run))
    await run.execute_update("payer_returned")

    refund, opened = await ask(stage, link)

    assert opened.refusal is None
    assert (await refund.result()).status is RefundStatus.REFUNDED
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert len(await rows(stage, "SELECT * FROM invoices")) == 2


async def _demand_approval(stage: Stage) -> None:
    merchant = replace(load(MERIDIAN), refund_approval=RefundApproval.REQUIRED)
    await PostgresMerchants(database.sessions(stage.engine)).save(merchant)


async def test_refund_that_needs_approval_waits_for_it_and_says_who_gave_it(stage: Stage) -> None:
    link = await bought(stage)
    await _demand_approval(stage)

    run, _ = await ask(stage, link, "50.00")
    assert (await the_refund(stage))["status"] == RefundStatus.PREPARED
    assert "refund_payment" not in stage.provider.calls
    await run.execute_update(RefundWorkflow.decide, RefundDecision(approved=True, reason="fine", by="anna"))

    assert (await run.result()).status is RefundStatus.REFUNDED
    assert (await the_refund(stage))["approved_by"] == "anna"


async def test_rejected_refund_moves_no_money_and_frees_its_amount(stage: Stage) -> None:
    link = await bought(stage)
    await _demand_approval(stage)
    run, _ = await ask(stage, link)
    _, held = await ask(stage, link, "1.00")

    await run.execute_update(RefundWorkflow.decide, RefundDecision(approved=False, reason="no", by="anna"))

    assert held.refusal is not None, "what waits for approval is not refunded twice"
    assert (await run.result()).status is RefundStatus.CANCELED
    assert stage.provider.refunds == {}
    _, freed = await ask(stage, link, "1.00")
    assert freed.refusal is None
    assert not await _late_decision(stage, run, approved=True)


async def _late_decision(stage: Stage, run: RefundRun, *, approved: bool) -> bool:
    """Somebody decides though no run waits any more; answers whether the decision counts."""
    start = WithStartWorkflowOperation(
        RefundWorkflow.run,
        StartRefund(merchant_id="meridian", refund_id=run.id.removeprefix("refund:")),
        id=run.id,
        task_queue=stage.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    decision = RefundDecision(approved=approved, reason="late", by="ben")
    verdict = await stage.client.execute_update_with_start_workflow(
        RefundWorkflow.decide, decision, start_workflow_operation=start
    )
    return verdict.taken


async def test_refund_the_provider_refuses_fails_and_leaves_the_books_as_they_were(stage: Stage) -> None:
    link = await bought(stage)
    [payment] = await rows(stage, "SELECT * FROM payments")
    stage.provider.refund_at_provider(payment["reference"], TOTAL)

    run, _ = await ask(stage, link, "10.00")

    assert (await run.result()).status is RefundStatus.FAILED
    assert (await rows(stage, "SELECT * FROM payments"))[0]["assigned"] == TOTAL
    assert (await event_types(stage))["refund.failed"] == 1
    assert len(await rows(stage, "SELECT * FROM invoices")) == 1


async def test_pending_refund_is_booked_at_once_and_told_of_when_it_arrives(stage: Stage) -> None:
    stage.provider.refunds_become = [RefundStatus.PENDING]
    link = await bought(stage)

    run, opened = await ask(stage, link, "20.00")
    await _has(stage, "booked_at")
    assert (await event_types(stage))["refund.succeeded"] == 0
    [reference] = stage.provider.refunds
    stage.provider.settle_refund(reference, RefundStatus.REFUNDED)
    await hear(stage, reference, opened.refund_id)

    assert (await run.result()).status is RefundStatus.REFUNDED
    assert (await event_types(stage))["refund.succeeded"] == 1


async def test_pending_refund_is_asked_for_when_nobody_tells_of_it(stage: Stage) -> None:
    stage.provider.refunds_become = [RefundStatus.PENDING]
    link = await bought(stage)
    run, _ = await ask(stage, link, "20.00")
    await _has(stage, "booked_at")
    [reference] = stage.provider.refunds

    stage.provider.settle_refund(reference, RefundStatus.REFUNDED)
    await stage.environment.sleep(timedelta(minutes=2))

    assert (await run.result()).status is RefundStatus.REFUNDED


async def _has(stage: Stage, column: str) -> None:
    async def there() -> bool:
        return (await the_refund(stage))[column] is not None

    await eventually(there)


async def test_refund_that_comes_back_is_available_again_and_a_case_that_names_the_credit_note(stage: Stage) -> None:
    link = await bought(stage)
    run, opened = await ask(stage, link, "30.00")
    await run.result()
    [reference] = stage.provider.refunds

    stage.provider.settle_refund(reference, RefundStatus.FAILED, "expired_or_canceled_card")
    await hear(stage, reference, opened.refund_id)
    assert (await run.result()).status in {RefundStatus.REFUNDED, RefundStatus.FAILED}
    again = stage.client.get_workflow_handle_for(RefundWorkflow.run, run.id)
    assert (await again.result()).status is RefundStatus.FAILED

    [payment] = await rows(stage, "SELECT * FROM payments")
    assert (payment["refunded"], payment["available"], payment["assigned"]) == (0, 3000, TOTAL - 3000)
    [case] = await rows(stage, "SELECT * FROM cases")
    [note] = await rows(stage, "SELECT * FROM invoices WHERE kind = 'credit_note'")
    assert (case["kind"], case["decision"]) == ("refund_failed", None)
    assert (case["data"]["credit_notes"], case["data"]["amount"]) == ([note["number"]], 3000)
    assert case["workflow_id"] == late_payment_id(link.checkout_id)
    assert (await event_types(stage))["refund.failed"] == 1


async def test_dashboard_refund_is_adopted_once_however_often_it_is_told(stage: Stage) -> None:
    link = await bought(stage)
    [payment] = await rows(stage, "SELECT * FROM payments")
    reference = stage.provider.refund_at_provider(payment["reference"], 4000)

    await hear(stage, reference, event_id="evt_1")
    await hear(stage, reference, event_id="evt_1")
    await hear(stage, reference)
    assert (await ended(stage, reference)).status is RefundStatus.REFUNDED
    await hear(stage, reference)
    await ended(stage, reference)

    refund = await the_refund(stage)
    assert (refund["origin"], refund["amount"], refund["counted"]) == ("provider", 4000, 4000)
    assert refund["checkout_id"] == link.checkout_id
    assert len(await rows(stage, "SELECT * FROM invoices WHERE kind = 'credit_note'")) == 1
    assert (await event_types(stage))["refund.succeeded"] == 1
    unapplied = "SELECT * FROM provider_events WHERE subject = 'refund' AND applied_at IS NULL"
    assert await rows(stage, unapplied) == []


async def test_refund_of_what_paid_two_entries_credits_both_invoices_and_tells_of_both(stage: Stage) -> None:
    checkouts = await combined_links.opened(stage, 2)
    our_id = await combined_links.a_link(stage, *[entry for _, _, entry in checkouts])
    session = await combined_links.press(stage, our_id)
    payment = stage.provider.pay(session)
    await combined_links.hear(stage, session)
    for _, link, _ in checkouts:
        await stage.until(link, CheckoutStatus.COMPLETED)
    invoices = {(await paid.result()).invoice_number for paid, _, _ in checkouts}
    reference = stage.provider.refund_at_provider(payment, TOTAL + 100)

    await hear(stage, reference)
    run = stage.client.get_workflow_handle_for(RefundWorkflow.run, refund_run_id(reference))
    assert (await run.result()).status is RefundStatus.REFUNDED

    notes = await rows(
        stage,
        """SELECT notes.number, notes.grand_total, invoices.number AS corrects
        FROM invoices notes JOIN invoices ON invoices.id = notes.corrects_id ORDER BY notes.sequence""",
    )
    assert [note["grand_total"] for note in notes] == [TOTAL, 100]
    assert {note["corrects"] for note in notes} == invoices
    [refund] = [one for _, link, _ in checkouts for one in (await stage.see(link)).refunds]
    assert [one.number for one in refund.credit_notes] == [note["number"] for note in notes]
    told = await rows(stage, "SELECT data FROM events WHERE type = 'credit_note.finalized' ORDER BY sequence")
    assert [event["data"]["number"] for event in told] == [note["number"] for note in notes]


async def test_refund_told_of_before_its_payment_is_booked_after_the_payment(stage: Stage) -> None:
    run, link = await stage.open()
    payment = stage.provider.pay(await stage.press_pay(run))
    reference = stage.provider.refund_at_provider(payment, 4000)

    await hear(stage, reference)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert (await ended(stage, reference)).status is RefundStatus.REFUNDED
    assert (await stage.see(link)).entry.open_amount == TOTAL - 4000


async def test_dashboard_refund_of_more_than_the_books_have_is_put_before_a_person(stage: Stage) -> None:
    await bought(stage)
    [payment] = await rows(stage, "SELECT * FROM payments")
    reference = stage.provider.refund_at_provider(payment["reference"], TOTAL + 100)

    await hear(stage, reference)
    await ended(stage, reference)

    [case] = await rows(stage, "SELECT * FROM cases")
    assert (case["kind"], case["data"]["amount"]) == ("refund_unmatched", 100)
    assert (await the_refund(stage))["counted"] == TOTAL


async def test_message_about_our_own_refund_does_not_book_it_twice(stage: Stage) -> None:
    link = await bought(stage)
    run, opened = await ask(stage, link, "15.00")
    await run.result()
    [reference] = stage.provider.refunds

    await hear(stage, reference, opened.refund_id)
    await stage.client.get_workflow_handle_for(RefundWorkflow.run, run.id).result()
    await hear(stage, reference)  # without our id, as the sweep tells of it
    await ended(stage, reference)

    assert (await the_refund(stage))["counted"] == 1500
    assert len(await rows(stage, "SELECT * FROM invoices WHERE kind = 'credit_note'")) == 1


async def test_run_that_was_lost_goes_on_from_the_books(stage: Stage) -> None:
    link = await bought(stage)
    await _demand_approval(stage)
    run, _ = await ask(stage, link, "12.00")
    await run.terminate("lost")

    assert await _late_decision(stage, run, approved=True)

    again = stage.client.get_workflow_handle_for(RefundWorkflow.run, run.id)
    assert (await again.result()).status is RefundStatus.REFUNDED
    assert stage.provider.calls.count("refund_payment") == 1


async def test_credit_note_that_breaks_a_rule_takes_no_number_and_is_issued_once_that_is_mended(stage: Stage) -> None:
    link, merchants, meridian = await bought(stage), PostgresMerchants(database.sessions(stage.engine)), load(MERIDIAN)
    unregistered = replace(meridian, seller=replace(meridian.seller, vat_id=None, tax_number=None))
    await merchants.save(unregistered)
    run, _ = await ask(stage, link)

    async def put_before_a_person() -> list[dict[str, Any]] | None:
        return await rows(stage, "SELECT kind, data FROM cases") or None

    [case] = await eventually(put_before_a_person)
    assert (case["kind"], "BR-S-02 /seller" in case["data"]["detail"]) == ("step_failed", True)
    assert await rows(stage, "SELECT id FROM series WHERE kind = 'credit_note'") == []
    await merchants.save(meridian)

    assert (await run.result()).status is RefundStatus.REFUNDED
    notes = await rows(stage, "SELECT number FROM invoices WHERE kind = 'credit_note'")
    assert [note["number"][-6:] for note in notes] == ["000001"]
