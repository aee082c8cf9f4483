"""Money that a reduction or cancelation set free: it stays available on purpose, or is given back.

The caller holds the locks of the payment and of the checkouts it is tied to.
"""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.cases import PostgresCases
from adapters.postgres.tables import CheckoutRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_refunds import RefundRow
from domain import refunds
from domain.cases import POLICY, NewCase
from domain.late_money import Decision, Misfit
from domain.refunds import RefundOrigin, RefundStatus
from domain.settlements import CreditBalance


async def keep(session: AsyncSession, payment: PaymentRow, *, by: str, reason: str) -> None:
    """Write down that the available money of a payment is to stay where it is, so that no policy acts upon it.

    A case that waits for a person stays open: what he decides is about this money too.
    """
    known = list(
        await session.scalars(
            select(CaseRow).where(CaseRow.payment_id == payment.id, CaseRow.kind.in_(list(Misfit))).with_for_update()
        )
    )
    if any(case.decided_at is None for case in known):
        return
    now = datetime.now(UTC)
    case = await PostgresCases.open(
        session,
        NewCase(
            merchant_id=payment.merchant_id,
            checkout_id=payment.checkout_id,
            payment_id=payment.id,
            fact=f"money:{payment.id}:{len(known)}",
            kind=Misfit.SURPLUS,
            options=(),
            data={"amount": payment.available, "currency": payment.currency},
            opened_at=now,
        ),
    )
    home = None if payment.checkout_id is None else await session.get(CheckoutRow, payment.checkout_id)
    await PostgresCases.conclude(session, case, home, Decision.KEEP, by=by, reason=reason, at=now)


async def give_back(
    session: AsyncSession, payment: PaymentRow, amount: int, *, strategy: CreditBalance, cause: str, reason: str
) -> str:
    """Write down the refund of `amount` of the payment's available money, which from here on is nobody else's.

    `cause` is the id of what set the money free: one refund for each payment of it. Answers the refund's id.
    """
    key = f"{cause}/{payment.id}"
    free = strategy is CreditBalance.DIRECT_REFUND
    refund = RefundRow(
        id=refunds.refund_id(payment.merchant_id, key),
        merchant_id=payment.merchant_id,
        checkout_id=payment.checkout_id,
        payment_id=payment.id,
        key=key,
        origin=RefundOrigin.CREDIT_BALANCE,
        amount=amount,
        currency=payment.currency,
        counted=amount,
        from_entry=0,
        reason=reason,
        status=RefundStatus.APPROVED if free else RefundStatus.PREPARED,
        approved_by=POLICY if free else None,
    )
    session.add(refund)
    payment.available -= amount
    payment.refunded += amount
    await session.flush()
    await booked.refund(session, payment, refund.id, amount)
    return refund.id


async def undecided(session: AsyncSession, payment_id: str) -> bool:
    """Whether a person has to decide about money of this payment."""
    open_cases = select(func.count()).where(CaseRow.payment_id == payment_id, CaseRow.decided_at.is_(None))
    return bool(await session.scalar(open_cases))
