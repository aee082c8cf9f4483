"""Cases: opened inside the transaction that finds something, decided once."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.checkouts import move_checkout
from adapters.postgres.database import Sessions, new_id
from adapters.postgres.feed import tell
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import CheckoutRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.vat_evidence import accept_vat_id
from domain.cases import STEP_FAILED, SYSTEM, DecideCase, NewCase
from domain.checkout import CheckoutStatus
from domain.errors import CaseDecided, InvalidInput, NotFound, Violation
from domain.late_money import NOTHING_TO_DO, Decision, Misfit


class PostgresCases:
    """Implements `domain.ports.CaseBook`. The static methods work inside the transaction of another step."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def open_case(self, case: NewCase) -> str:
        async with self._sessions.begin() as session:
            if case.checkout_id is not None:
                await locked_checkout(session, case.merchant_id, case.checkout_id)
            return (await self.open(session, case)).id

    async def decide(self, step: DecideCase) -> None:
        async with self._sessions.begin() as session:
            case, checkout = await _locked(session, step)
            if case.decision is not None:
                if case.decision != step.decision:
                    raise CaseDecided(case.id, case.decision)
                return
            if step.decision not in case.options:
                message = f"must be one of {', '.join(case.options)}"
                raise InvalidInput([Violation(pointer="/decision", message=message)])
            await self.conclude(session, case, checkout, step.decision, by=step.by, reason=step.reason, at=step.at)

    @staticmethod
    async def open(session: AsyncSession, case: NewCase) -> CaseRow:
        """Open a case and tell of it, or find the one of this fact. Lock the checkout first."""
        created = await session.execute(
            insert(CaseRow)
            .values(
                id=new_id("case"),
                merchant_id=case.merchant_id,
                checkout_id=case.checkout_id,
                payment_id=case.payment_id,
                fact=case.fact,
                kind=case.kind,
                data=case.data,
                options=list(case.options),
                workflow_id=case.workflow_id,
                opened_at=case.opened_at,
                due_at=case.due_at,
                remind_at=case.due_at,
            )
            .on_conflict_do_nothing(index_elements=[CaseRow.merchant_id, CaseRow.fact])
            .returning(CaseRow.id)
        )
        is_new = created.scalar_one_or_none() is not None
        found = await session.execute(
            select(CaseRow).where(CaseRow.merchant_id == case.merchant_id, CaseRow.fact == case.fact)
        )
        row = found.scalar_one()
        if is_new and case.options:
            await PostgresCases.tell_of(session, row)
        return row

    @staticmethod
    async def tell_of(session: AsyncSession, case: CaseRow) -> None:
        """Tell that a person must decide; told again when the case is overdue."""
        kind = "checkout.needs_review" if case.checkout_id else "payment.needs_review"
        await tell(
            session,
            case.merchant_id,
            kind,
            case.checkout_id,
            case_id=case.id,
            reason=case.kind,
            options=case.options,
            overdue=case.overdue,
        )

    @staticmethod
    async def conclude(
        session: AsyncSession,
        case: CaseRow,
        checkout: CheckoutRow | None,
        decision: str,
        *,
        by: str,
        reason: str,
        at: datetime,
    ) -> None:
        """Write a decision down; a checkout that waited for it is where it was before.

        Money that is to be given back is no longer available from here on, so that nobody assigns it.
        """
        case.decision, case.decided_by, case.reason, case.decided_at = decision, by, reason, at
        case.remind_at = None
        if case.payment_id is not None and decision == Decision.REFUND:
            payment = await session.get_one(PaymentRow, case.payment_id, with_for_update=True, populate_existing=True)
            if payment.available == 0:
                raise CaseDecided(case.id, Decision.RESOLVED)
            case.data = case.data | {"reserved": payment.available}
            payment.refunded, payment.available = payment.refunded + payment.available, 0
            await booked.refund(session, payment, case.id, case.data["reserved"])
        if decision in NOTHING_TO_DO or case.kind == STEP_FAILED or case.workflow_id is None:
            case.settled_at = at
        if checkout is not None:
            await accept_vat_id(session, checkout, case.data.get("rules", ()))
            lift_review(checkout, case)
        await session.flush()
        await tell(
            session,
            case.merchant_id,
            "case.decided",
            case.checkout_id,
            case_id=case.id,
            reason=reason,
            decision=decision,
            by=by,
        )


def put_under_review(checkout: CheckoutRow, case: CaseRow) -> None:
    """The checkout waits until the case is decided."""
    if checkout.review is None:
        checkout.review = {
            "reason": case.kind,
            "since": case.opened_at.isoformat(),
            "options": case.options,
            "before": checkout.status,
            "case": case.id,
        }
        move_checkout(checkout, CheckoutStatus.NEEDS_REVIEW)


async def resolve_shortage(session: AsyncSession, checkout: CheckoutRow) -> None:
    """The money is enough by now: nobody needs to decide what becomes of a part of it."""
    found = await session.execute(
        select(CaseRow).where(
            CaseRow.checkout_id == checkout.id, CaseRow.kind == Misfit.SHORT, CaseRow.decided_at.is_(None)
        )
    )
    words, now = "the rest was paid", datetime.now(UTC)
    for case in found.scalars():
        await PostgresCases.conclude(session, case, checkout, Decision.RESOLVED, by=SYSTEM, reason=words, at=now)
    lift_review(checkout)


def lift_review(checkout: CheckoutRow, case: CaseRow | None = None) -> None:
    """The checkout waits no longer for this case, or for any case."""
    waits_for = (checkout.review or {}).get("case")
    if checkout.review is not None and waits_for is not None and (case is None or waits_for == case.id):
        move_checkout(checkout, CheckoutStatus(checkout.review["before"]))
        checkout.review = None


async def _locked(session: AsyncSession, step: DecideCase) -> tuple[CaseRow, CheckoutRow | None]:
    """The case, and its checkout; locked in the order that every step keeps."""
    mine = select(CaseRow).where(CaseRow.id == step.case_id, CaseRow.merchant_id == step.merchant_id)
    case = (await session.execute(mine)).scalar_one_or_none()
    if case is None:
        raise NotFound("case", step.case_id)
    checkout = await locked_checkout(session, step.merchant_id, case.checkout_id) if case.checkout_id else None
    fresh = mine.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(fresh)).scalar_one(), checkout
