"""A reduction, cancelation or assignment: done in the books as one, then everybody concerned hears of it."""

from contextlib import suppress

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from workflows.messages import LatePayment, Opened, StartRefund, StartSettlement, refund_run_id

with workflow.unsafe.imports_passed_through():
    from activities.settlements import SettlementActivities
    from domain.settlement_steps import Consequences, DoSettlement, Settled
    from workflows import search_attributes as attributes
    from workflows.calls import in_books
    from workflows.correction_mail import send_correction
    from workflows.late_payment import hand_over
    from workflows.payment_watch import stir
    from workflows.refund import RefundWorkflow


@workflow.defn(name="SettlementWorkflow")
class SettlementWorkflow:
    """One thing that somebody does with entries. The books know what comes of it, so it can be told again."""

    @workflow.init
    def __init__(self, start: StartSettlement) -> None:
        self._start = start
        self._settled: Settled | None = None

    @workflow.run
    async def run(self, start: StartSettlement) -> None:
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(start.merchant_id)])
        settled = self._settled = await self._settle()
        await self._end_runs(settled.consequences)
        await self._stir_runs(settled.consequences)
        await self._start_refunds(settled.consequences)
        await self._hand_over(settled.consequences)
        if (note := settled.consequences.credit_note) is not None:
            await send_correction(note, settled.consequences.credited_checkout)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _settle(self) -> Settled:
        start = self._start
        step = DoSettlement(
            merchant_id=start.merchant_id,
            settlement_id=start.settlement_id,
            opened_by=start.opened_by,
            by=start.by,
            request=start.request,
            at=workflow.now(),
        )
        return await in_books(SettlementActivities.settle, step, f"{start.request.kind} of entries")

    @staticmethod
    async def _end_runs(consequences: Consequences) -> None:
        for run in consequences.shut:
            with suppress(FailureError):  # one that was lost finds in the books that it has ended
                await workflow.get_external_workflow_handle(run).signal("entry_canceled")

    @staticmethod
    async def _stir_runs(consequences: Consequences) -> None:
        for run in consequences.stir:
            await stir(run)

    async def _start_refunds(self, consequences: Consequences) -> None:
        """The refunds are in the books already; each has a run of its own that outlives this one."""
        merchant_id = self._start.merchant_id
        for refund_id in consequences.refunds:
            with suppress(WorkflowAlreadyStartedError):
                await workflow.start_child_workflow(
                    RefundWorkflow.run,
                    StartRefund(merchant_id=merchant_id, refund_id=refund_id),
                    id=refund_run_id(refund_id),
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, merchant_id)]),
                )

    async def _hand_over(self, consequences: Consequences) -> None:
        for checkout_id in consequences.late:
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=checkout_id))

    @workflow.update
    async def opened(self) -> Opened:
        """The answer to a request: it is done, or why it is not."""
        await workflow.wait_condition(lambda: self._settled is not None)
        settled = self._settled or Settled()
        return Opened(opened_by=settled.opened_by, hindrance=settled.hindrance)
