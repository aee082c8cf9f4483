"""Payouts: written down item by item, and compared with what the books know of each."""

from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.cases import PostgresCases
from adapters.postgres.database import Sessions, new_id
from adapters.postgres.findings import PROVIDER, mark_applied
from adapters.postgres.locks import lock_checkouts
from adapters.postgres.tables import CheckoutRow, PaymentRow
from adapters.postgres.tables_disputes import DisputeRow
from adapters.postgres.tables_payouts import PayoutItemRow, PayoutRow
from adapters.postgres.tables_refunds import RefundRow
from domain import payouts
from domain.cases import NewCase
from domain.payments import PaymentStatus
from domain.payouts import (
    Counterpart,
    Mismatch,
    PayoutItem,
    PayoutItemKind,
    PayoutReport,
    PayoutStanding,
    PayoutStatus,
    ReconcilePayout,
)


class PostgresPayoutBook:
    """Implements `domain.ports.PayoutBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def record_payout(self, step: ReconcilePayout, report: PayoutReport) -> PayoutStanding:
        async with self._sessions.begin() as session:
            payout = await _locked_payout(session, step, report)
            failed = payout.status != PayoutStatus.FAILED and report.status is PayoutStatus.FAILED
            payout.status = payouts.advance(PayoutStatus(payout.status), report.status)
            payout.arrives_on, payout.updated_at = report.arrives_on, step.at
            await booked.payout(session, payout)
            found: list[NewCase] = [_failed(payout, step.at)] if failed else []
            if report.itemized or report.manual:
                await _insert_items(session, payout, report)
                await lock_checkouts(session, payout.merchant_id, _checkouts_of(payout))
                differing = await _compare(session, payout, report, step.at)
                payout.matched = not differing
                found += differing
                await _finalize_payments(session, payout, step.at)
            await mark_applied(session, step.merchant_id, step.event_ids)
            for case in found:
                await PostgresCases.open(session, case)
            return PayoutStanding(
                status=PayoutStatus(payout.status),
                complete=report.itemized or report.manual,
                matched=payout.matched,
                items=len(report.items),
            )


async def _locked_payout(session: AsyncSession, step: ReconcilePayout, report: PayoutReport) -> PayoutRow:
    await session.execute(
        insert(PayoutRow)
        .values(
            id=new_id("pyo"),
            merchant_id=step.merchant_id,
            provider=PROVIDER,
            reference=report.reference,
            amount=report.amount,
            currency=report.currency,
            status=PayoutStatus.PENDING,
            arrives_on=report.arrives_on,
        )
        .on_conflict_do_nothing(index_elements=[PayoutRow.merchant_id, PayoutRow.provider, PayoutRow.reference])
    )
    found = await session.execute(
        select(PayoutRow)
        .where(
            PayoutRow.merchant_id == step.merchant_id,
            PayoutRow.provider == PROVIDER,
            PayoutRow.reference == report.reference,
        )
        .with_for_update()
    )
    return found.scalar_one()


async def _insert_items(session: AsyncSession, payout: PayoutRow, report: PayoutReport) -> None:
    rows = [
        {
            "payout_id": payout.id,
            "reference": item.reference,
            "merchant_id": payout.merchant_id,
            "kind": item.kind,
            "source": item.source,
            "amount": item.amount,
            "fee": item.fee,
            "net": item.net,
        }
        for item in report.items
    ]
    if rows:
        statement = insert(PayoutItemRow).on_conflict_do_nothing(
            index_elements=[PayoutItemRow.payout_id, PayoutItemRow.reference]
        )
        await session.execute(statement, rows)


def _checkouts_of(payout: PayoutRow) -> Select[str]:
    """A query for every checkout the payout touches; two payouts may share one."""
    is_in = (PayoutItemRow.source == PaymentRow.reference) & (PayoutItemRow.payout_id == payout.id)
    return (
        select(CheckoutRow.id)
        .join(PaymentRow, PaymentRow.checkout_id == CheckoutRow.id)
        .join(PayoutItemRow, is_in)
        .where(PaymentRow.merchant_id == payout.merchant_id, PaymentRow.provider == payout.provider)
    )


async def _compare(session: AsyncSession, payout: PayoutRow, report: PayoutReport, at: datetime) -> list[NewCase]:
    """Tie each item to what it is about; answers a case for everything that differs."""
    charges, refunds, disputes = (
        await _charges(session, payout),
        await _refunds(session, payout),
        await _disputes(session, payout),
    )
    books = payouts.books_of([*charges, *refunds, *disputes])
    found, results, tied = [], [], []
    for item in report.items:
        ours, mismatch = payouts.compare(item, payout.currency, books)
        tied.append((item, ours))
        payment_id = ours.payment_id if ours else None
        results.append(
            {"payout_id": payout.id, "reference": item.reference, "payment_id": payment_id, "matched": not mismatch}
        )
        if mismatch is not None:
            found.append(_item_differs(payout, item, ours, mismatch, at))
    if results:
        await session.execute(update(PayoutItemRow), results)
    await booked.payout_items(session, payout, tied)
    if report.manual:
        found.append(_payout_differs(payout, report, Mismatch.NOT_ITEMIZED, at))
    elif report.items_total != report.amount:
        found.append(_payout_differs(payout, report, Mismatch.TOTAL, at))
    return found


async def _charges(session: AsyncSession, payout: PayoutRow) -> list[Counterpart]:
    """Payments of checkouts. Money that we only know to lie there belongs to nothing we sold."""
    rows = await session.execute(
        select(PaymentRow.reference, PaymentRow.id, PaymentRow.captured, PaymentRow.currency)
        .join(PayoutItemRow, PayoutItemRow.source == PaymentRow.reference)
        .where(
            PayoutItemRow.payout_id == payout.id,
            PaymentRow.merchant_id == payout.merchant_id,
            PaymentRow.provider == payout.provider,
            PaymentRow.checkout_id.is_not(None),
        )
    )
    return [_counterpart(PayoutItemKind.CHARGE, *row) for row in rows]


async def _disputes(session: AsyncSession, payout: PayoutRow) -> list[Counterpart]:
    rows = await session.execute(
        select(DisputeRow.reference, DisputeRow.payment_id, DisputeRow.amount, DisputeRow.currency)
        .join(PayoutItemRow, PayoutItemRow.source == DisputeRow.reference)
        .where(
            PayoutItemRow.payout_id == payout.id,
            DisputeRow.merchant_id == payout.merchant_id,
            DisputeRow.provider == payout.provider,
        )
    )
    return [_counterpart(PayoutItemKind.DISPUTE, *row) for row in rows]


async def _refunds(session: AsyncSession, payout: PayoutRow) -> list[Counterpart]:
    rows = await session.execute(
        select(PayoutItemRow.source, RefundRow.payment_id, RefundRow.amount, RefundRow.currency)
        .join(RefundRow, RefundRow.provider_reference == PayoutItemRow.source)
        .where(
            PayoutItemRow.payout_id == payout.id,
            RefundRow.merchant_id == payout.merchant_id,
        )
    )
    return [
        _counterpart(PayoutItemKind.REFUND, source or "", payment_id, amount, currency)
        for source, payment_id, amount, currency in rows
    ]


def _counterpart(kind: PayoutItemKind, reference: str, payment_id: str, amount: int, currency: str) -> Counterpart:
    return Counterpart(kind=kind, reference=reference, payment_id=payment_id, amount=amount, currency=currency)


async def _finalize_payments(session: AsyncSession, payout: PayoutRow, at: datetime) -> None:
    """A payment is final once the payout that carried its charge was paid. What a dispute holds stays reversed."""
    if payout.status != PayoutStatus.PAID:
        return
    paid_out = select(PayoutItemRow.payment_id).where(
        PayoutItemRow.payout_id == payout.id, PayoutItemRow.kind == PayoutItemKind.CHARGE, PayoutItemRow.matched
    )
    await session.execute(
        update(PaymentRow)
        .where(PaymentRow.id.in_(paid_out), PaymentRow.status == PaymentStatus.COLLECTED)
        .values(status=PaymentStatus.FINAL, updated_at=at)
    )


def _item_differs(
    payout: PayoutRow, item: PayoutItem, ours: Counterpart | None, mismatch: Mismatch, at: datetime
) -> NewCase:
    expected = {"expected": ours.amount, "payment": ours.payment_id} if ours else {}
    return NewCase(
        merchant_id=payout.merchant_id,
        fact=f"payout_item:{payout.reference}:{item.reference}",
        kind="payout_mismatch",
        options=("acknowledge",),
        data={
            "payout": payout.id,
            "item": item.reference,
            "item_kind": item.kind,
            "source": item.source,
            "mismatch": mismatch,
            "amount": item.amount,
            "currency": payout.currency,
            "detail": f"{item.kind} {item.reference} of {item.source or 'nothing'} in payout {payout.reference}",
            **expected,
        },
        opened_at=at,
    )


def _payout_differs(payout: PayoutRow, report: PayoutReport, mismatch: Mismatch, at: datetime) -> NewCase:
    return NewCase(
        merchant_id=payout.merchant_id,
        fact=f"payout:{payout.reference}:{mismatch}",
        kind="payout_mismatch",
        options=("acknowledge",),
        data={
            "payout": payout.id,
            "mismatch": mismatch,
            "amount": report.amount,
            "currency": payout.currency,
            "items_total": report.items_total,
            "detail": f"payout {payout.reference} is {report.amount}, its items {report.items_total} minor units",
        },
        opened_at=at,
    )


def _failed(payout: PayoutRow, at: datetime) -> NewCase:
    return NewCase(
        merchant_id=payout.merchant_id,
        fact=f"payout:{payout.reference}:failed",
        kind="payout_failed",
        options=("acknowledge",),
        data={
            "payout": payout.id,
            "amount": payout.amount,
            "currency": payout.currency,
            "detail": f"The bank sent payout {payout.reference} back.",
        },
        opened_at=at,
    )
