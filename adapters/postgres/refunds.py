"""Refunds: prepared under the payment's lock, ordered once, booked with their credit note in one transaction."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import refund_money
from adapters.postgres.checkouts import entry_of
from adapters.postgres.credit_balances import keep
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.findings import PROVIDER, mark_applied
from adapters.postgres.locks import lock_money, locked_checkout
from adapters.postgres.refund_reports import ENDS, Scene, fail, refused, reported, tell_of
from adapters.postgres.tables import CheckoutRow, EntryItemRow, MerchantRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_refunds import RefundRow
from domain import refunds
from domain.cases import POLICY
from domain.errors import InvalidInput, NotFound, RefundDecided, Violation
from domain.merchants import Merchant
from domain.money import Money
from domain.refund_requests import RefundRequest, amount_of
from domain.refund_steps import (
    AdoptRefund,
    ApplyRefund,
    DecideRefund,
    OfRefund,
    Prepared,
    PrepareRefund,
    RefundStanding,
    Refusal,
    RefusalKind,
    Released,
)
from domain.refunds import RefundApproval, RefundOrder, RefundOrigin, RefundReport, RefundStatus
from domain.steps import OfInvoice

CASE = "case"
"""How the key of a refund that a case decided begins: `case/case_…`."""


class PostgresRefundBook:
    """Implements `domain.ports.RefundBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def prepare(self, step: PrepareRefund) -> Prepared:
        request = step.request
        async with self._sessions.begin() as session:
            try:
                checkout = await locked_checkout(session, step.merchant_id, request.checkout_id)
            except NotFound:
                return Prepared(refusal=Refusal(kind=RefusalKind.NO_CHECKOUT))
            known = await session.get(RefundRow, step.refund_id)
            if known is not None:
                return Prepared(standing=await _standing(session, known))
            captured = await _captured(session, checkout)
            if not captured:
                return Prepared(refusal=Refusal(kind=RefusalKind.NOTHING_CAPTURED))
            try:
                payment = await _chosen(session, request, captured, checkout)
                amount = amount_of(request, payment.currency, await refund_money.left_for(session, payment, checkout))
            except InvalidInput as error:
                return Prepared(refusal=Refusal(kind=RefusalKind.INVALID, violations=error.violations))
            refund = await _write_down(session, step, payment, amount)
            return Prepared(standing=await _standing(session, refund))

    async def standing(self, step: OfRefund) -> RefundStanding | None:
        async with self._sessions.begin() as session:
            refund = await session.get(RefundRow, step.refund_id)
            if refund is None or refund.merchant_id != step.merchant_id:
                return None
            return await _standing(session, refund)

    async def decide(self, step: DecideRefund) -> RefundStanding:
        async with self._sessions.begin() as session:
            scene = await _locked(session, step.merchant_id, step.refund_id)
            refund, status = scene.refund, RefundStatus(scene.refund.status)
            if status is RefundStatus.PREPARED:
                wanted = RefundStatus.APPROVED if step.approved else RefundStatus.CANCELED
                refund.status = refunds.move(status, wanted)
                refund.updated_at = datetime.now(UTC)
                if step.approved:
                    refund.approved_by = step.by
                else:
                    refund.failure, refund.settled_at = step.reason, refund.updated_at
                    await _leave_available(session, refund, scene.payment, step.by)
                await tell_of(session, refund, f"refund.{wanted}", by=step.by, why=step.reason)
            elif step.approved is (status is RefundStatus.CANCELED):
                raise RefundDecided(refund.id, status)
            return await _standing(session, refund)

    async def release(self, step: OfRefund) -> Released:
        async with self._sessions.begin() as session:
            scene = await _locked(session, step.merchant_id, step.refund_id)
            refund, status = scene.refund, RefundStatus(scene.refund.status)
            if status is RefundStatus.APPROVED and not refund_money.waits(refund, scene.checkouts):
                refund.updated_at = datetime.now(UTC)
                if await refund_money.reserve(session, refund, scene.payment):
                    refund.status = refunds.move(status, RefundStatus.PENDING)
                else:
                    await fail(session, refund, RefundStatus.FAILED, "the money is not there any more")
            ordered = refund.status == RefundStatus.PENDING
            return Released(standing=await _standing(session, refund), order=_order(scene) if ordered else None)

    async def adopt(self, step: AdoptRefund) -> RefundStanding | None:
        report = step.report
        async with self._sessions.begin() as session:
            mine = select(PaymentRow).where(
                PaymentRow.merchant_id == step.merchant_id,
                PaymentRow.provider == PROVIDER,
                PaymentRow.reference == report.payment_reference,
            )
            payment = (await session.execute(mine)).scalar_one_or_none()
            if payment is None or payment.captured == 0:
                return None
            await lock_money(session, step.merchant_id, payments=[payment.id])
            refund = await _known(session, step.merchant_id, report) or await _adopted(session, payment, report)
            return await _standing(session, refund)

    async def apply(self, step: ApplyRefund) -> RefundStanding:
        async with self._sessions.begin() as session:
            scene = await _locked(session, step.merchant_id, step.refund_id)
            if step.report is None:
                await refused(session, scene, step.failure, step.money_run)
            else:
                await reported(session, scene, step.report, step.money_run)
            if scene.refund.booked_at is not None or scene.refund.settled_at is not None:
                await mark_applied(session, step.merchant_id, step.event_ids)
            return await _standing(session, scene.refund)


async def _locked(session: AsyncSession, merchant_id: str, refund_id: str) -> Scene:
    refund = await session.get(RefundRow, refund_id)
    if refund is None or refund.merchant_id != merchant_id:
        raise NotFound("refund", refund_id)
    beside = [refund.checkout_id] if refund.checkout_id else []
    checkouts, payments = await lock_money(session, merchant_id, payments=[refund.payment_id], checkouts=beside)
    await session.refresh(refund, with_for_update=True)
    return Scene(checkouts=tuple(checkouts.values()), payment=payments[refund.payment_id], refund=refund)


async def _standing(session: AsyncSession, refund: RefundRow) -> RefundStanding:
    payment = await session.get_one(PaymentRow, refund.payment_id)
    status, booked = RefundStatus(refund.status), refund.booked_at is not None
    notes = (await refund_money.credit_notes_of(session, [refund.id])).get(refund.id, ())
    return RefundStanding(
        refund_id=refund.id,
        checkout_id=refund.checkout_id,
        kept_with=payment.checkout_id,
        payment_reference=payment.reference,
        status=status,
        provider_reference=refund.provider_reference,
        opened_by=refund.opened_by,
        booked=booked,
        settled=refund.settled_at is not None,
        loose=(booked or refund.origin == RefundOrigin.CREDIT_BALANCE)
        and (status in ENDS or refund.counted > refund.from_entry),
        credit_notes=tuple(OfInvoice(merchant_id=note.merchant_id, invoice_id=note.id) for note in notes),
    )


# Asked for by the shop


async def _captured(session: AsyncSession, checkout: CheckoutRow) -> list[PaymentRow]:
    """The payments that the checkout brought, and those of others that settle its entry."""
    entry = await entry_of(session, checkout.id)
    settling = select(EntryItemRow.payment_id).where(EntryItemRow.entry_id == entry.id)
    found = await session.scalars(
        select(PaymentRow)
        .where((PaymentRow.checkout_id == checkout.id) | PaymentRow.id.in_(settling), PaymentRow.captured > 0)
        .order_by(PaymentRow.captured_at, PaymentRow.id)
        .with_for_update()
    )
    return list(found)


async def _chosen(
    session: AsyncSession, request: RefundRequest, captured: list[PaymentRow], checkout: CheckoutRow
) -> PaymentRow:
    """The payment to give back from. Raises InvalidInput when it must be named, or is not one of these."""
    if request.payment_id is not None:
        named = [payment for payment in captured if payment.id == request.payment_id]
        if not named:
            problem = "must be a payment of this checkout that has brought money"
            raise InvalidInput([Violation(pointer="/payment_id", message=problem)])
        return named[0]
    left = [(payment, await refund_money.left_for(session, payment, checkout)) for payment in captured]
    holding = [(payment, amount) for payment, amount in left if amount > 0]
    if len(holding) > 1:
        choices = ", ".join(f"{payment.id} ({Money(amount, payment.currency)})" for payment, amount in holding)
        problem = f"is required: several payments have money left: {choices}"
        raise InvalidInput([Violation(pointer="/payment_id", message=problem)])
    return holding[0][0] if holding else captured[0]


async def _write_down(session: AsyncSession, step: PrepareRefund, payment: PaymentRow, amount: int) -> RefundRow:
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
    free = merchant.refund_approval is RefundApproval.NONE
    refund = RefundRow(
        id=step.refund_id,
        merchant_id=step.merchant_id,
        checkout_id=step.request.checkout_id,
        payment_id=payment.id,
        key=step.request.key,
        origin=RefundOrigin.SHOP,
        request=to_json(step.request),
        opened_by=step.opened_by,
        amount=amount,
        currency=payment.currency,
        counted=0,
        from_entry=0,
        reason=step.request.reason,
        status=RefundStatus.APPROVED if free else RefundStatus.PREPARED,
        approved_by=POLICY if free else None,
    )
    session.add(refund)
    await session.flush()
    if not free:
        await tell_of(session, refund, "refund.needs_approval")
    return refund


async def _leave_available(session: AsyncSession, refund: RefundRow, payment: PaymentRow, by: str) -> None:
    """Freed money whose refund was rejected stays available for other entries."""
    if refund.counted:
        await refund_money.release(session, refund, payment)
        await keep(session, payment, by=by, reason=refund.failure or "the refund was rejected")


def _order(scene: Scene) -> RefundOrder:
    refund = scene.refund
    return RefundOrder(
        merchant_id=refund.merchant_id,
        payment_reference=scene.payment.reference,
        amount=refund.amount,
        currency=refund.currency,
        idempotency_key=refund.id,
        refund_id=refund.id,
        checkout_id=refund.checkout_id,
    )


# Made by somebody else


async def _known(session: AsyncSession, merchant_id: str, report: RefundReport) -> RefundRow | None:
    """The row of a refund we ordered, or adopted before."""
    ours = RefundRow.provider_reference == report.reference
    if report.refund_id is not None:
        ours = ours | (RefundRow.id == report.refund_id)
    found = await session.scalars(select(RefundRow).where(RefundRow.merchant_id == merchant_id, ours))
    return found.one_or_none()


async def _adopted(session: AsyncSession, payment: PaymentRow, report: RefundReport) -> RefundRow:
    """Write down a refund of the dashboard, or one that a case about money that did not fit has ordered."""
    case = None if report.refund_id is None else await session.get(CaseRow, report.refund_id)
    late = case is not None and case.merchant_id == payment.merchant_id
    key = f"{CASE}/{report.refund_id}" if late else f"{PROVIDER}/{report.reference}"
    refund = RefundRow(
        id=refunds.refund_id(payment.merchant_id, key),
        merchant_id=payment.merchant_id,
        checkout_id=payment.checkout_id,
        payment_id=payment.id,
        key=key,
        origin=RefundOrigin.LATE_MONEY if late else RefundOrigin.PROVIDER,
        amount=report.amount,
        currency=report.currency,
        counted=report.amount if late else 0,  # the case counts it
        from_entry=0,
        reason=case.reason if late and case is not None else None,
        status=RefundStatus.PENDING,
        provider_reference=report.reference,
    )
    session.add(refund)
    await session.flush()
    return refund
