"""Corrections: a cancelation or credit note, what it does to invoice, entry and money, as one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import credit_notes, deposits
from adapters.postgres.assignments import balance_of, free, reduce, settle_invoice
from adapters.postgres.billing import only_of
from adapters.postgres.checkouts import entry_of
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.feed import tell
from adapters.postgres.finalization import finalize, read, ties_of
from adapters.postgres.locks import lock_money
from adapters.postgres.tables import CheckoutRow, EntryRow, InvoiceRow, MerchantRow, OrderRow, PaymentRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from adapters.postgres.tables_corrections import CorrectionRow
from domain import entries, invoices
from domain.corrections import (
    CorrectionRequest,
    IssueCorrection,
    IssuedCorrection,
    Refusal,
    RefusalKind,
    check,
)
from domain.credit_notes import CreditedLine
from domain.entries import EntryStatus
from domain.errors import InvalidDraft, InvalidInput, NotCorrectable, NotFound
from domain.invoices import DEMANDS, DocumentReference, Draft, InvoiceKind, InvoiceStatus
from domain.merchants import Merchant
from domain.money import Money
from domain.settlements import freed
from domain.steps import OfInvoice

PROCESS = "correction"


class PostgresCorrectionBook:
    """Implements `domain.ports.CorrectionBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def issue(self, step: IssueCorrection) -> IssuedCorrection:
        """What was begun and then refused is rolled back, its number too."""
        if violations := check(step.request):
            return _refused(RefusalKind.INVALID, violations=violations)
        try:
            async with self._sessions.begin() as session:
                return await _issue(session, step)
        except InvalidInput as error:
            return _refused(RefusalKind.INVALID, violations=error.violations)
        except NotFound:
            return _refused(RefusalKind.NO_INVOICE)
        except (NotCorrectable, InvalidDraft) as error:
            return _refused(RefusalKind.NOT_CORRECTABLE, detail=str(error))


def _refused(kind: RefusalKind, **why: Any) -> IssuedCorrection:
    return IssuedCorrection(refusal=Refusal(kind=kind, **why))


async def _issue(session: AsyncSession, step: IssueCorrection) -> IssuedCorrection:
    request = step.request
    invoice = await session.get(InvoiceRow, request.invoice_id)
    if invoice is None or invoice.merchant_id != step.merchant_id:
        raise NotFound("invoice", request.invoice_id)
    entry_ids = [share.entry_id for share in (await ties_of(session, invoice)).entries]
    of_orders = await _checkouts_of(session, invoice)
    locked, _ = await lock_money(session, step.merchant_id, entries=entry_ids, checkouts=of_orders)
    known = await session.get(CorrectionRow, step.correction_id)
    if known is not None:
        return await _issued(session, known)
    await session.refresh(invoice)
    _demand_correctable(invoice)
    correct = _cancel if request.kind is InvoiceKind.CANCELATION else _credit
    corrected = await correct(session, invoice, [locked[checkout_id] for checkout_id in of_orders], request)
    document = corrected.document
    correction = CorrectionRow(
        id=step.correction_id,
        merchant_id=step.merchant_id,
        key=request.key,
        invoice_id=invoice.id,
        document_id=document.id,
        request=to_json(request),
        opened_by=step.opened_by,
        lines=[to_json(line) for line in corrected.lines],
        reduced=corrected.reduced,
        loose_in=sorted({payment.checkout_id for payment in corrected.freed if payment.checkout_id is not None}),
    )
    session.add(correction)
    await session.flush()
    await tell(
        session,
        step.merchant_id,
        f"{document.kind}.finalized",
        only_of(await _checkouts_of(session, document)),
        invoice_id=document.id,
        number=document.number,
        corrects=invoice.id,
    )
    return await _issued(session, correction)


async def _issued(session: AsyncSession, correction: CorrectionRow) -> IssuedCorrection:
    document = await session.get_one(InvoiceRow, correction.document_id)
    return IssuedCorrection(
        document=OfInvoice(merchant_id=correction.merchant_id, invoice_id=document.id),
        checkouts=tuple(await _checkouts_of(session, document)),
        number=document.number,
        opened_by=correction.opened_by,
        loose_in=tuple(correction.loose_in),
    )


async def _checkouts_of(session: AsyncSession, document: InvoiceRow) -> Sequence[str]:
    """The checkouts whose orders a document is about."""
    found = await session.scalars(
        select(OrderRow.checkout_id)
        .join(InvoiceOrderRow, InvoiceOrderRow.order_id == OrderRow.id)
        .where(InvoiceOrderRow.invoice_id == document.id)
        .order_by(OrderRow.checkout_id)
    )
    return found.all()


def _demand_correctable(invoice: InvoiceRow) -> None:
    if invoice.kind not in DEMANDS:
        raise NotCorrectable(f"{invoice.number} is a {invoice.kind}: only invoices and deposit invoices are corrected")
    if invoice.status == InvoiceStatus.CANCELED:
        raise NotCorrectable(f"{invoice.number} is canceled already")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Corrected:
    """The document, what it took of each line, how much less is owed, and the money that it set free."""

    document: InvoiceRow
    lines: tuple[CreditedLine, ...] = ()
    reduced: int = 0
    freed: Collection[PaymentRow] = ()


async def _cancel(
    session: AsyncSession, invoice: InvoiceRow, checkouts: Sequence[CheckoutRow], request: CorrectionRequest
) -> _Corrected:
    """Take the whole invoice back: its entries are canceled, their money available, its orders can be billed again."""
    await _demand_whole(session, invoice, checkouts)
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)
    original = await read(session, invoice)
    ties = await ties_of(session, invoice)
    loose: dict[PaymentRow, int] = {}
    for share in ties.entries:
        entry = await session.get_one(EntryRow, share.entry_id, populate_existing=True)
        loose |= await free(session, entry, entry.assigned, PROCESS)
        entry.status = entries.move(EntryStatus(entry.status), EntryStatus.CANCELED)
    for checkout in checkouts:
        await deposits.release(session, checkout.id)
    draft = Draft(
        kind=InvoiceKind.CANCELATION,
        language=original.language,
        order_number=original.order_number,
        buyer=original.buyer,
        cart=original.cart,
        delivered_on=original.delivered_on,
        particulars=replace(
            original.particulars,
            corrects=DocumentReference(number=invoice.number, issued_on=invoice.issued_on),
            reason=request.reason,
            due_on=None,
        ),
    )
    taking_back = replace(ties, corrects_id=invoice.id)
    document = await finalize(session, merchant, draft, taking_back, InvoiceStatus.SETTLED)
    invoice.status = invoices.move(InvoiceStatus(invoice.status), InvoiceStatus.CANCELED)
    return _Corrected(document=document, freed=loose)


async def _demand_whole(session: AsyncSession, invoice: InvoiceRow, checkouts: Sequence[CheckoutRow]) -> None:
    """Only an invoice of which nothing was taken back, and that no other deducts, can be taken back as a whole."""
    if await credit_notes.credited_total(session, invoice):
        rest = Money(await credit_notes.left_of(session, invoice), invoice.currency)
        raise NotCorrectable(f"{invoice.number} has credit notes: credit the rest, {rest}, instead of canceling it")
    for checkout in checkouts:
        by = await deposits.deducted_by(session, checkout.id)
        if by is not None:
            raise NotCorrectable(f"{invoice.number} is deducted by {by.assignment_key}: cancel that one first")


async def _credit(
    session: AsyncSession, invoice: InvoiceRow, checkouts: Sequence[CheckoutRow], request: CorrectionRequest
) -> _Corrected:
    """Take a part back: so much less is owed, and money beyond what is owed then is available."""
    await credit_notes.demand_not_being_deducted(session, invoice, checkouts)
    credit = await credit_notes.wanted(session, invoice, request)
    entry = await entry_of(session, credit.order.checkout_id)
    balance = balance_of(entry)
    less = 0 if entry.status == EntryStatus.CANCELED else min(credit.cart.totals.payable, balance.open)
    loose = await free(session, entry, freed(balance, less), PROCESS)
    reduce(entry, less)
    document = await credit_notes.finalize_note(session, invoice, entry, credit, request.reason)
    await settle_invoice(session, entry)
    return _Corrected(document=document, lines=credit.lines, reduced=less, freed=loose)
