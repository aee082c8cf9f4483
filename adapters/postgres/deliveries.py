"""Deliveries: what was handed to the mail server, and what it answered."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.billing import lock_checkouts, only_of
from adapters.postgres.checkouts import advance_checkout
from adapters.postgres.database import Sessions, from_json, new_id
from adapters.postgres.feed import tell
from adapters.postgres.tables import CheckoutRow, DeliveryRow, InvoiceRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from domain.checkout import CheckoutStatus, Customer
from domain.deliveries import DeliveryStatus
from domain.errors import NotFound
from domain.ports import QueuedDelivery
from domain.steps import OfInvoice

CHANNEL = "mail"


class PostgresDeliveryBook:
    """Implements `domain.ports.DeliveryBook`. `mail_domain` is the right side of our message ids."""

    def __init__(self, sessions: Sessions, *, mail_domain: str) -> None:
        self._sessions = sessions
        self._mail_domain = mail_domain

    async def queue(self, step: OfInvoice) -> QueuedDelivery:
        async with self._sessions.begin() as session:
            invoice = await session.get(InvoiceRow, step.invoice_id)
            if invoice is None or invoice.merchant_id != step.merchant_id:
                raise NotFound("invoice", step.invoice_id)
            await session.execute(
                insert(DeliveryRow)
                .values(
                    id=new_id("dlv"),
                    merchant_id=step.merchant_id,
                    invoice_id=step.invoice_id,
                    channel=CHANNEL,
                    message_id=f"<{step.invoice_id}@{self._mail_domain}>",
                    recipient=from_json(Customer, invoice.buyer).email,
                    status=DeliveryStatus.QUEUED,
                )
                .on_conflict_do_nothing(index_elements=[DeliveryRow.invoice_id, DeliveryRow.channel])
            )
            delivery = await _delivery(session, step)
            return QueuedDelivery(
                message_id=delivery.message_id,
                queued_at=delivery.queued_at,
                sent=delivery.status == DeliveryStatus.SENT,
                answer=delivery.answer,
            )

    async def record_sent(self, step: OfInvoice, answer: str) -> None:
        async with self._sessions.begin() as session:
            checkouts = await _locked_checkouts(session, step)
            if await _settle(session, step, DeliveryStatus.SENT, answer):
                await tell(session, step.merchant_id, "invoice.sent", only_of(checkouts), invoice_id=step.invoice_id)
            for checkout in checkouts:
                if advance_checkout(checkout, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED):
                    await session.flush()
                    await tell(session, step.merchant_id, "checkout.completed", checkout.id)

    async def record_error(self, step: OfInvoice, answer: str) -> None:
        async with self._sessions.begin() as session:
            checkouts = await _locked_checkouts(session, step)
            if await _settle(session, step, DeliveryStatus.ERROR, answer):
                await tell(
                    session,
                    step.merchant_id,
                    "invoice.delivery_failed",
                    only_of(checkouts),
                    invoice_id=step.invoice_id,
                    answer=answer,
                )


async def _locked_checkouts(session: AsyncSession, step: OfInvoice) -> list[CheckoutRow]:
    """The checkouts an invoice is about, locked."""
    orders = await session.scalars(
        select(InvoiceOrderRow.order_id).where(
            InvoiceOrderRow.invoice_id == step.invoice_id, InvoiceOrderRow.merchant_id == step.merchant_id
        )
    )
    return await lock_checkouts(session, step.merchant_id, orders.all())


async def _delivery(session: AsyncSession, step: OfInvoice) -> DeliveryRow:
    found = await session.execute(
        select(DeliveryRow).where(DeliveryRow.invoice_id == step.invoice_id, DeliveryRow.channel == CHANNEL)
    )
    return found.scalar_one()


async def _settle(session: AsyncSession, step: OfInvoice, status: DeliveryStatus, answer: str) -> bool:
    """Write the server's answer down; False if the same was known. What was sent is never unsent."""
    delivery = await _delivery(session, step)
    if delivery.status in {status, DeliveryStatus.SENT}:
        return False
    delivery.status, delivery.answer, delivery.updated_at = status, answer, datetime.now(UTC)
    await session.flush()
    return True
