"""A correction, from the request to the mailed document: issue, look after the money it set free, write, mail.

A refund's credit note is issued with the refund; its run begins with the document.
"""

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError

from workflows.late_payment import hand_over
from workflows.messages import (
    CorrectionResult,
    LatePayment,
    OpenedCorrection,
    StartCorrection,
    correction_run_id,
)

with workflow.unsafe.imports_passed_through():
    from activities.corrections import CorrectionActivities
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities
    from activities.late_money import LateMoneyActivities
    from domain.cases import NewCase
    from domain.corrections import NOT_SENT, IssueCorrection, IssuedCorrection
    from domain.steps import OfInvoice
    from workflows import search_attributes as attributes
    from workflows.calls import by_mail, in_books, reason, rendering


@workflow.defn(name="CorrectionWorkflow")
class CorrectionWorkflow:
    """One cancelation or credit note."""

    @workflow.init
    def __init__(self, start: StartCorrection) -> None:
        self._start = start
        self._issued: IssuedCorrection | None = None
        if start.document is not None:
            self._issued = IssuedCorrection(document=start.document)

    @workflow.run
    async def run(self, start: StartCorrection) -> CorrectionResult:
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(start.merchant_id)])
        issued = await self._issue()
        if issued.document is not None:
            await self._look_after_money(issued)
            await self._send(issued.document)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return CorrectionResult(document_id=issued.document.invoice_id if issued.document else None)

    async def _issue(self) -> IssuedCorrection:
        if self._issued is None:
            if self._start.request is None or self._start.correction_id is None:
                raise ValueError("a correction begins with a request or with its document")
            step = IssueCorrection(
                merchant_id=self._start.merchant_id,
                correction_id=self._start.correction_id,
                opened_by=self._start.opened_by,
                request=self._start.request,
            )
            self._issued = await in_books(CorrectionActivities.issue_correction, step, "issue the correction")
        return self._issued

    async def _look_after_money(self, issued: IssuedCorrection) -> None:
        """Money that was set free is treated by the merchant's policies, as all money that does not fit."""
        if issued.loose and issued.document is not None:
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=issued.document.checkout_id))

    async def _send(self, document: OfInvoice) -> None:
        """Write and mail the document. What retries cannot mend is put before a person; the correction stands."""
        try:
            await rendering(DocumentActivities.render_invoice, document, "write PDF and e-invoice")
            await by_mail(DeliveryActivities.send_invoice, document, "send the correction")
        except ActivityError as failure:
            await self._put_before_a_person(document, reason(failure))

    async def _put_before_a_person(self, document: OfInvoice, why: str) -> None:
        case = NewCase(
            merchant_id=document.merchant_id,
            checkout_id=document.checkout_id,
            fact=f"document:{document.invoice_id}:not_sent",
            kind=NOT_SENT,
            options=("acknowledge",),
            data={"document": document.invoice_id, "detail": f"The correction could not be sent: {why}."},
            opened_at=workflow.now(),
        )
        await in_books(LateMoneyActivities.open_case, case, f"open a case: {why}")

    @workflow.update
    async def opened(self) -> OpenedCorrection:
        """The answer to a request: the document is finalized, or why it is not."""
        await workflow.wait_condition(lambda: self._issued is not None)
        issued = self._issued or IssuedCorrection()
        return OpenedCorrection(
            document_id=issued.document.invoice_id if issued.document else None,
            opened_by=issued.opened_by,
            refusal=issued.refusal,
        )


async def send_correction(document: OfInvoice) -> None:
    """Have a correction written and mailed by a run of its own, which outlives its caller."""
    try:
        await workflow.start_child_workflow(
            CorrectionWorkflow.run,
            StartCorrection(merchant_id=document.merchant_id, document=document),
            id=correction_run_id(document.invoice_id),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, document.merchant_id)]),
        )
    except WorkflowAlreadyStartedError:
        return
