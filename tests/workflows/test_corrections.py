"""Corrections: issued once, mailed like invoices, and the money they set free finds a place."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

from temporalio.client import WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from api.settlement_runs import TemporalSettlementRuns
from domain.checkout import CheckoutStatus
from domain.corrections import NOT_SENT, CorrectionRequest, LineCredit, RefusalKind, correction_id
from domain.entries import EntryStatus
from domain.errors import MailDeferred, MailRefused
from domain.invoices import InvoiceKind
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy
from domain.settlements import CreditBalance, Reduce, ReductionKind, settlement_id
from tests.house import MERIDIAN, eventually
from tests.workflows.conftest import Stage
from tests.workflows.late_money import late_run_over, say
from tests.workflows.test_refunds import TOTAL, ask, bought, rows
from workflows.correction import CorrectionWorkflow
from workflows.messages import (
    CorrectionResult,
    OpenedCorrection,
    OpenedLink,
    StartCorrection,
    correction_run_id,
    late_payment_id,
    settlement_run_id,
)
from workflows.settlement import SettlementWorkflow

CorrectionRun = WorkflowHandle[CorrectionWorkflow, CorrectionResult]


async def policies(stage: Stage, **changes: Any) -> None:
    """The merchant changes its mind."""
    await PostgresMerchants(database.sessions(stage.engine)).save(replace(load(MERIDIAN), **changes))


async def correct(
    stage: Stage, link: OpenedLink, kind: InvoiceKind, *, key: str | None = None, **wanted: Any
) -> tuple[CorrectionRun, OpenedCorrection]:
    """The shop asks for a correction of the invoice."""
    [invoice] = await rows(stage, "SELECT id FROM invoices WHERE kind = 'invoice' ORDER BY finalized_at DESC LIMIT 1")
    request = CorrectionRequest(
        kind=kind, invoice_id=invoice["id"], key=key or secrets.token_hex(4), reason="sent back", **wanted
    )
    our_id = correction_id("meridian", request.key)
    start = WithStartWorkflowOperation(
        CorrectionWorkflow.run,
        StartCorrection(merchant_id="meridian", correction_id=our_id, request=request, opened_by=secrets.token_hex(4)),
        id=correction_run_id(our_id),
        task_queue=stage.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    opened = await stage.client.execute_update_with_start_workflow(
        CorrectionWorkflow.opened, start_workflow_operation=start
    )
    return stage.client.get_workflow_handle_for(CorrectionWorkflow.run, correction_run_id(our_id)), opened


async def test_credit_note_is_written_and_mailed_and_the_money_goes_back_by_policy(stage: Stage) -> None:
    await policies(stage, overpayment=OverpaymentPolicy.REFUND)
    link = await bought(stage)

    run, opened = await correct(stage, link, InvoiceKind.CREDIT_NOTE, lines=(LineCredit(position=1, amount="39.00"),))
    await run.result()

    assert opened.document_id is not None
    assert [mail.attachments[0].name for mail in stage.mailer.sent][1:] == ["GS-" + _year(stage) + "-000001.pdf"]
    documents = await rows(stage, "SELECT invoice_id, kind FROM documents")
    assert {document["kind"] for document in documents if document["invoice_id"] == opened.document_id} == {
        "invoice_pdf",
        "invoice_xml",
        "invoice_ubl",
    }

    async def given_back() -> bool:
        return stage.provider.calls.count("refund_payment") == 1

    await eventually(given_back)
    await stage.client.get_workflow_handle(late_payment_id(link.checkout_id)).result()
    [payment] = await rows(stage, "SELECT assigned, available, refunded FROM payments")
    assert payment == {"assigned": TOTAL - 3_900, "available": 0, "refunded": 3_900}
    assert len(await rows(stage, "SELECT * FROM invoices WHERE kind = 'credit_note'")) == 1
    seen = await stage.see(link)
    assert (seen.status, seen.entry.status) == (CheckoutStatus.COMPLETED, EntryStatus.BALANCED)


def _year(stage: Stage) -> str:
    return stage.mailer.sent[0].attachments[0].name.split("-")[1]


async def test_canceled_invoice_is_mailed_and_its_money_is_put_before_a_person(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.HOLD)
    link = await bought(stage)

    run, _ = await correct(stage, link, InvoiceKind.CANCELATION)
    await run.result()

    assert stage.mailer.sent[-1].attachments[0].name.startswith("ST-")

    async def opened() -> bool:
        return bool(await rows(stage, "SELECT * FROM cases"))

    await eventually(opened)
    [case] = await rows(stage, "SELECT kind, data FROM cases")
    assert (case["kind"], case["data"]["amount"]) == ("late_payment", TOTAL)
    seen = await stage.see(link)
    assert (seen.entry.status, seen.invoice) == (EntryStatus.CANCELED, None)


async def test_canceled_invoice_of_a_merchant_who_accepts_late_money_is_billed_anew(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    link = await bought(stage)

    run, _ = await correct(stage, link, InvoiceKind.CANCELATION)
    await run.result()

    async def billed() -> bool:
        seen = await stage.see(link)
        return seen.invoice is not None and seen.status is CheckoutStatus.COMPLETED

    await eventually(billed)
    documents = await rows(stage, "SELECT kind, status FROM invoices ORDER BY finalized_at")
    assert [(one["kind"], one["status"]) for one in documents] == [
        ("invoice", "canceled"),
        ("cancelation", "settled"),
        ("invoice", "paid"),
    ]
    assert len(stage.mailer.sent) == 3


async def test_the_same_key_again_is_the_same_correction_and_one_mail(stage: Stage) -> None:
    link = await bought(stage)

    asked = await asyncio.gather(
        *(correct(stage, link, InvoiceKind.CREDIT_NOTE, key="c-1", amount="5.00") for _ in range(5))
    )
    await asked[0][0].result()
    again, reopened = await correct(stage, link, InvoiceKind.CREDIT_NOTE, key="c-1", amount="5.00")
    await again.result()

    assert {(opened.document_id, opened.opened_by) for _, opened in asked} == {
        (reopened.document_id, reopened.opened_by)
    }
    assert len(stage.mailer.sent) == 2


async def test_refused_correction_says_why_and_writes_nothing(stage: Stage) -> None:
    link = await bought(stage)

    run, opened = await correct(stage, link, InvoiceKind.CREDIT_NOTE, amount="839.01")

    assert (await run.result()).document_id is None
    assert opened.refusal is not None
    assert opened.refusal.kind is RefusalKind.INVALID
    assert len(await rows(stage, "SELECT * FROM invoices")) == 1


async def test_correction_nobody_can_be_mailed_is_put_before_a_person(stage: Stage) -> None:
    link = await bought(stage)
    stage.mailer.answers = [MailRefused("550 no such mailbox")]

    run, opened = await correct(stage, link, InvoiceKind.CREDIT_NOTE, amount="5.00")
    await run.result()

    [case] = await rows(stage, "SELECT kind, data FROM cases WHERE data ->> 'document' IS NOT NULL")
    assert (case["kind"], case["data"]["document"]) == (NOT_SENT, opened.document_id)


async def test_credit_note_of_a_refund_is_mailed_once(stage: Stage) -> None:
    link = await bought(stage)

    run, _ = await ask(stage, link, "39.00")
    await run.result()
    [note] = await rows(stage, "SELECT number FROM invoices WHERE kind = 'credit_note'")

    assert [mail.attachments[0].name for mail in stage.mailer.sent][1:] == [f"{note['number']}.pdf"]
    told = await rows(stage, "SELECT type FROM events ORDER BY sequence")
    assert [event["type"] for event in told if event["type"].endswith(".sent")] == ["invoice.sent", "credit_note.sent"]


async def reduced(stage: Stage, link: OpenedLink) -> WorkflowHandle[SettlementWorkflow, None]:
    """Somebody lowers what is owed on the invoice by 39.00; the same again, if he did before."""
    wanted = Reduce(
        key="R-1",
        entry_id=(await stage.see(link)).entry.id,
        amount="39.00",
        reduction=ReductionKind.CREDIT,
        reason="scratched",
        credit_balance=CreditBalance.FUTURE_SETTLEMENT,
    )
    await TemporalSettlementRuns(stage.client, task_queue=stage.task_queue).ask("meridian", wanted, by="anna")
    return stage.client.get_workflow_handle_for(
        SettlementWorkflow.run, settlement_run_id(settlement_id("meridian", wanted.key))
    )


async def test_credit_note_of_a_reduction_is_mailed_once_however_often_it_is_tried(stage: Stage) -> None:
    link = await bought(stage)
    stage.mailer.answers = [MailDeferred("451 later"), MailDeferred("421 too busy")]

    for _ in range(2):
        run = await reduced(stage, link)
        await run.result()

    [note] = await rows(stage, "SELECT number FROM invoices WHERE kind = 'credit_note'")
    assert stage.mailer.answers == []
    assert [mail.attachments[0].name for mail in stage.mailer.sent][1:] == [f"{note['number']}.pdf"]
    assert stage.mailer.sent[1].recipient == stage.mailer.sent[0].recipient
    told = await rows(stage, "SELECT type FROM events ORDER BY sequence")
    assert [event["type"] for event in told if event["type"].endswith(".sent")] == ["invoice.sent", "credit_note.sent"]


async def test_credit_note_of_a_reduction_nobody_can_be_mailed_is_put_before_a_person(stage: Stage) -> None:
    link = await bought(stage)
    stage.mailer.answers = [MailRefused("550 no such mailbox")]

    run = await reduced(stage, link)
    await run.result()

    [case] = await rows(stage, "SELECT kind, checkout_id FROM cases WHERE data ->> 'document' IS NOT NULL")
    assert case == {"kind": NOT_SENT, "checkout_id": link.checkout_id}


async def test_credit_granted_before_late_money_was_accepted_is_documented_and_mailed(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    run, link = await stage.open()
    session = await stage.press_pay(run)
    settlement = await reduced(stage, link)
    await settlement.result()
    assert (await run.result()).status is CheckoutStatus.EXPIRED
    stage.provider.pay(session, amount=TOTAL - 3_900)

    await say(stage, session=session, checkout=link.checkout_id)
    await late_run_over(stage, link)

    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    kinds = [row["kind"] for row in await rows(stage, "SELECT kind FROM invoices ORDER BY finalized_at")]
    assert kinds == ["invoice", "credit_note"]
    assert [mail.attachments[0].name[:3] == "GS-" for mail in stage.mailer.sent] == [False, True]
