"""The invoice: a document that, once finalized, never changes.

`Invoice` holds all that its PDF and XML show, so both can be written from it alone, today or in ten years.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.cart import PricedCart, TaxSubtotal
from domain.checkout import Address, Customer
from domain.errors import IllegalTransition
from domain.merchants import Branding, Seller


class InvoiceKind(StrEnum):
    """What a document says: what is owed, or what is not owed any more.

    A cancelation takes a whole invoice back, a credit note a part of it. A deposit invoice asks for money before
    the goods; the final invoice, which is an invoice, deducts it.
    """

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CANCELATION = "cancelation"
    DEPOSIT = "deposit"


CORRECTIONS = frozenset({InvoiceKind.CREDIT_NOTE, InvoiceKind.CANCELATION})
"""Documents that take back from another one. Their amounts are positive, as UNTDID 1001 code 381 wants them."""


DEMANDS = frozenset({InvoiceKind.INVOICE, InvoiceKind.DEPOSIT})
"""Documents that ask for money: what can be paid, credited and canceled."""


class InvoiceStatus(StrEnum):
    """A draft has no number; finalized it is open; paid when the sum of its balances is zero.

    A credit note is settled from the start: it tells of money that was given back.
    """

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    CANCELED = "canceled"
    SETTLED = "settled"


_ALLOWED = {
    InvoiceStatus.DRAFT: {InvoiceStatus.OPEN, InvoiceStatus.SETTLED},
    InvoiceStatus.OPEN: {InvoiceStatus.PAID, InvoiceStatus.CANCELED},
    InvoiceStatus.PAID: {InvoiceStatus.OPEN, InvoiceStatus.CANCELED},
    InvoiceStatus.CANCELED: set[InvoiceStatus](),
    InvoiceStatus.SETTLED: set[InvoiceStatus](),
}


def move(current: InvoiceStatus, wanted: InvoiceStatus) -> InvoiceStatus:
    """`wanted`, if an invoice may go there from `current`; else IllegalTransition. Staying is allowed."""
    if wanted is not current and wanted not in _ALLOWED[current]:
        raise IllegalTransition("invoice", current, wanted)
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMade:
    """A payment the document tells of. `method` is how the customer paid (`card`), `detail` what tells it
    from others on a statement, without card data (`Visa •••• 4242`). Amount in minor units."""

    amount: int
    method: str
    detail: str | None = None
    paid_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReference:
    """Another document of ours, by number and date (BG-3)."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from `start` to `end`, both included (BG-14)."""

    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """A deposit invoice that a final invoice deducts, with what it had per tax rate. `amount` is its payable total
    in minor units, `rounding` what of that is in no rate (the deposit's BT-114)."""

    document: DocumentReference
    amount: int
    subtotals: tuple[TaxSubtotal, ...]
    rounding: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What a document tells beside parties and amounts; all of it is optional.

    `corrects` is the invoice a credit note or cancelation takes back from (BG-3). `buyer_reference` is BT-10 (in
    Germany the Leitweg-ID), `purchase_order` the buyer's own order number (BT-13), `notes` are BT-22,
    `service_period` is BG-14, `delivery_address` BG-15 where it is not the buyer's, `due_on` BT-9.
    """

    corrects: DocumentReference | None = None
    reason: str | None = None
    buyer_reference: str | None = None
    purchase_order: str | None = None
    notes: tuple[str, ...] = ()
    service_period: Period | None = None
    delivery_address: Address | None = None
    due_on: date | None = None
    deductions: tuple[Deduction, ...] = ()


NO_PARTICULARS = Particulars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document before it has a number. `order_number` is the shop's assignment key.

    `delivered_on` is None when the day of finalization is the day of delivery.
    """

    kind: InvoiceKind
    language: str
    order_number: str
    buyer: Customer
    cart: PricedCart
    payments: tuple[PaymentMade, ...] = ()
    delivered_on: date | None = None
    particulars: Particulars = NO_PARTICULARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A finalized document: number, dates, parties, amounts, payments. Dates are in the seller's calendar.

    `order_number` is the shop's assignment key: BT-13, or BT-14 where the buyer has an order number of his own.
    `finalized_at` (UTC) is the document's time stamp.
    """

    kind: InvoiceKind = InvoiceKind.INVOICE
    number: str
    language: str
    issued_on: date
    delivered_on: date
    finalized_at: datetime
    order_number: str
    seller: Seller
    branding: Branding
    buyer: Customer
    cart: PricedCart
    payments: tuple[PaymentMade, ...] = ()
    particulars: Particulars = NO_PARTICULARS

    @property
    def buyer_reference(self) -> str | None:
        """What the buyer wants to find the document by (BT-10): the document's own, or the buyer's standing one."""
        return self.particulars.buyer_reference or self.buyer.leitweg_id or self.buyer.buyer_reference

    @property
    def paid_total(self) -> int:
        """What has been paid (BT-113), in minor units, deducted deposits included."""
        deducted = sum(deduction.amount for deduction in self.particulars.deductions)
        return deducted + sum(payment.amount for payment in self.payments)

    @property
    def due(self) -> int:
        """What remains to be paid (BT-115), in minor units."""
        return self.cart.totals.payable - self.paid_total
