"""Finalized documents: invoices, and what takes back from them."""

from datetime import date

from pydantic import Field

from api.representations.base import Amount, Page, Representation, amount
from api.representations.deliveries import DeliveryOut
from api.services import Site
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.views import InvoiceView


class CorrectionOut(Representation):
    """A document that takes back from this one; read it as an invoice."""

    id: str
    kind: InvoiceKind
    number: str
    total: Amount


class InvoiceOut(Representation):
    """A finalized invoice, or a credit note or cancelation, which `corrects` one by its id and is named there under
    `corrected_by`. `orders` are the ids of the orders it is about, `deducts` the numbers of deposit invoices. `pdf` and
    `xml` are addresses of the stored documents, null until they are stored."""

    id: str
    kind: InvoiceKind
    corrects: str | None
    corrected_by: list[CorrectionOut] = Field([])
    deducts: list[str] = Field([])
    orders: list[str] = Field([])
    number: str
    issued_on: date | None = None
    reason: str | None = None
    status: InvoiceStatus
    currency: str
    total: Amount
    pdf: str | None
    xml: str | None
    delivery: DeliveryOut | None


class InvoiceList(Page[InvoiceOut]):
    """A page of documents, newest first. `next_cursor` is null on the last page."""


def invoice(view: InvoiceView, site: Site) -> InvoiceOut:
    """An invoice, with the addresses of its documents."""
    address = site.invoice_url(view.id)
    return InvoiceOut(
        id=view.id,
        kind=view.kind,
        corrects=view.corrects_id,
        corrected_by=[
            CorrectionOut(id=one.id, kind=one.kind, number=one.number, total=amount(one.total, view.currency))
            for one in view.corrected_by
        ],
        deducts=list(view.deducts),
        orders=list(view.orders),
        number=view.number,
        issued_on=view.issued_on,
        reason=view.reason,
        status=view.status,
        currency=view.currency,
        total=amount(view.total, view.currency),
        pdf=f"{address}/pdf" if view.pdf else None,
        xml=f"{address}/xml" if view.xml else None,
        delivery=DeliveryOut(status=view.delivery.status, at=view.delivery.at) if view.delivery else None,
    )
