"""Deliveries: what was handed to the mail server, what it answered, and what was reported later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.billing import lock_billed, only_of
from adapters.postgres.cases import PostgresCases
from adapters.postgres.checkouts import advance_checkout
from adapters.postgres.database import Sessions, from_json, new_id
from adapters.postgres.feed import tell
from adapters.postgres.tables import CheckoutRow, DeliveryRow, InvoiceRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from domain import deliveries
from domain.cases import NewCase
from domain.checkout import CheckoutStatus, Customer
from domain.deliveries import FIRST, DeliveryReport, DeliveryStatus, Dispatch, QueuedDelivery
from domain.errors import NotFound
from domain.invoices import CORRECTIONS, InvoiceKind

CHANNEL = "mail"
BOUNCED = "mail_bounced"
"""The kind of a case about a document that came back."""


class PostgresDeliveryBook:
    """Implements `domain.ports.DeliveryBook`. `mail_domain` is the right side of our message ids."""

    def __init__(self, sessions: Sessions, *, mail_domain: str) -> None:
        self._sessions = sessions
        self._mail_domain = mail_domain

    async def queue(self, dispatch: Dispatch) -> QueuedDelivery:
        async with self._sessions.begin() as session:
            invoice = await session.get(InvoiceRow, dispatch.invoice_id)
            if invoice is None or invoice.merchant_id != dispatch.merchant_id:
                raise NotFound("invoice", dispatch.invoice_id)
            delivery_id = new_id("dlv")
            name = dispatch.invoice_id if dispatch.key == FIRST else f"{dispatch.invoice_id}.{delivery_id}"
            await session.execute(
                insert(DeliveryRow)
                .values(
                    id=delivery_id,
                    merchant_id=dispatch.merchant_id,
                    invoice_id=dispatch.invoice_id,
                    channel=CHANNEL,
                    key=dispatch.key,
                    message_id=f"<{name}@{self._mail_domain}>",
                    recipient=dispatch.recipient or from_json(Customer, invoice.buyer).email,
                    status=DeliveryStatus.QUEUED,
                )
                .on_conflict_do_nothing(index_elements=[DeliveryRow.invoice_id, DeliveryRow.channel, DeliveryRow.key])
            )
            delivery = await _delivery(session, dispatch)
            return QueuedDelivery(
                delivery_id=delivery.id,
                message_id=delivery.message_id,
                recipient=delivery.recipient,
                queued_at=delivery.queued_at,
                status=DeliveryStatus(delivery.status),
                answer=delivery.answer,
            )

    async def record_sent(self, dispatch: Dispatch, answer: str) -> None:
        async with self._sessions.begin() as session:
            scene = await _locked(session, await _delivery(session, dispatch))
            kind = InvoiceKind((await session.get_one(InvoiceRow, scene.delivery.invoice_id)).kind)
            if await _advance(session, scene.delivery, DeliveryStatus.SENT, answer):
                await _tell(session, scene, f"{kind}.sent" if kind in CORRECTIONS else "invoice.sent")
            if dispatch.key == FIRST and kind not in CORRECTIONS:
                await self._complete(session, scene.checkouts)

    @staticmethod
    async def _complete(session: AsyncSession, checkouts: Sequence[CheckoutRow]) -> None:
        """Checkouts are done when their invoice is sent; corrections come after that."""
        for checkout in checkouts:
            if advance_checkout(checkout, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED):
                await session.flush()
                await tell(session, checkout.merchant_id, "checkout.completed", checkout.id)

    async def record_error(self, dispatch: Dispatch, answer: str) -> None:
        async with self._sessions.begin() as session:
            scene = await _locked(session, await _delivery(session, dispatch))
            if await _advance(session, scene.delivery, DeliveryStatus.ERROR, answer):
                await _tell(session, scene, "invoice.delivery_failed", answer=answer)

    async def record_report(self, report: DeliveryReport) -> bool:
        async with self._sessions.begin() as session:
            found = await session.scalar(select(DeliveryRow).where(DeliveryRow.message_id == report.message_id))
            if found is None:
                return False
            scene = await _locked(session, found)
            if await _advance(session, scene.delivery, report.status, report.answer):
                await _tell_of_report(session, scene, report)
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A delivery, and the checkouts its document is about, locked before it, as every step does it."""

    delivery: DeliveryRow
    checkouts: Sequence[CheckoutRow]

    @property
    def checkout_id(self) -> str | None:
        return only_of([checkout.id for checkout in self.checkouts])


async def _tell_of_report(session: AsyncSession, scene: _Scene, report: DeliveryReport) -> None:
    if report.status is not DeliveryStatus.BOUNCED:
        await _tell(session, scene, "invoice.delivered")
        return
    delivery = scene.delivery
    await PostgresCases.open(
        session,
        NewCase(
            merchant_id=delivery.merchant_id,
            checkout_id=scene.checkout_id,
            fact=f"delivery:{delivery.id}:bounced",
            kind=BOUNCED,
            options=("acknowledge",),
            data={"invoice": delivery.invoice_id, "delivery": delivery.id, "detail": report.answer},
            opened_at=datetime.now(UTC),
        ),
    )
    await _tell(session, scene, "invoice.delivery_failed", answer=report.answer)


async def _tell(session: AsyncSession, scene: _Scene, kind: str, **more: str) -> None:
    known = {"invoice_id": scene.delivery.invoice_id, "delivery_id": scene.delivery.id}
    await tell(session, scene.delivery.merchant_id, kind, scene.checkout_id, **known, **more)


async def _delivery(session: AsyncSession, dispatch: Dispatch) -> DeliveryRow:
    found = await session.execute(
        select(DeliveryRow).where(
            DeliveryRow.invoice_id == dispatch.invoice_id,
            DeliveryRow.channel == CHANNEL,
            DeliveryRow.key == dispatch.key,
        )
    )
    return found.scalar_one()


async def _locked(session: AsyncSession, delivery: DeliveryRow) -> _Scene:
    orders = await session.scalars(
        select(InvoiceOrderRow.order_id).where(InvoiceOrderRow.invoice_id == delivery.invoice_id)
    )
    checkouts = await lock_billed(session, delivery.merchant_id, orders.all())
    await session.refresh(delivery, with_for_update=True)
    return _Scene(delivery=delivery, checkouts=checkouts)


async def _advance(session: AsyncSession, delivery: DeliveryRow, status: DeliveryStatus, answer: str) -> bool:
    """Write down what was learned; False if it was known, or older than what is known."""
    before = DeliveryStatus(delivery.status)
    after = deliveries.advance(before, status)
    if after is before:
        return False
    delivery.status, delivery.answer, delivery.updated_at = after, answer, datetime.now(UTC)
    await session.flush()
    return True
