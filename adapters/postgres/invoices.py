"""Invoices: built from the sales order, numbered and finalized in one transaction, never changed again."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.billing import bill, note_build_error
from adapters.postgres.checkouts import advance_checkout, refuse_canceled
from adapters.postgres.credit_notes import granted_before, invoice_in_force
from adapters.postgres.database import Sessions, from_json
from adapters.postgres.feed import tell
from adapters.postgres.finalization import read
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import CheckoutRow, DeliveryRow, DocumentRow, InvoiceRow, MerchantRow, OrderRow
from domain.checkout import CheckoutStatus
from domain.deliveries import ACCEPTED
from domain.documents import DocumentKind, DocumentRef
from domain.errors import DocumentDiffers, InvalidDraft, NotFound
from domain.invoices import Invoice
from domain.merchants import Merchant
from domain.steps import FinalizedInvoice, OfCheckout, OfInvoice, SentInvoice


class PostgresInvoiceBook:
    """Implements `domain.ports.InvoiceBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create_invoice(self, step: OfCheckout) -> FinalizedInvoice:
        try:
            async with self._sessions.begin() as session:
                checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
                invoice = await invoice_in_force(session, step.checkout_id)
                if invoice is None:
                    refuse_canceled(checkout)
                    order_id = await self._order_id(session, step.checkout_id)
                    merchant = from_json(Merchant, (await session.get_one(MerchantRow, checkout.merchant_id)).config)
                    invoice = await bill(session, merchant, [checkout], [order_id])
                else:
                    await self._catch_up(session, checkout, invoice)
                granted = (await granted_before(session, [invoice.id])).get(invoice.id, ())
                notes = tuple(note.invoice_id for note in granted)
                return FinalizedInvoice(invoice_id=invoice.id, number=invoice.number, credit_notes=notes)
        except InvalidDraft as refusal:
            async with self._sessions.begin() as session:
                await note_build_error(session, [await self._order_id(session, step.checkout_id)], str(refusal))
            raise

    async def find_invoice(self, step: OfCheckout) -> SentInvoice | None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            invoice = await invoice_in_force(session, step.checkout_id)
            if invoice is None:
                refuse_canceled(checkout)
                return None
            sent = await self._catch_up(session, checkout, invoice)
            return SentInvoice(invoice_id=invoice.id, number=invoice.number, sent=sent)

    @staticmethod
    async def _catch_up(session: AsyncSession, checkout: CheckoutRow, invoice: InvoiceRow) -> bool:
        """A run may have been faster than the balance: the checkout goes where its invoice is. True if sent."""
        advance_checkout(checkout, CheckoutStatus.BALANCED, CheckoutStatus.INVOICED)
        sent = await session.scalar(
            select(DeliveryRow.id).where(DeliveryRow.invoice_id == invoice.id, DeliveryRow.status.in_(ACCEPTED))
        )
        if sent is not None and advance_checkout(checkout, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED):
            await session.flush()
            await tell(session, checkout.merchant_id, "checkout.completed", checkout.id)
        return sent is not None

    @staticmethod
    async def _order_id(session: AsyncSession, checkout_id: str) -> str:
        return (await session.scalars(select(OrderRow.id).where(OrderRow.checkout_id == checkout_id))).one()

    async def invoice(self, step: OfInvoice) -> Invoice:
        async with self._sessions.begin() as session:
            row = await session.get(InvoiceRow, step.invoice_id)
            if row is None or row.merchant_id != step.merchant_id:
                raise NotFound("invoice", step.invoice_id)
            return await read(session, row)

    async def documents(self, step: OfInvoice) -> dict[DocumentKind, DocumentRef]:
        async with self._sessions.begin() as session:
            return await stored_documents(session, step.invoice_id)

    async def record_documents(self, step: OfInvoice, documents: tuple[DocumentRef, ...]) -> None:
        async with self._sessions.begin() as session:
            for document in documents:
                await session.execute(
                    insert(DocumentRow)
                    .values(
                        invoice_id=step.invoice_id,
                        kind=document.kind,
                        merchant_id=step.merchant_id,
                        key=document.key,
                        sha256=document.sha256,
                        size=document.size,
                    )
                    .on_conflict_do_nothing(index_elements=[DocumentRow.invoice_id, DocumentRow.kind])
                )
            stored = await stored_documents(session, step.invoice_id)
            for document in documents:
                if stored[document.kind] != document:
                    raise DocumentDiffers(f"{document.kind} of invoice {step.invoice_id} is already stored otherwise")


async def stored_documents(session: AsyncSession, invoice_id: str) -> dict[DocumentKind, DocumentRef]:
    """Where the documents of an invoice lie."""
    found = await session.execute(select(DocumentRow).where(DocumentRow.invoice_id == invoice_id))
    return {
        DocumentKind(row.kind): DocumentRef(kind=DocumentKind(row.kind), key=row.key, sha256=row.sha256, size=row.size)
        for row in found.scalars()
    }
