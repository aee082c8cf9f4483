"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced.

A credit note takes back from one order, whatever else its invoice is about: so each order keeps its own tax rates, and
each entry what was given up of it. The caller holds the checkouts' locks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from adapters.postgres import deposits
from adapters.postgres.billable import billable_orders
from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, read, subtotals_of
from adapters.postgres.tables import CheckoutRow, EntryRow, InvoiceRow, MerchantRow, OrderRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from adapters.postgres.tables_corrections import CorrectionRow
from adapters.postgres.tables_settlements import SettlementRow
from domain import credit_notes
from domain.assignment import EntryShare
from domain.billing import price_orders
from domain.cart import PricedCart
from domain.checkout import Customer
from domain.corrections import CorrectionRequest
from domain.credit_notes import CreditedLine
from domain.errors import InvalidAmount, InvalidInput, NotCorrectable, Violation
from domain.invoice_runs import GrantedNote
from domain.invoices import DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant
from domain.money import Money
from domain.settlements import ReductionKind


async def invoice_in_force(session: AsyncSession, checkout_id: str) -> InvoiceRow | None:
    """The invoice of a checkout that counts, if there is one already."""
    found = await session.execute(
        select(InvoiceRow)
        .join(OrderRow, OrderRow.invoice_id == InvoiceRow.id)
        .where(OrderRow.checkout_id == checkout_id)
    )
    return found.scalar_one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCredit:
    """What a credit note adds up to, of which order, and what it takes of each line; no lines for one by amount."""

    order: OrderRow
    cart: PricedCart
    lines: tuple[CreditedLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What an invoice has of one of its orders, and the credit notes over it."""

    order: OrderRow
    cart: PricedCart
    notes: Sequence[InvoiceRow]

    @property
    def credited(self) -> int:
        """What was taken back of it, in minor units."""
        return sum(_payable(note) for note in self.notes)


async def credit_what_was_reduced(session: AsyncSession, invoice: InvoiceRow, entry: EntryRow) -> list[InvoiceRow]:
    """Issue the credit notes over credits that were granted before there was an invoice."""
    pending = await session.scalars(
        select(SettlementRow)
        .where(
            SettlementRow.entry_id == entry.id,
            SettlementRow.reduction == ReductionKind.CREDIT,
            SettlementRow.credited.is_(None),
        )
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    notes = []
    for settlement in pending.all():
        note = await issue(session, invoice, entry, settlement.amount, settlement.request["reason"])
        settlement.credited, settlement.credit_note_id = settlement.amount, note.id
        notes.append(note)
    return notes


async def issue(
    session: AsyncSession, invoice: InvoiceRow, entry: EntryRow, amount: int, reason: str | None = None
) -> InvoiceRow:
    """Finalize a credit note of `amount` (gross minor units) over what the invoice claims of the entry.

    Raises InvalidDraft when so much is not left of the entry's order; then no number was drawn.
    """
    order = await _order_of_entry(session, entry)
    part = await _part(session, invoice, order)
    credit = WantedCredit(order=order, cart=await _by_amount(session, invoice, part, amount))
    return await finalize_note(session, invoice, entry, credit, reason)


async def granted_before(session: AsyncSession, invoice_ids: Sequence[str]) -> dict[str, tuple[GrantedNote, ...]]:
    """The credit notes over credits that were granted before these invoices, by invoice."""
    note, invoice = aliased(InvoiceRow), aliased(InvoiceRow)
    found = await session.execute(
        select(invoice.id, note.id, EntryRow.checkout_id)
        .join(SettlementRow, SettlementRow.credit_note_id == note.id)
        .join(EntryRow, EntryRow.id == SettlementRow.entry_id)
        .join(invoice, invoice.id == note.corrects_id)
        .where(invoice.id.in_(invoice_ids), SettlementRow.created_at < invoice.finalized_at)
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    notes: dict[str, tuple[GrantedNote, ...]] = {}
    for invoice_id, note_id, checkout_id in found:
        granted = GrantedNote(invoice_id=note_id, checkout_id=checkout_id)
        notes[invoice_id] = (*notes.get(invoice_id, ()), granted)
    return notes


async def demand_not_being_deducted(
    session: AsyncSession, invoice: InvoiceRow, checkouts: Iterable[CheckoutRow]
) -> None:
    """Between the order of the goods and their invoice a deposit stays what was deducted. Raises NotCorrectable."""
    for checkout in checkouts:
        by = await deposits.deducted_by(session, checkout.id)
        if by is not None and await invoice_in_force(session, by.id) is None:
            words = f"{invoice.number} is being deducted by {by.assignment_key}, which is not invoiced yet"
            raise NotCorrectable(f"{words}: credit it then")


async def wanted(session: AsyncSession, invoice: InvoiceRow, request: CorrectionRequest) -> WantedCredit:
    """The credit note a shop asks for. Raises InvalidInput for more than is left, NotCorrectable if nothing is."""
    part = await _part(session, invoice, await _order_of(session, invoice, request))
    left = part.cart.totals.payable - _deducted(invoice) - part.credited
    most = Money(left, invoice.currency)
    if left <= 0:
        raise NotCorrectable(f"{part.order.assignment_key} on {invoice.number} is credited in full")
    if not request.lines:
        return WantedCredit(order=part.order, cart=await _by_amount(session, invoice, part, _amount_of(request, most)))
    positions = {line.position for line in part.cart.lines}
    found = await session.scalars(select(CorrectionRow.lines).where(CorrectionRow.invoice_id == invoice.id))
    earlier = [from_json(CreditedLine, line) for lines in found for line in lines]
    cart, lines = credit_notes.credit_lines(
        part.cart,
        [(await read(session, note)).cart for note in part.notes],
        [line for line in earlier if line.position in positions],
        request.lines,
    )
    if cart.totals.payable > left:
        raise InvalidInput([Violation(pointer="/lines", message=f"come to more than is left of the invoice: {most}")])
    return WantedCredit(order=part.order, cart=cart, lines=lines)


async def left_of(session: AsyncSession, invoice: InvoiceRow) -> int:
    """What can still be taken back of an invoice, in minor units: deposits it deducts are credited themselves."""
    return _payable(invoice) - _deducted(invoice) - await credited_total(session, invoice)


async def left_on(session: AsyncSession, invoice: InvoiceRow, entry: EntryRow) -> int:
    """What can still be taken back of an invoice's order that the entry is of, in minor units."""
    part = await _part(session, invoice, await _order_of_entry(session, entry))
    return part.cart.totals.payable - _deducted(invoice) - part.credited


async def credited_total(session: AsyncSession, invoice: InvoiceRow) -> int:
    """What was taken back of an invoice, in minor units."""
    notes = await session.scalars(select(InvoiceRow).where(InvoiceRow.corrects_id == invoice.id))
    return sum(_payable(note) for note in notes)


async def finalize_note(
    session: AsyncSession, invoice: InvoiceRow, entry: EntryRow, credit: WantedCredit, reason: str | None
) -> InvoiceRow:
    """Finalize a credit note over what the invoice claims of the entry."""
    merchant = await _merchant(session, invoice)
    original = from_json(Particulars, invoice.particulars)
    draft = Draft(
        kind=InvoiceKind.CREDIT_NOTE,
        language=invoice.language,
        order_number=credit.order.assignment_key,
        buyer=from_json(Customer, invoice.buyer),
        cart=credit.cart,
        delivered_on=invoice.delivered_on,
        particulars=Particulars(
            corrects=DocumentReference(number=invoice.number, issued_on=invoice.issued_on),
            reason=reason,
            buyer_reference=original.buyer_reference,
            purchase_order=original.purchase_order,
            delivery_address=original.delivery_address,
        ),
    )
    ties = Ties(
        orders=(credit.order.id,),
        entries=(EntryShare(entry_id=entry.id, amount=credit.cart.totals.payable),),
        corrects_id=invoice.id,
    )
    return await finalize(session, merchant, draft, ties, InvoiceStatus.SETTLED)


async def _part(session: AsyncSession, invoice: InvoiceRow, order: OrderRow) -> _Part:
    """Of a collective invoice, what the order gives alone: so no credit takes back tax of another order."""
    cart = (await read(session, invoice)).cart
    lines = tuple(line for line in cart.lines if line.order_number == order.assignment_key)
    if lines:
        alone = price_orders(await billable_orders(session, await _merchant(session, invoice), [order.id]))
        cart = replace(alone, lines=tuple(replace(line, order_number=None) for line in lines))
    notes = await session.scalars(
        select(InvoiceRow)
        .join(InvoiceOrderRow, InvoiceOrderRow.invoice_id == InvoiceRow.id)
        .where(InvoiceRow.corrects_id == invoice.id, InvoiceOrderRow.order_id == order.id)
    )
    return _Part(order=order, cart=cart, notes=notes.all())


async def _order_of_entry(session: AsyncSession, entry: EntryRow) -> OrderRow:
    return (await session.scalars(select(OrderRow).where(OrderRow.checkout_id == entry.checkout_id))).one()


async def _order_of(session: AsyncSession, invoice: InvoiceRow, request: CorrectionRequest) -> OrderRow:
    """The order to take back from. Of a collective invoice only lines say which one that is."""
    found = await session.scalars(
        select(OrderRow)
        .join(InvoiceOrderRow, InvoiceOrderRow.order_id == OrderRow.id)
        .where(InvoiceOrderRow.invoice_id == invoice.id)
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    orders = found.all()
    if len(orders) == 1:
        return orders[0]
    if not request.lines:
        raise NotCorrectable(f"{invoice.number} is about {len(orders)} orders: credit lines of one of them")
    wanted = {line.position for line in request.lines}
    lines = (await read(session, invoice)).cart.lines
    named = {line.order_number for line in lines if line.position in wanted}
    if len(named) > 1:
        raise InvalidInput([Violation(pointer="/lines", message="must be lines of one order")])
    return next((order for order in orders if order.assignment_key in named), orders[0])


async def _by_amount(session: AsyncSession, invoice: InvoiceRow, part: _Part, amount: int) -> PricedCart:
    return credit_notes.credit(
        invoice.number,
        invoice.currency,
        part.cart.subtotals,
        await subtotals_of(session, *(note.id for note in part.notes)),
        amount,
        tax_rounding=part.cart.tax_rounding,
        rounding=part.cart.totals.rounding - sum(note.rounding for note in part.notes),
    )


async def _merchant(session: AsyncSession, invoice: InvoiceRow) -> Merchant:
    return from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)


def _payable(invoice: InvoiceRow) -> int:
    return invoice.grand_total + invoice.rounding


def _deducted(invoice: InvoiceRow) -> int:
    return sum(deduction.amount for deduction in from_json(Particulars, invoice.particulars).deductions)


def _amount_of(request: CorrectionRequest, most: Money) -> int:
    if request.amount is None:
        return most.minor
    try:
        amount = Money.parse(request.amount, most.currency)
    except InvalidAmount as error:
        raise InvalidInput([Violation(pointer="/amount", message=f"{error}; {most} can be credited")]) from error
    if not 0 < amount.minor <= most.minor:
        problem = f"must be more than zero and at most what is left of the invoice: {most}"
        raise InvalidInput([Violation(pointer="/amount", message=problem)])
    return amount.minor
