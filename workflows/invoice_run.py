"""The generic invoice run: plan what can be billed, bill it, send it; a bounded number of orders at a time.

The run knows nothing that is not in the books. Its history is cut now and then by continuing as new, and a run that
was lost is started again and goes on where it was. Finalizing is done before the first document is written, so a slow
renderer or mail server holds up no number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import NoReturn, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.messages import InvoiceRunResult, OpenedInvoiceRun, StartInvoiceRun

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities
    from activities.invoice_runs import InvoiceRunActivities
    from domain.invoice_runs import (
        INVOICED,
        GrantedNote,
        NoteSent,
        OfInvoiceRun,
        OpenInvoiceRun,
        RunOrderStatus,
        RunPhase,
        RunStanding,
    )
    from domain.steps import OfInvoice
    from workflows import search_attributes as attributes
    from workflows.calls import (
        HEARTBEAT_TIMEOUT,
        MAIL_TIMEOUT,
        OUTSIDE_RETRY,
        RENDERING_TIMEOUT,
        in_books,
        reason,
    )
    from workflows.correction_mail import put_before_a_person

ORDERS_A_PLAN = 500
INVOICES_A_BATCH = 50
INVOICES_A_PAGE = 50
AT_ONCE = 8
"""Documents that are written and mailed at the same time by one run."""
BATCH_TIMEOUT = timedelta(minutes=5)
PATIENCE = timedelta(minutes=15)
"""How long one invoice may hold up the others of its page; what is not sent by then is told in the report."""

_Given = TypeVar("_Given")
_Taken = TypeVar("_Taken")


@workflow.defn(name="InvoiceRunWorkflow")
class InvoiceRunWorkflow:
    """One run, over any number of orders."""

    @workflow.init
    def __init__(self, start: StartInvoiceRun) -> None:
        self._start = start
        self._standing: RunStanding | None = None
        self._refusal: ApplicationError | None = None

    @workflow.run
    async def run(self, start: StartInvoiceRun) -> InvoiceRunResult:
        """The process, top to bottom."""
        await self._open()
        await self._plan()
        await self._bill()
        await self._send()
        return await self._finish(start)

    async def _open(self) -> None:
        step = OpenInvoiceRun(
            merchant_id=self._start.merchant_id,
            run_id=self._start.run_id,
            workflow_id=workflow.info().workflow_id,
            opened_by=self._start.opened_by,
            request=self._start.request,
        )
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(self._start.merchant_id)])
        try:
            self._see(await in_books(InvoiceRunActivities.open_invoice_run, step, "open the run"))
        except ActivityError as failure:
            self._refusal = ApplicationError(str(failure.cause), type=reason(failure), non_retryable=True)
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise self._refusal from failure

    async def _plan(self) -> None:
        while self._now.phase is RunPhase.PLANNING:
            self._see(await _batch(InvoiceRunActivities.plan_orders, self._most(ORDERS_A_PLAN), "plan orders"))
            await self._cut_history()

    async def _bill(self) -> None:
        while self._now.phase is RunPhase.BILLING:
            self._see(await _batch(InvoiceRunActivities.bill_orders, self._most(INVOICES_A_BATCH), "bill orders"))
            await self._cut_history()

    async def _send(self) -> None:
        """Page after page, so that a run that dies knows what it has sent."""
        while self._now.count(RunOrderStatus.BILLED):
            page = await in_books(InvoiceRunActivities.find_unsent, self._most(INVOICES_A_PAGE), "find unsent invoices")
            places = asyncio.Semaphore(AT_ONCE)
            errors = await asyncio.gather(
                *(self._send_one(one, page.credit_notes.get(one, ()), places) for one in page.invoice_ids)
            )
            outcomes = dict(zip(page.invoice_ids, errors, strict=True))
            step = NoteSent(merchant_id=self._start.merchant_id, run_id=self._start.run_id, outcomes=outcomes)
            self._see(await _batch(InvoiceRunActivities.note_sent, step, "note what was sent"))
            await self._cut_history()

    async def _send_one(self, invoice_id: str, notes: Sequence[GrantedNote], places: asyncio.Semaphore) -> str | None:
        """Send an invoice and the credit notes that go with it; the error that ended the invoice for good, or None.

        A credit note that cannot be sent is put before a person.
        """
        async with places:
            error = await self._write_and_mail(self._document(invoice_id))
            for note in notes:
                why = await self._write_and_mail(self._document(note.invoice_id))
                if why is not None:
                    await put_before_a_person(self._document(note.invoice_id), note.checkout_id, why)
        return error

    def _document(self, invoice_id: str) -> OfInvoice:
        return OfInvoice(merchant_id=self._start.merchant_id, invoice_id=invoice_id)

    @staticmethod
    async def _write_and_mail(document: OfInvoice) -> str | None:
        """The error that ended it for good, or None."""
        try:
            await workflow.execute_activity_method(
                DocumentActivities.render_invoice,
                document,
                start_to_close_timeout=RENDERING_TIMEOUT,
                schedule_to_close_timeout=PATIENCE,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=OUTSIDE_RETRY,
            )
            await workflow.execute_activity_method(
                DeliveryActivities.send_invoice,
                document,
                start_to_close_timeout=MAIL_TIMEOUT,
                schedule_to_close_timeout=PATIENCE,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=OUTSIDE_RETRY,
            )
        except ActivityError as failure:
            return reason(failure)
        return None

    async def _finish(self, start: StartInvoiceRun) -> InvoiceRunResult:
        self._see(await in_books(InvoiceRunActivities.complete_invoice_run, self._most(1), "complete the run"))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return InvoiceRunResult(run_id=start.run_id, orders=self._now.orders)

    @workflow.update
    async def opened(self) -> OpenedInvoiceRun:
        """The answer to who asked for the run, once it is in the books."""
        await workflow.wait_condition(lambda: self._standing is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal
        return OpenedInvoiceRun(opened_by=self._now.opened_by)

    # How the run is kept short, and shown

    async def _cut_history(self) -> None:
        info = workflow.info()
        if info.is_continue_as_new_suggested() or info.get_current_history_length() > self._start.longest_history:
            await workflow.wait_condition(workflow.all_handlers_finished)
            self._continue()

    def _continue(self) -> NoReturn:
        workflow.continue_as_new(self._start)

    def _see(self, standing: RunStanding) -> None:
        """Take note of how far the run is, and show it."""
        if self._standing is None or standing.phase is not self._standing.phase:
            workflow.upsert_search_attributes(
                [attributes.PHASE.value_set(standing.phase), attributes.BLOCKED_ON.value_set(attributes.NOBODY)]
            )
        self._standing = standing
        workflow.set_current_details(_in_words(standing))

    @property
    def _now(self) -> RunStanding:
        if self._standing is None:
            raise ApplicationError("the run is not open yet: ask again", type="NotOpen", non_retryable=True)
        return self._standing

    def _most(self, most: int) -> OfInvoiceRun:
        return OfInvoiceRun(merchant_id=self._start.merchant_id, run_id=self._start.run_id, most=most)


async def _batch(
    step: Callable[[InvoiceRunActivities, _Given], Awaitable[_Taken]], given: _Given, summary: str
) -> _Taken:
    """Many short transactions, one after the other."""
    return await workflow.execute_activity_method(
        step,
        given,
        start_to_close_timeout=BATCH_TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=OUTSIDE_RETRY,
        summary=summary,
    )


def _in_words(standing: RunStanding) -> str:
    total, done = sum(standing.orders.values()), standing.count(*INVOICED, RunOrderStatus.BILLABLE)
    open_, failed = standing.count(RunOrderStatus.PLANNED), standing.count(RunOrderStatus.FAILED)
    words = f"{standing.phase}: {done} of {total} orders {'can be billed' if standing.dry_run else 'are billed'}"
    sent, unsent = standing.count(RunOrderStatus.SENT), standing.count(RunOrderStatus.UNSENT)
    return f"{words}, {open_} to go, {failed} failed; invoices of {sent} are sent, of {unsent} not."
