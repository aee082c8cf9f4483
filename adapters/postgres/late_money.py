"""Money that does not fit: found in the books, decided by policy or by a case, and moved accordingly."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.cases import PostgresCases, put_under_review
from adapters.postgres.checkouts import entry_of, move_checkout
from adapters.postgres.combined_links import is_short
from adapters.postgres.database import Sessions, from_json
from adapters.postgres.expectations import promises_for
from adapters.postgres.feed import tell
from adapters.postgres.findings import (
    MONEY,
    PROVIDER,
    mark_applied,
    misfit_of,
    owed_on,
    payments_of,
    record_payment,
)
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import CheckoutRow, EntryRow, MerchantRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_settlements import CombinedLinkRow
from domain import entries
from domain.cases import (
    POLICY,
    SYSTEM,
    Docket,
    NewCase,
    OfCase,
    RecordRefund,
    SortOut,
    Task,
    TracedPayment,
    TracePayment,
)
from domain.checkout import CheckoutStatus
from domain.combined_links import LINK_ID_PREFIX
from domain.entries import EntryStatus
from domain.errors import NotFound
from domain.late_money import OPTIONS, Decision, Misfit, covers, treatment
from domain.merchants import Merchant
from domain.refunds import RefundStatus

_LEFT_OVER = {Misfit.SURPLUS, Misfit.LINK_SHORT}
"""Beyond what was owed where the money lies: to keep it is to keep it, whether or not others wait for it."""
_ENDS = {RefundStatus.REFUNDED, RefundStatus.FAILED, RefundStatus.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What a step looks at, locked."""

    merchant: Merchant
    checkout: CheckoutRow | None
    entry: EntryRow | None
    payments: list[PaymentRow]


class PostgresLateMoneyBook:
    """Implements `domain.ports.LateMoneyBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def trace_payment(self, step: TracePayment) -> TracedPayment:
        report = step.findings.payment
        async with self._sessions.begin() as session:
            if report is None:
                await mark_applied(session, step.merchant_id, step.event_ids)
                return TracedPayment()
            known = await session.execute(
                select(CheckoutRow)
                .outerjoin(PaymentRow, PaymentRow.checkout_id == CheckoutRow.id)
                .where(
                    CheckoutRow.merchant_id == step.merchant_id,
                    (CheckoutRow.id == report.checkout_id)
                    | ((PaymentRow.reference == report.reference) & (PaymentRow.provider == PROVIDER)),
                )
                .limit(1)
            )
            checkout = known.scalar_one_or_none()
            if checkout is not None:
                return TracedPayment(checkout_id=checkout.id, workflow_id=checkout.workflow_id)
            if (report.checkout_id or "").startswith(LINK_ID_PREFIX):
                link = await session.get(CombinedLinkRow, report.checkout_id)
                if link is not None and link.merchant_id == step.merchant_id:
                    return TracedPayment(checkout_id=link.lead_id, workflow_id=link.workflow_id)
            if report.status in MONEY:
                await record_payment(session, step.merchant_id, None, report, step.settled_by)
            await mark_applied(session, step.merchant_id, step.event_ids)
            return TracedPayment()

    async def sort_out(self, step: SortOut) -> Docket:
        async with self._sessions.begin() as session:
            scene = await _locked_scene(session, step)
            cases = {payment.id: await _cases_of(session, payment) for payment in scene.payments}
            for payment in scene.payments:
                accepted = any(map(_is_being_accepted, chain.from_iterable(cases.values())))
                await _judge(session, scene, payment, cases[payment.id], step, accepted=accepted)
            await session.flush()
            return _docket(list(chain.from_iterable(cases.values())), scene)

    async def reopen(self, step: OfCase) -> bool:
        async with self._sessions.begin() as session:
            case, _ = await _case_and_payment(session, step.merchant_id, step.case_id)
            if case.checkout_id is None:
                raise NotFound("checkout", case.id)
            checkout = await session.get_one(CheckoutRow, case.checkout_id)
            entry = await entry_of(session, checkout.id)
            if entry.status != EntryStatus.CANCELED:
                return True
            if entry.shut_at is not None:
                case.settled_at = step.at
                return False
            owed = owed_on(entry, await payments_of(session, checkout.id))
            if owed.available < owed.outstanding:
                case.settled_at = step.at
                return False
            entry.status = entries.move(EntryStatus(entry.status), EntryStatus.OPEN)
            move_checkout(checkout, CheckoutStatus.CAPTURED)
            await session.flush()
            await tell(session, step.merchant_id, "checkout.captured", checkout.id, amount=owed.available)
            return True

    async def record_refund(self, step: RecordRefund) -> None:
        async with self._sessions.begin() as session:
            case, payment = await _case_and_payment(session, step.merchant_id, step.case_id)
            if case.settled_at is not None:
                return
            case.data = case.data | {"refund_reference": step.refund.reference}
            if step.refund.status not in _ENDS:
                return
            amount, refunded = case.data["reserved"], step.refund.status is RefundStatus.REFUNDED
            if not refunded:
                case.data = case.data | {"failure": step.refund.failure or step.refund.status}
            case.settled_at = step.at
            if not refunded:
                payment.refunded, payment.available = payment.refunded - amount, payment.available + amount
                await booked.refund(session, payment, case.id, 0)
            await session.flush()
            await tell(
                session,
                step.merchant_id,
                "refund.succeeded" if refunded else "refund.failed",
                payment.checkout_id,
                case_id=case.id,
                payment_id=payment.id,
                amount=amount,
                currency=payment.currency,
                reason=step.refund.failure,
            )

    async def settle(self, step: OfCase) -> None:
        async with self._sessions.begin() as session:
            case, _ = await _case_and_payment(session, step.merchant_id, step.case_id)
            case.settled_at = case.settled_at or step.at


async def _locked_scene(session: AsyncSession, step: SortOut) -> _Scene:
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
    if step.checkout_id is not None:
        checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
        entry = await entry_of(session, checkout.id)
        payments = await payments_of(session, checkout.id)
        return _Scene(merchant=merchant, checkout=checkout, entry=entry, payments=payments)
    found = await session.execute(
        select(PaymentRow)
        .where(
            PaymentRow.merchant_id == step.merchant_id,
            PaymentRow.provider == PROVIDER,
            PaymentRow.reference == step.payment_reference,
            PaymentRow.checkout_id.is_(None),
        )
        .with_for_update()
    )
    return _Scene(merchant=merchant, checkout=None, entry=None, payments=list(found.scalars()))


def _is_being_accepted(case: CaseRow) -> bool:
    return case.decision == Decision.ACCEPT and case.settled_at is None


async def _judge(
    session: AsyncSession, scene: _Scene, payment: PaymentRow, cases: list[CaseRow], step: SortOut, *, accepted: bool
) -> None:
    """Bring the cases of a payment in line with how its available money fits.

    While late money is `accepted` for the checkout, other late money is not judged: it may be surplus then.
    """
    latest = cases[-1] if cases else None
    kind = await _misfit_of(session, scene, payment)
    under_way = latest is not None and latest.decision is not None and latest.settled_at is None
    if under_way or (accepted and kind is Misfit.LATE):
        return
    if latest is not None and latest.decision is None:
        if kind is not None and _still(kind, latest):
            await _remind(session, latest, scene.merchant, step)
            _let_wait(scene.checkout, latest)
            return
        words = "the money found its place" if kind is None else f"it is {kind} by now"
        await PostgresCases.conclude(
            session, latest, scene.checkout, Decision.RESOLVED, by=SYSTEM, reason=words, at=step.at
        )
    elif latest is not None and kind is not None and _covers(latest, kind, payment):
        return
    if kind is not None:
        kind = _after_failure(latest) or kind
        decision = None if _is_kept(latest) else treatment(kind, scene.merchant)
        cases.append(await _find(session, scene, payment, kind, decision, len(cases), step))


async def _misfit_of(session: AsyncSession, scene: _Scene, payment: PaymentRow) -> Misfit | None:
    """How a payment's available money does not fit, also beyond the checkout that keeps it."""
    kind = misfit_of(scene.checkout, scene.entry, payment, scene.payments)
    return Misfit.LINK_SHORT if kind is Misfit.SURPLUS and await is_short(session, payment) else kind


def _still(kind: Misfit, case: CaseRow) -> bool:
    """Whether the case is about how the money does not fit now."""
    return case.kind in {kind, Misfit.REFUND_FAILED}


def _covers(case: CaseRow, kind: Misfit, payment: PaymentRow) -> bool:
    """Whether what was decided goes for the money as it lies there now."""
    decided = case.decision is not None and covers(Decision(case.decision), case.data["amount"], payment.available)
    return decided and (_still(kind, case) or {kind, case.kind} <= _LEFT_OVER)


def _is_kept(latest: CaseRow | None) -> bool:
    """Whether a part of the money lies there on purpose: so no policy acts upon what came to lie beside it."""
    return latest is not None and latest.decision == Decision.KEEP


def _after_failure(latest: CaseRow | None) -> Misfit | None:
    """A refund that did not arrive is never tried again unasked."""
    failed = latest is not None and latest.decision == Decision.REFUND and latest.data.get("reserved")
    return Misfit.REFUND_FAILED if failed else None


async def _find(
    session: AsyncSession,
    scene: _Scene,
    payment: PaymentRow,
    kind: Misfit,
    decision: Decision | None,
    number: int,
    step: SortOut,
) -> CaseRow:
    """Write down that money does not fit, and decide as the policy says, or put it before a person."""
    new = NewCase(
        merchant_id=payment.merchant_id,
        checkout_id=payment.checkout_id,
        payment_id=payment.id,
        fact=f"money:{payment.id}:{number}",
        kind=kind,
        options=OPTIONS[kind] if decision is None else (),
        data={"amount": payment.available, "currency": payment.currency},
        workflow_id=step.workflow_id,
        opened_at=step.at,
        due_at=step.at + timedelta(days=scene.merchant.late_money_days) if decision is None else None,
    )
    case = await PostgresCases.open(session, new)
    if decision is not None:
        words = f"the policy for {kind}"
        await PostgresCases.conclude(session, case, scene.checkout, decision, by=POLICY, reason=words, at=step.at)
    _let_wait(scene.checkout, case)
    return case


def _let_wait(checkout: CheckoutRow | None, case: CaseRow) -> None:
    """A checkout whose payment is awaited waits for the person first, unless the money is about others."""
    if case.kind == Misfit.LINK_SHORT or case.decision is not None:
        return
    if checkout is not None and checkout.status == CheckoutStatus.AWAITING_PAYMENT:
        put_under_review(checkout, case)


async def _remind(session: AsyncSession, case: CaseRow, merchant: Merchant, step: SortOut) -> None:
    """Tell again of a case that is overdue, once every period."""
    if case.remind_at is not None and case.remind_at <= step.at:
        case.overdue, case.remind_at = True, step.at + timedelta(days=merchant.late_money_days)
        await session.flush()
        await PostgresCases.tell_of(session, case)


def _docket(cases: list[CaseRow], scene: _Scene) -> Docket:
    decided = sorted(
        (case for case in cases if case.decided_at is not None and case.settled_at is None),
        key=lambda case: (case.decided_at, case.id),
    )
    waiting = [case for case in cases if case.decided_at is None]
    reminders = [case.remind_at for case in waiting if case.remind_at is not None]
    references = {payment.id: payment.reference for payment in scene.payments}
    tasks = [
        Task(
            case_id=case.id,
            kind=case.kind,
            decision=Decision(case.decision),
            payment_reference=references[case.payment_id],
            amount=case.data.get("reserved", 0),
            currency=case.data["currency"],
            refund_reference=case.data.get("refund_reference"),
        )
        for case in decided
        if case.decision is not None and case.payment_id is not None
    ]
    return Docket(
        task=next((task for task in tasks if task.refund_reference is None), None),
        on_their_way=tuple(task for task in tasks if task.refund_reference is not None),
        waiting=len(waiting),
        remind_at=min(reminders) if reminders else None,
        needless=_needless(scene),
    )


def _needless(scene: _Scene) -> tuple[str, ...]:
    """Authorizations that nobody waits for. Those of no checkout of ours are not ours to release."""
    if scene.checkout is None or scene.entry is None:
        return ()
    return promises_for(scene.checkout, scene.entry, scene.payments)[1]


async def _cases_of(session: AsyncSession, payment: PaymentRow) -> list[CaseRow]:
    """The cases about how a payment fits, in the order they were found."""
    found = await session.execute(
        select(CaseRow)
        .where(CaseRow.payment_id == payment.id, CaseRow.kind.in_(list(Misfit)))
        .order_by(CaseRow.opened_at, CaseRow.id)
    )
    return sorted(found.scalars(), key=lambda case: int(case.fact.rpartition(":")[2]))


async def _case_and_payment(session: AsyncSession, merchant_id: str, case_id: str) -> tuple[CaseRow, PaymentRow]:
    """A case about money and its payment, locked after their checkout."""
    mine = select(CaseRow).where(CaseRow.id == case_id, CaseRow.merchant_id == merchant_id)
    case = (await session.execute(mine)).scalar_one_or_none()
    if case is None or case.payment_id is None:
        raise NotFound("case", case_id)
    if case.checkout_id is not None:
        await locked_checkout(session, merchant_id, case.checkout_id)
    payment = await session.get_one(PaymentRow, case.payment_id, with_for_update=True, populate_existing=True)
    await session.refresh(case)
    return case, payment
