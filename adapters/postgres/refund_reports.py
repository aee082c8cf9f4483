"""What a provider says of a refund, booked forward only. The caller has locked what the scene holds."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import refund_money
from adapters.postgres.feed import tell
from adapters.postgres.tables import CheckoutRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_refunds import RefundRow
from domain import refunds
from domain.refunds import RefundOrigin, RefundReport, RefundStatus

ENDS = {RefundStatus.FAILED, RefundStatus.CANCELED}
"""Where no money is with the customer."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """What a step works on, locked in the order that every step keeps. `checkouts` are all a refund may touch."""

    checkouts: tuple[CheckoutRow, ...]
    payment: PaymentRow
    refund: RefundRow


async def refused(session: AsyncSession, scene: Scene, failure: str | None, money_run: str) -> None:
    """The provider refused the order: no money has moved."""
    if scene.refund.booked_at is None and scene.refund.status == RefundStatus.PENDING:
        await _give_up(session, scene, RefundStatus.FAILED, failure, money_run)


async def reported(session: AsyncSession, scene: Scene, report: RefundReport, money_run: str) -> None:
    """What the provider says now is booked; what it said before changes nothing."""
    refund = scene.refund
    refund.provider_reference = report.reference
    if refund.booked_at is None:
        await _first_report(session, scene, report, money_run)
    if refund.booked_at is not None:
        await _later_report(session, scene, report, money_run)


async def _first_report(session: AsyncSession, scene: Scene, report: RefundReport, money_run: str) -> None:
    """The provider has taken the refund on: book it as one, unless it ended before that."""
    refund = scene.refund
    if refund.origin == RefundOrigin.LATE_MONEY:
        await _follow_case(session, scene)
    elif report.status in ENDS:
        if refund.settled_at is None:
            await _give_up(session, scene, report.status, report.failure, money_run)
    elif not refund_money.waits(refund, scene.checkouts):
        # Money beats what we thought: a refund that counted as failed has gone after all.
        refund.status, refund.settled_at, refund.failure = RefundStatus.PENDING, None, None
        if refund.origin == RefundOrigin.PROVIDER:
            await refund_money.reserve(session, refund, scene.payment)
        await refund_money.book(session, refund, scene.payment)
        await session.flush()
        for note in (await refund_money.credit_notes_of(session, [refund.id])).get(refund.id, ()):
            await tell_of(session, refund, "credit_note.finalized", invoice_id=note.id, number=note.number)


async def _give_up(
    session: AsyncSession, scene: Scene, status: RefundStatus, failure: str | None, money_run: str
) -> None:
    """No money has moved: what was counted is available again. Freed money that nobody has a use for becomes a case."""
    freed = scene.refund.origin == RefundOrigin.CREDIT_BALANCE and scene.refund.counted > 0
    await refund_money.release(session, scene.refund, scene.payment)
    scene.refund.failure = failure or f"the refund is {status} at the provider"
    if freed:
        await session.flush()
        await refund_money.open_came_back(session, scene.refund, scene.payment, money_run)
    await fail(session, scene.refund, status, failure)


async def _follow_case(session: AsyncSession, scene: Scene) -> None:
    """The run that carries out the case moves its money, until the case is settled; from then on we do."""
    refund = scene.refund
    case = await session.get_one(CaseRow, refund.key.partition("/")[2], populate_existing=True)
    if case.settled_at is not None:
        refund.booked_at = datetime.now(UTC)
        if case.data.get("failure"):
            refund.counted = 0
            refund.status, refund.failure, refund.settled_at = (
                RefundStatus.FAILED,
                case.data["failure"],
                refund.booked_at,
            )


async def _later_report(session: AsyncSession, scene: Scene, report: RefundReport, money_run: str) -> None:
    """Forward only: the customer has the money, or it came back."""
    refund = scene.refund
    before = RefundStatus(refund.status)
    after = refunds.advance(before, report.status)
    if after is before:
        return
    refund.status, refund.updated_at = after, datetime.now(UTC)
    if after is RefundStatus.REFUNDED:
        refund.settled_at = refund.updated_at
        if refund.origin != RefundOrigin.LATE_MONEY:  # told by its case
            await tell_of(session, refund, "refund.succeeded")
        return
    refund.failure = report.failure or f"the refund is {after} at the provider"
    await refund_money.release(session, refund, scene.payment)
    await session.flush()
    await refund_money.open_came_back(session, refund, scene.payment, money_run)
    await fail(session, refund, after, refund.failure)


async def fail(session: AsyncSession, refund: RefundRow, status: RefundStatus, failure: str | None) -> None:
    """The refund ends without the customer having the money, and the shop is told."""
    refund.status = status
    refund.failure = failure or f"the refund is {status} at the provider"
    refund.settled_at = refund.updated_at = datetime.now(UTC)
    await tell_of(session, refund, "refund.failed", failure=refund.failure)


async def tell_of(session: AsyncSession, refund: RefundRow, kind: str, **more: str | None) -> None:
    """Tell the shop of a refund. Call it last in a transaction."""
    await session.flush()
    await tell(
        session,
        refund.merchant_id,
        kind,
        refund.checkout_id,
        refund_id=refund.id,
        payment_id=refund.payment_id,
        amount=refund.amount,
        currency=refund.currency,
        reason=refund.reason,
        origin=refund.origin,
        **more,
    )
