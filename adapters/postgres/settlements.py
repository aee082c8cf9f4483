"""Reductions, cancelations and assignments: each done once under its key, in the transaction that writes it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked, credit_notes, deposits
from adapters.postgres.assignments import (
    assign,
    balance_of,
    free,
    reduce,
    settle_invoice,
)
from adapters.postgres.checkouts import move_checkout
from adapters.postgres.combined_links import awaits_payment
from adapters.postgres.credit_balances import give_back, keep, undecided
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.expectations import expect, promise_of
from adapters.postgres.feed import tell
from adapters.postgres.findings import is_awaited, misfit_of, owed_on, payments_of
from adapters.postgres.locks import lock_money
from adapters.postgres.refund_money import left_of, too_early
from adapters.postgres.refund_reports import tell_of
from adapters.postgres.tables import (
    CheckoutRow,
    EntryRow,
    InvoiceRow,
    MerchantRow,
    PaymentRow,
    ProviderSessionRow,
)
from adapters.postgres.tables_refunds import RefundRow
from adapters.postgres.tables_settlements import CombinedLinkRow, SettlementRow
from domain import entries, settlements
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import EntryCanceled, InvalidInput, MoneyNeeded, NotCorrectable, NotFound, Violation
from domain.merchants import Merchant
from domain.payments import Promise, SessionStatus
from domain.refunds import RefundStatus
from domain.settlement_steps import Consequences, DoSettlement, Hindrance, Obstacle, Settled
from domain.settlements import CancelEntry, CreditBalance, Reduce, ReductionKind, Settle
from domain.steps import OfInvoice

PROCESS = "settlement"


class PostgresSettlementBook:
    """Implements `domain.ports.SettlementBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def settle(self, step: DoSettlement) -> Settled:
        try:
            async with self._sessions.begin() as session:
                return await _once(session, step)
        except InvalidInput as error:
            return Settled(hindrance=Hindrance(kind=Obstacle.INVALID, violations=error.violations))
        except NotFound as error:
            kind = Obstacle.NO_PAYMENT if error.kind == "payment" else Obstacle.NO_ENTRY
            return Settled(hindrance=Hindrance(kind=kind, reference=error.reference))
        except EntryCanceled as error:
            return Settled(hindrance=Hindrance(kind=Obstacle.CANCELED, reference=error.entry_id))
        except NotCorrectable as error:
            return Settled(hindrance=Hindrance(kind=Obstacle.NOT_CORRECTABLE, reference=str(error)))
        except MoneyNeeded as error:
            return Settled(hindrance=Hindrance(kind=Obstacle.NEEDED, reference=error.payment_id))


@dataclass(slots=True, kw_only=True)
class _Deed:
    """What is being done, and what comes of it. `told` are the events of the feed, told last."""

    step: DoSettlement
    merchant: Merchant
    amount: int = 0
    currency: str = ""
    credited: int | None = 0
    credit_note: InvoiceRow | None = None
    reduction: ReductionKind | None = None
    entry: EntryRow | None = None
    moves: list[dict[str, str | int]] = field(default_factory=list)
    touched: dict[str, PaymentRow] = field(default_factory=dict)
    refunds: list[str] = field(default_factory=list)
    told: list[tuple[str, CheckoutRow, Mapping[str, str | int | None]]] = field(default_factory=list)
    concerned: dict[str, CheckoutRow] = field(default_factory=dict)
    shut: list[str] = field(default_factory=list)
    late: set[str] = field(default_factory=set)


async def _once(session: AsyncSession, step: DoSettlement) -> Settled:
    row, is_new = await _row_of_key(session, step)
    if not is_new:
        return _settled(row)
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
    deed = _Deed(step=step, merchant=merchant)
    match step.request:
        case Reduce():
            await _reduce(session, deed, step.request)
        case CancelEntry():
            await _cancel(session, deed, step.request)
        case Settle():
            await _assign(session, deed, step.request)
    await _write_down(session, deed, row)
    for kind, checkout, data in deed.told:
        await tell(session, step.merchant_id, kind, checkout.id, **data)
    await _ask_for_approval(session, deed)
    return _settled(row)


async def _row_of_key(session: AsyncSession, step: DoSettlement) -> tuple[SettlementRow, bool]:
    """The row of this key, and whether it is new: who comes second waits here, before any other lock."""
    inserted = await session.execute(
        insert(SettlementRow)
        .values(
            id=step.settlement_id,
            merchant_id=step.merchant_id,
            key=step.request.key,
            kind=step.request.kind,
            currency="",
            amount=0,
            request=to_json(step.request),
            moves=[],
            consequences={},
            opened_by=step.opened_by,
            done_by=step.by,
        )
        .on_conflict_do_nothing()
        .returning(SettlementRow.id)
    )
    is_new = inserted.scalar_one_or_none() is not None
    return await session.get_one(SettlementRow, step.settlement_id), is_new


async def _ask_for_approval(session: AsyncSession, deed: _Deed) -> None:
    for refund_id in deed.refunds:
        refund = await session.get_one(RefundRow, refund_id)
        if refund.status == RefundStatus.PREPARED:
            await tell_of(session, refund, "refund.needs_approval")


def _settled(row: SettlementRow) -> Settled:
    return Settled(opened_by=row.opened_by, consequences=from_json(Consequences, row.consequences))


async def _reduce(session: AsyncSession, deed: _Deed, request: Reduce) -> None:
    entry, checkout = await _locked_entry(session, deed, request.entry_id)
    invoice = await credit_notes.invoice_in_force(session, checkout.id)
    balance = balance_of(entry)
    amount = settlements.reduction_of(request, entry.currency, balance, invoiced=invoice is not None)
    freed = await free(session, entry, settlements.freed(balance, amount), PROCESS)
    was_balanced = entry.status == EntryStatus.BALANCED
    reduce(entry, amount)
    await settle_invoice(session, entry)
    deed.entry, deed.amount, deed.reduction = entry, amount, request.reduction
    if request.reduction is ReductionKind.CREDIT:
        await _credit(session, deed, invoice, amount, request.reason)
    await booked.given_up(session, entry)
    deed.told.append(("entry.reduced", checkout, _said(entry, request.reason, amount, reduction=request.reduction)))
    if invoice is not None and entry.status == EntryStatus.BALANCED and not was_balanced:
        deed.told.append(("entry.balanced", checkout, {"entry_id": entry.id}))
    await _place(session, deed, freed, settlements.strategy(request, deed.merchant.credit_balance), request.reason)


async def _cancel(session: AsyncSession, deed: _Deed, request: CancelEntry) -> None:
    entry, checkout = await _locked_entry(session, deed, request.entry_id)
    invoice = await credit_notes.invoice_in_force(session, checkout.id)
    await free(session, entry, entry.assigned, PROCESS)
    deed.entry, deed.amount = entry, balance_of(entry).open
    entry.status = entries.move(EntryStatus(entry.status), EntryStatus.CANCELED)
    entry.shut_at = deed.step.at
    reduce(entry, deed.amount)
    if invoice is not None:
        # The sale is undone: what is left of the invoice is taken back, also what was written off of it.
        if left := await credit_notes.left_on(session, invoice, entry):
            await _credit(session, deed, invoice, left, request.reason)
    elif is_awaited(checkout):
        move_checkout(checkout, CheckoutStatus.CANCELED)
        checkout.review = None
        deed.shut.append(checkout.workflow_id)
        await deposits.release(session, checkout.id)
        told = {"reason": request.reason, "by": deed.step.by}
        deed.told.append(("checkout.canceled", checkout, told))
    deed.told.insert(0, ("entry.canceled", checkout, _said(entry, request.reason, deed.amount)))
    # Nothing is owed any more: all that the checkout brought is free, whether or not it was assigned before.
    brought = await payments_of(session, checkout.id)
    deed.touched |= {payment.id: payment for payment in brought}
    if any(promise_of(payment) is Promise.AUTHORIZED for payment in brought):
        deed.late.add(checkout.id)
    await expect(session, entry, brought, ())
    spare = {payment: payment.available for payment in deed.touched.values() if payment.available}
    await _place(session, deed, spare, settlements.strategy(request, deed.merchant.credit_balance), request.reason)


async def _credit(session: AsyncSession, deed: _Deed, invoice: InvoiceRow | None, amount: int, reason: str) -> None:
    """Take `amount` of the invoice back; without one, that is done when there is one."""
    if invoice is None or deed.entry is None:
        deed.credited = None
        return
    checkout = deed.concerned[deed.entry.checkout_id]
    await credit_notes.demand_not_being_deducted(session, invoice, [checkout])
    deed.credited = amount
    deed.credit_note = await credit_notes.issue(session, invoice, deed.entry, amount, reason)


async def _assign(session: AsyncSession, deed: _Deed, request: Settle) -> None:
    payments, targets = await _locked_for_assignment(session, deed, request)
    currency = targets[0].currency
    spare = {payment: await _spare(session, deed, payment) for payment in payments if payment.currency == currency}
    if payments and not spare:
        problem = f"is in {payments[0].currency}, the entry in {currency}"
        raise InvalidInput([Violation(pointer="/payment_id", message=problem)])
    owed = {entry.id: await _owed(session, deed, entry, payments) for entry in targets}
    deed.amount = settlements.settled_of(request, currency, available=sum(spare.values()), owed=sum(owed.values()))
    deed.currency, left = currency, deed.amount
    for entry in targets:
        left -= await _settle_entry(session, deed, entry, min(left, owed[entry.id]), spare)


async def _settle_entry(
    session: AsyncSession, deed: _Deed, entry: EntryRow, amount: int, spare: dict[PaymentRow, int]
) -> int:
    """Assign up to `amount` of the spare money to an entry; answers how much."""
    settled = 0
    for payment, there in spare.items():
        taken = await assign(session, entry, payment, min(amount - settled, there), PROCESS)
        spare[payment], settled = there - taken, settled + taken
        if taken:
            deed.moves.append({"payment": payment.id, "entry": entry.id, "amount": taken})
    if settled:
        await settle_invoice(session, entry)
        checkout = deed.concerned[entry.checkout_id]
        deed.told.append(("entry.settled", checkout, _said(entry, deed.step.request.reason, settled)))
        if entry.status == EntryStatus.BALANCED and not _runs(checkout):
            deed.told.append(("entry.balanced", checkout, {"entry_id": entry.id}))
    return settled


def _said(entry: EntryRow, reason: str | None, amount: int, **more: str) -> dict[str, str | int | None]:
    return {"entry_id": entry.id, "amount": amount, "currency": entry.currency, "reason": reason, **more}


def _runs(checkout: CheckoutRow) -> bool:
    """Whether the checkout's run is still to balance the entry, and to tell of that."""
    return awaits_payment(checkout) or too_early([checkout])


# What is locked


async def _locked_entry(session: AsyncSession, deed: _Deed, entry_id: str) -> tuple[EntryRow, CheckoutRow]:
    """An entry that is not canceled for good, locked with all the money that is on it or lies there for it."""
    checkouts, payments = await lock_money(session, deed.step.merchant_id, entries=[entry_id])
    entry = await _entry(session, deed, entry_id)
    if entry.shut_at is not None or (entry.status == EntryStatus.CANCELED and isinstance(deed.step.request, Reduce)):
        raise EntryCanceled(entry.id)
    deed.concerned, deed.touched, deed.currency = checkouts, payments, entry.currency
    return entry, checkouts[entry.checkout_id]


async def _locked_for_assignment(
    session: AsyncSession, deed: _Deed, request: Settle
) -> tuple[list[PaymentRow], list[EntryRow]]:
    """The payments to take from, what came first to begin with, and the open entries to settle."""
    source = [request.credit_entry_id] if request.credit_entry_id else []
    named = [request.payment_id] if request.payment_id else []
    checkouts, money = await lock_money(
        session, deed.step.merchant_id, payments=named, entries=[*request.entries, *source]
    )
    targets = [await _entry(session, deed, entry_id) for entry_id in request.entries]
    _demand_settleable(targets)
    if request.payment_id is not None:
        if request.payment_id not in money:
            raise NotFound("payment", request.payment_id)
        payments = [money[request.payment_id]]
    else:
        credit = await _entry(session, deed, str(request.credit_entry_id))
        payments = list(await payments_of(session, credit.checkout_id))
    deed.concerned, deed.touched = checkouts, {payment.id: payment for payment in payments}
    return payments, targets


async def _entry(session: AsyncSession, deed: _Deed, entry_id: str) -> EntryRow:
    found = await session.execute(
        select(EntryRow)
        .where(EntryRow.id == entry_id, EntryRow.merchant_id == deed.step.merchant_id)
        .execution_options(populate_existing=True)
    )
    entry = found.scalar_one_or_none()
    if entry is None:
        raise NotFound("entry", entry_id)
    return entry


def _demand_settleable(targets: Sequence[EntryRow]) -> None:
    wrong = [
        Violation(pointer=f"/entries/{place}", message=problem)
        for place, entry in enumerate(targets)
        if (problem := _unsettleable(entry, targets[0].currency)) is not None
    ]
    if wrong:
        raise InvalidInput(wrong)


def _unsettleable(entry: EntryRow, currency: str) -> str | None:
    if entry.currency != currency:
        return f"is in {entry.currency}, the first entry in {currency}"
    return None if entry.status == EntryStatus.OPEN else f"is {entry.status}, not open"


async def _spare(session: AsyncSession, deed: _Deed, payment: PaymentRow) -> int:
    """The available money of a payment that its own checkout does not need to balance its entry.

    Raises MoneyNeeded when it needs all there is.
    """
    home = deed.concerned.get(payment.checkout_id or "")
    if home is None or not too_early([home]) or payment.available == 0:
        return payment.available
    entry = (await session.execute(select(EntryRow).where(EntryRow.checkout_id == home.id))).scalar_one()
    owed = owed_on(entry, await payments_of(session, home.id))
    if owed.available <= owed.outstanding:
        raise MoneyNeeded(payment.id)
    return min(payment.available, owed.available - owed.outstanding)


async def _owed(session: AsyncSession, deed: _Deed, entry: EntryRow, sources: Sequence[PaymentRow]) -> int:
    """What is outstanding on an entry, beyond the money that lies there for it and its run is about to take."""
    there = [row for row in await payments_of(session, entry.checkout_id) if row not in sources]
    owed = owed_on(entry, there)
    return max(0, owed.outstanding - (owed.available if _runs(deed.concerned[entry.checkout_id]) else 0))


# What comes of it


async def _place(
    session: AsyncSession, deed: _Deed, freed: dict[PaymentRow, int], strategy: CreditBalance, reason: str
) -> None:
    """Deal with freed money as the strategy says. What other refunds are about to take is not given back twice."""
    await session.flush()
    for payment, amount in freed.items():
        returnable = 0 if strategy is CreditBalance.FUTURE_SETTLEMENT else min(amount, await left_of(session, payment))
        if returnable:
            refund_id = await give_back(
                session, payment, returnable, strategy=strategy, cause=deed.step.settlement_id, reason=reason
            )
            deed.refunds.append(refund_id)
        if await _has_no_use(session, deed, payment):
            await keep(session, payment, by=deed.step.by, reason=reason)


async def _has_no_use(session: AsyncSession, deed: _Deed, payment: PaymentRow) -> bool:
    """Whether the checkout that brought the payment does not wait for its money."""
    home = deed.concerned.get(payment.checkout_id or "")
    if home is None:
        return True
    entry = (await session.execute(select(EntryRow).where(EntryRow.checkout_id == home.id))).scalar_one()
    return misfit_of(home, entry, payment, await payments_of(session, home.id)) is not None


async def _write_down(session: AsyncSession, deed: _Deed, row: SettlementRow) -> None:
    row.entry_id = None if deed.entry is None else deed.entry.id
    row.currency, row.amount = deed.currency, deed.amount
    row.reduction, row.credited = deed.reduction, deed.credited
    row.credit_note_id = None if deed.credit_note is None else deed.credit_note.id
    row.moves = deed.moves
    row.consequences = to_json(await _consequences(session, deed))
    await session.flush()
    if deed.credit_note is not None and deed.entry is not None:
        note = {"invoice_id": deed.credit_note.id, "number": deed.credit_note.number}
        deed.told.append(("credit_note.finalized", deed.concerned[deed.entry.checkout_id], note))


async def _consequences(session: AsyncSession, deed: _Deed) -> Consequences:
    concerned = set(deed.concerned)
    waiting = {c.workflow_id for c in deed.concerned.values() if _runs(c)}
    links = await session.scalars(
        select(CombinedLinkRow.workflow_id)
        .join(ProviderSessionRow, ProviderSessionRow.link_id == CombinedLinkRow.id)
        .where(ProviderSessionRow.checkout_id.in_(concerned), ProviderSessionRow.status == SessionStatus.OPEN)
    )
    homes = {payment.checkout_id for payment in deed.touched.values() if await undecided(session, payment.id)}
    note = deed.credit_note
    return Consequences(
        stir=tuple(sorted({*waiting, *links} - set(deed.shut))),
        shut=tuple(deed.shut),
        refunds=tuple(deed.refunds),
        late=tuple(sorted(deed.late.union(home for home in homes if home is not None))),
        credited_checkout=None if note is None or deed.entry is None else deed.entry.checkout_id,
        credit_note=None if note is None else OfInvoice(merchant_id=note.merchant_id, invoice_id=note.id),
    )
