"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced.

The caller holds the checkout's lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import deposits
from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, read, subtotals_of
from adapters.postgres.tables import InvoiceRow, MerchantRow
from adapters.postgres.tables_corrections import CorrectionRow
from adapters.postgres.tables_settlements import SettlementRow
from domain import credit_notes
from domain.cart import PricedCart, TaxRounding, TaxSubtotal
from domain.checkout import Customer
from domain.corrections import CorrectionRequest
from domain.credit_notes import CreditedLine
from domain.errors import InvalidAmount, InvalidInput, NotCorrectable, Violation
from domain.invoices import DEMANDS, DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant
from domain.money import Money
from domain.settlements import ReductionKind


async def invoice_in_force(session: AsyncSession, checkout_id: str) -> InvoiceRow | None:
    """The invoice of a checkout that counts, if there is one already."""
    found = await session.execute(
        select(InvoiceRow).where(
            InvoiceRow.checkout_id == checkout_id,
            InvoiceRow.kind.in_(DEMANDS),
            InvoiceRow.status != InvoiceStatus.CANCELED,
        )
    )
    return found.scalar_one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCredit:
    """What a credit note adds up to, and what it takes of each line; no lines for one by amount."""

    cart: PricedCart
    lines: tuple[CreditedLine, ...] = ()


async def credit_what_was_reduced(session: AsyncSession, entry_id: str, invoice: InvoiceRow) -> list[InvoiceRow]:
    """Issue the credit notes over credits that were granted before there was an invoice."""
    pending = await session.scalars(
        select(SettlementRow)
        .where(
            SettlementRow.entry_id == entry_id,
            SettlementRow.reduction == ReductionKind.CREDIT,
            SettlementRow.credited.is_(None),
        )
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    notes = []
    for settlement in pending.all():
        note = await issue(session, invoice, settlement.amount, settlement.request["reason"])
        settlement.credited, settlement.credit_note_id = settlement.amount, note.id
        notes.append(note)
    return notes


async def issue(session: AsyncSession, invoice: InvoiceRow, amount: int, reason: str | None = None) -> InvoiceRow:
    """Finalize a credit note of `amount` (gross minor units) over the invoice.

    Raises InvalidDraft when so much is not left of the invoice; then no number was drawn.
    """
    return await finalize_note(session, invoice, await _by_amount(session, invoice, amount), reason)


async def granted_before(session: AsyncSession, invoice: InvoiceRow) -> tuple[str, ...]:
    """The ids of the credit notes over credits that were granted before the invoice."""
    found = await session.scalars(
        select(SettlementRow.credit_note_id)
        .join(InvoiceRow, InvoiceRow.id == SettlementRow.credit_note_id)
        .where(InvoiceRow.corrects_id == invoice.id, SettlementRow.created_at < invoice.finalized_at)
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    return tuple(note for note in found if note is not None)


async def demand_not_being_deducted(session: AsyncSession, invoice: InvoiceRow) -> None:
    """Between the order of the goods and their invoice a deposit stays what was deducted. Raises NotCorrectable."""
    by = await deposits.deducted_by(session, invoice.checkout_id)
    if by is not None and await invoice_in_force(session, by.id) is None:
        words = f"{invoice.number} is being deducted by {by.assignment_key}, which is not invoiced yet"
        raise NotCorrectable(f"{words}: credit it then")


async def wanted(session: AsyncSession, invoice: InvoiceRow, request: CorrectionRequest) -> WantedCredit:
    """The credit note a shop asks for. Raises InvalidInput for more than is left, NotCorrectable if nothing is."""
    left = await left_of(session, invoice)
    most = Money(left, invoice.currency)
    if left <= 0:
        raise NotCorrectable(f"{invoice.number} is credited in full")
    if not request.lines:
        return WantedCredit(cart=await _by_amount(session, invoice, _amount_of(request, most)))
    earlier = await session.scalars(select(CorrectionRow.lines).where(CorrectionRow.invoice_id == invoice.id))
    cart, lines = credit_notes.credit_lines(
        (await read(session, invoice)).cart,
        await _credited(session, invoice),
        [from_json(CreditedLine, line) for lines in earlier for line in lines],
        request.lines,
    )
    if cart.totals.payable > left:
        raise InvalidInput([Violation(pointer="/lines", message=f"come to more than is left of the invoice: {most}")])
    return WantedCredit(cart=cart, lines=lines)


async def left_of(session: AsyncSession, invoice: InvoiceRow) -> int:
    """What can still be taken back of an invoice, in minor units: deposits it deducts are credited themselves."""
    particulars = from_json(Particulars, invoice.particulars)
    deducted = sum(deduction.amount for deduction in particulars.deductions)
    return invoice.grand_total + invoice.rounding - deducted - await credited_total(session, invoice)


async def credited_total(session: AsyncSession, invoice: InvoiceRow) -> int:
    """What was taken back of an invoice, in minor units."""
    return sum(note.grand_total + note.rounding for note in await _notes(session, invoice))


async def finalize_note(session: AsyncSession, invoice: InvoiceRow, cart: PricedCart, reason: str | None) -> InvoiceRow:
    """Finalize a credit note over the invoice."""
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)
    original = from_json(Particulars, invoice.particulars)
    draft = Draft(
        kind=InvoiceKind.CREDIT_NOTE,
        language=invoice.language,
        order_number=invoice.order_number,
        buyer=from_json(Customer, invoice.buyer),
        cart=cart,
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
        checkout_id=invoice.checkout_id, order_id=invoice.order_id, entry_id=invoice.entry_id, corrects_id=invoice.id
    )
    return await finalize(session, merchant, draft, ties, InvoiceStatus.SETTLED)


async def _by_amount(session: AsyncSession, invoice: InvoiceRow, amount: int) -> PricedCart:
    return credit_notes.credit(
        invoice.number,
        invoice.currency,
        await subtotals_of(session, invoice.id),
        await _credited(session, invoice),
        amount,
        tax_rounding=TaxRounding(invoice.tax_rounding),
        rounding=invoice.rounding - sum(note.rounding for note in await _notes(session, invoice)),
    )


async def _credited(session: AsyncSession, invoice: InvoiceRow) -> tuple[TaxSubtotal, ...]:
    """The subtotals of all that was taken back of an invoice."""
    return await subtotals_of(session, *(note.id for note in await _notes(session, invoice)))


async def _notes(session: AsyncSession, invoice: InvoiceRow) -> Sequence[InvoiceRow]:
    """All that was taken back of an invoice."""
    return (await session.scalars(select(InvoiceRow).where(InvoiceRow.corrects_id == invoice.id))).all()


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
