"""What a provider says of a payment, written down forward only; and how the money of a checkout fits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.database import new_id
from adapters.postgres.feed import tell
from adapters.postgres.tables import CheckoutRow, EntryRow, PaymentRow, ProviderEventRow
from adapters.postgres.tables_settlements import CombinedLinkRow  # noqa: F401 -- payments refer to it
from domain import late_money, payments
from domain.checkout import ENDED, CheckoutStatus
from domain.entries import EntryStatus
from domain.late_money import Misfit, Owed
from domain.payments import PaymentReport, PaymentStatus, Promise, SettledBy

PROVIDER = "stripe"
MONEY = {PaymentStatus.COLLECTED, PaymentStatus.FINAL}
_UNDONE = {PaymentStatus.EXPIRED, PaymentStatus.CANCELED}
_FRUITLESS = {PaymentStatus.FAILED, *_UNDONE}


async def record_payment(
    session: AsyncSession,
    merchant_id: str,
    checkout_id: str | None,
    report: PaymentReport,
    settled_by: SettledBy,
    link_id: str | None = None,
) -> PaymentRow | None:
    """Apply what the provider says of a payment. A payment that was unknown to us can find its checkout later.

    Answers the payment if this very report brought its money.
    """
    payment = await _payment(session, merchant_id, report, settled_by)
    payment.checkout_id = payment.checkout_id or checkout_id
    payment.link_id = payment.link_id or link_id
    before, money = PaymentStatus(payment.status), (payment.captured, payment.fee)
    after = payments.advance(before, report.status, promised=payment.promise is not None)
    payment.status = after
    if after in MONEY and before not in MONEY:
        payment.captured = payment.available = report.amount
        payment.amount, payment.currency = report.amount, report.currency
        payment.captured_at = report.captured_at
        payment.settled_by = settled_by
    payment.fee = report.fee if report.fee is not None else payment.fee
    payment.net = report.net if report.net is not None else payment.net
    payment.settlement_currency = report.settlement_currency or payment.settlement_currency
    payment.available_on = report.available_on or payment.available_on
    payment.method = report.method or payment.method
    payment.detail = report.detail or payment.detail
    await _note_promise(session, payment, report)
    if after is PaymentStatus.FAILED and (before is not after or payment.failure != report.failure):
        await session.flush()
        await tell(session, merchant_id, "payment.failed", payment.checkout_id, reason=report.failure)
    if after in _UNDONE and before is not after:
        await session.flush()
        await tell(session, merchant_id, f"payment.{after}", payment.checkout_id, reason=report.failure)
    payment.failure = (report.failure or payment.failure) if after in _FRUITLESS else None
    payment.updated_at = datetime.now(UTC)
    if (payment.captured, payment.fee) != money:
        await booked.payment(session, payment)
    return payment if after in MONEY and before not in MONEY else None


async def _note_promise(session: AsyncSession, payment: PaymentRow, report: PaymentReport) -> None:
    """Money that will come without the customer doing more, as long as the payment is pending."""
    if payment.status != PaymentStatus.PENDING or report.promise is None:
        return
    is_news, payment.promise = report.promise != payment.promise, report.promise
    payment.amount = report.amount
    if report.promise is Promise.AUTHORIZED:
        payment.authorized, payment.capture_before = report.amount, report.capture_before
    if is_news:
        await session.flush()
        what = "authorized" if report.promise is Promise.AUTHORIZED else "pending"
        await tell(session, payment.merchant_id, f"payment.{what}", payment.checkout_id, **_promised(payment))


def _promised(payment: PaymentRow) -> dict[str, Any]:
    told = {"payment_id": payment.id, "amount": payment.amount, "currency": payment.currency}
    before = {"capture_before": payment.capture_before.isoformat()} if payment.capture_before else {}
    return told | before


async def _payment(session: AsyncSession, merchant_id: str, report: PaymentReport, settled_by: SettledBy) -> PaymentRow:
    found = await session.execute(
        select(PaymentRow)
        .where(
            PaymentRow.merchant_id == merchant_id,
            PaymentRow.provider == PROVIDER,
            PaymentRow.reference == report.reference,
        )
        .with_for_update()
    )
    payment = found.scalar_one_or_none()
    if payment is None:
        payment = PaymentRow(
            id=new_id("pay"),
            merchant_id=merchant_id,
            provider=PROVIDER,
            reference=report.reference,
            status=PaymentStatus.PENDING,
            currency=report.currency,
            amount=report.amount,
            captured=0,
            assigned=0,
            available=0,
            refunded=0,
            settled_by=settled_by,
        )
        session.add(payment)
    return payment


async def mark_applied(session: AsyncSession, merchant_id: str, event_ids: Sequence[str]) -> None:
    """The messages that made us look need no looking at any more."""
    if event_ids:
        await session.execute(
            update(ProviderEventRow)
            .where(
                ProviderEventRow.merchant_id == merchant_id,
                ProviderEventRow.provider == PROVIDER,
                ProviderEventRow.event_id.in_(event_ids),
                ProviderEventRow.applied_at.is_(None),
            )
            .values(applied_at=datetime.now(UTC))
        )


async def payments_of(session: AsyncSession, checkout_id: str) -> list[PaymentRow]:
    """The payments of a checkout in the order their money came."""
    found = await session.execute(
        select(PaymentRow).where(PaymentRow.checkout_id == checkout_id).order_by(PaymentRow.captured_at, PaymentRow.id)
    )
    return list(found.scalars())


def owed_on(entry: EntryRow, of_checkout: Sequence[PaymentRow]) -> Owed:
    """What the entry still takes, and what lies there for it."""
    return Owed(
        status=EntryStatus(entry.status),
        currency=entry.currency,
        outstanding=entry.initial + entry.reductions - entry.assigned,
        available=sum(payment.available for payment in of_checkout if payment.currency == entry.currency),
    )


def misfit_of(
    checkout: CheckoutRow | None, entry: EntryRow | None, payment: PaymentRow, of_checkout: Sequence[PaymentRow]
) -> Misfit | None:
    """How a payment's available money does not fit; None when it does, or there is none."""
    if payment.available == 0:
        return None
    if checkout is None or entry is None:
        return late_money.misfit(None, payment.currency)
    owed = replace(owed_on(entry, of_checkout), awaited=is_awaited(checkout), shut=entry.shut_at is not None)
    return late_money.misfit(owed, payment.currency)


def is_awaited(checkout: CheckoutRow) -> bool:
    """Whether the checkout's run has still to balance the entry."""
    before = (checkout.review or {}).get("before", checkout.status)
    return before not in {*ENDED, CheckoutStatus.INVOICED}
