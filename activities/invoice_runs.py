"""Invoice runs: the steps that plan, bill and keep account, a bounded number of orders at a time."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.invoice_runs import NoteSent, OfInvoiceRun, OpenInvoiceRun, RunStanding, Unsent
from domain.ports import InvoiceRunBook, InvoiceTeller


class InvoiceRunActivities:
    """Steps that are repeated until there is nothing left to do; what one has done it does not do again."""

    def __init__(self, runs: InvoiceRunBook, teller: InvoiceTeller) -> None:
        self._runs = runs
        self._teller = teller

    @activity.defn
    @translated
    async def open_invoice_run(self, step: OpenInvoiceRun) -> RunStanding:
        """Write the run down."""
        return await self._runs.open(step)

    @activity.defn
    @translated
    @heartbeating
    async def plan_orders(self, step: OfInvoiceRun) -> RunStanding:
        """Note the next orders that can be billed."""
        return await self._runs.plan(step)

    @activity.defn
    @translated
    @heartbeating
    async def bill_orders(self, step: OfInvoiceRun) -> RunStanding:
        """Finalize the next invoices."""
        return await self._runs.bill(step)

    @activity.defn
    @translated
    async def find_unsent(self, step: OfInvoiceRun) -> Unsent:
        """Find the next invoices to send."""
        return await self._runs.unsent(step)

    @activity.defn
    @translated
    @heartbeating
    async def note_sent(self, step: NoteSent) -> RunStanding:
        """Keep what became of sending, and tell the checkouts that wait for it."""
        standing = await self._runs.note_sent(step)
        sent = tuple(invoice_id for invoice_id, error in step.outcomes.items() if error is None)
        waiting = await self._runs.waiting(step.merchant_id, sent)
        await self._teller.tell_invoiced(waiting.workflow_ids)
        return standing

    @activity.defn
    @translated
    async def complete_invoice_run(self, step: OfInvoiceRun) -> RunStanding:
        """End the run."""
        return await self._runs.complete(step)
