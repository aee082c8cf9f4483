"""The invoice: a document that, once finalized, never changes.

`Invoice` holds all that its PDF and XML show, so both can be written from it alone, today or in ten years.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.cart import PricedCart
from domain.checkout import Customer
from domain.errors import IllegalTransition
from domain.merchants import Branding, Seller


class InvoiceKind(StrEnum):
    """What a document says: what is owed, or what is not owed any more."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


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
class Invoice:
    """A finalized invoice: number, dates, parties, amounts, payments. Dates are in the seller's calendar.

    `order_number` is the shop's assignment key (BT-13); `finalized_at` (UTC) is the document's time stamp.
    """

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

    @property
    def paid_total(self) -> int:
        """What has been paid (BT-113), in minor units."""
        return sum(payment.amount for payment in self.payments)

    @property
    def due(self) -> int:
        """What remains to be paid (BT-115), in minor units."""
        return self.cart.totals.grand_total - self.paid_total
