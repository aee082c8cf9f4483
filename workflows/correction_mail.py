"""Corrections are written and mailed, whichever run issued them; one that cannot be is put before a person."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities
    from activities.late_money import LateMoneyActivities
    from domain.cases import NewCase
    from domain.corrections import NOT_SENT
    from domain.steps import OfInvoice
    from workflows.calls import by_mail, in_books, reason, rendering


async def send_correction(document: OfInvoice, checkout_id: str | None) -> None:
    """Write and mail a cancelation or credit note, of one checkout alone or of several. What retries cannot mend is
    put before a person: the document stands."""
    try:
        await rendering(DocumentActivities.render_invoice, document, "write PDF and e-invoice")
        await by_mail(DeliveryActivities.send_invoice, document, "send the correction")
    except ActivityError as failure:
        await put_before_a_person(document, checkout_id, reason(failure))


async def put_before_a_person(document: OfInvoice, checkout_id: str | None, why: str) -> None:
    """Open the case of a correction that was not sent."""
    case = NewCase(
        merchant_id=document.merchant_id,
        checkout_id=checkout_id,
        fact=f"document:{document.invoice_id}:not_sent",
        kind=NOT_SENT,
        options=("acknowledge",),
        data={"document": document.invoice_id, "detail": f"The correction could not be sent: {why}."},
        opened_at=workflow.now(),
    )
    await in_books(LateMoneyActivities.open_case, case, f"open a case: {why}")
