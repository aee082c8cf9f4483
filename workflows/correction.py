"""A correction, from the request to the mailed document: issue, look after the money it set free, write, mail."""

from temporalio import workflow

from workflows.late_payment import hand_over
from workflows.messages import (
    CorrectionResult,
    LatePayment,
    OpenedCorrection,
    StartCorrection,
)

with workflow.unsafe.imports_passed_through():
    from activities.corrections import CorrectionActivities
    from domain.corrections import IssueCorrection, IssuedCorrection
    from workflows import search_attributes as attributes
    from workflows.calls import in_books
    from workflows.correction_mail import send_correction


@workflow.defn(name="CorrectionWorkflow")
class CorrectionWorkflow:
    """One cancelation or credit note."""

    @workflow.init
    def __init__(self, start: StartCorrection) -> None:
        self._start = start
        self._issued: IssuedCorrection | None = None

    @workflow.run
    async def run(self, start: StartCorrection) -> CorrectionResult:
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(start.merchant_id)])
        issued = await self._issue()
        if issued.document is not None:
            await self._look_after_money(issued)
            await send_correction(issued.document, issued.checkouts[0] if len(issued.checkouts) == 1 else None)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return CorrectionResult(document_id=issued.document.invoice_id if issued.document else None)

    async def _issue(self) -> IssuedCorrection:
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
        for checkout_id in issued.loose_in:
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=checkout_id))

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
