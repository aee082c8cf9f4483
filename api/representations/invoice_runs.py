"""Invoice runs, and what became of their orders."""

from datetime import date

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Page, Representation, WorkflowOut, amount
from api.services import Site
from domain.billing import RunMode
from domain.invoice_runs import RunOrderStatus, RunPhase
from domain.views import InvoiceRunView, RunOrderView


class OrderFilterOut(Representation):
    """Which orders the run looks at."""

    customer: str | None
    assignment_key_prefix: str | None
    currency: str | None
    ordered_until: date | None
    metadata: dict[str, str]


class CurrencyAmountOut(Representation):
    """A sum in one currency."""

    currency: str
    amount: Amount


class InvoiceRunOut(Representation):
    """An invoice run. `orders` counts what became of the orders; `amounts` are what it invoiced, or what a dry run
    would invoice."""

    model_config = ConfigDict(title="InvoiceRun")

    id: str
    key: str
    mode: RunMode
    phase: RunPhase
    until: date
    filter: OrderFilterOut
    dry_run: bool
    orders: dict[RunOrderStatus, int]
    invoices: int
    amounts: list[CurrencyAmountOut]
    first_number: str | None
    last_number: str | None
    workflow: WorkflowOut
    created_at: Moment
    billed_at: Moment | None
    completed_at: Moment | None


class InvoiceRunList(Page[InvoiceRunOut]):
    """A page of invoice runs, newest first. `next_cursor` is null on the last page."""


class InvoiceRunOrderOut(Representation):
    """An order in a run. Orders with the same `group` share an invoice, or would; `error` says why one does not."""

    order: str
    number: str
    group: str
    status: RunOrderStatus
    amount: Amount
    currency: str
    invoice: str | None
    invoice_number: str | None
    error: str | None


class InvoiceRunOrderList(Page[InvoiceRunOrderOut]):
    """A page of a run's orders, oldest first. `next_cursor` is null on the last page."""


def invoice_run(view: InvoiceRunView, site: Site) -> InvoiceRunOut:
    """A run, as far as it is."""
    wanted = view.request.filter
    return InvoiceRunOut(
        id=view.id,
        key=view.request.key,
        mode=view.request.mode,
        phase=view.phase,
        until=view.until,
        filter=OrderFilterOut(
            customer=wanted.customer,
            assignment_key_prefix=wanted.assignment_key_prefix,
            currency=wanted.currency,
            ordered_until=wanted.ordered_until,
            metadata=dict(wanted.metadata),
        ),
        dry_run=view.request.dry_run,
        orders={status: view.orders.get(status, 0) for status in RunOrderStatus},
        invoices=view.invoices,
        amounts=[
            CurrencyAmountOut(currency=currency, amount=amount(minor, currency))
            for currency, minor in sorted(view.amounts.items())
        ],
        first_number=view.first_number,
        last_number=view.last_number,
        workflow=WorkflowOut(id=view.workflow_id, url=site.workflow_url(view.workflow_id)),
        created_at=view.created_at,
        billed_at=view.billed_at,
        completed_at=view.completed_at,
    )


def invoice_run_order(view: RunOrderView) -> InvoiceRunOrderOut:
    """What became of an order in a run."""
    return InvoiceRunOrderOut(
        order=view.order_id,
        number=view.number,
        group=view.group,
        status=view.status,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        invoice=view.invoice_id,
        invoice_number=view.invoice_number,
        error=view.error,
    )
