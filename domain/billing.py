"""Billing: which orders go on one invoice, and the invoice's draft.

*Single*: an order is an invoice. *Parent and child*: the orders of one customer are one invoice, each line with the
number of its order. Orders go together only when nothing at the head of the document would differ.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256

from domain import totals
from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxRounding
from domain.checkout import Customer, PriceMode
from domain.errors import BrokenRule, InvalidDraft
from domain.invoice_mapping import InvoiceFields
from domain.invoices import Deduction, Draft, InvoiceKind, Particulars, Period
from domain.money import Money

MOST_ORDERS = 200
"""Orders on one invoice; a customer with more gets several."""


class RunMode(StrEnum):
    """An invoice for each order, or one for all orders of a customer."""

    SINGLE = "single"
    PARENT_CHILD = "parent_child"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableOrder:
    """An order as billing sees it. `number` is the shop's assignment key, `ordered_on` a day of the seller's
    calendar, `total` minor units, `fields` what the merchant's mapping gives for it. `document` is what it is invoiced
    by, `deducts` whether deposits are deducted from it, which `deductions` are."""

    order_id: str
    checkout_id: str
    number: str
    ordered_on: date
    currency: str
    prices: PriceMode
    total: int
    buyer: Customer
    lines: tuple[totals.CartLine, ...]
    discounts: tuple[PricedDiscount, ...]
    surcharges: tuple[PricedSurcharge, ...] = ()
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT
    fields: InvoiceFields
    document: InvoiceKind = InvoiceKind.INVOICE
    deducts: bool = False
    deductions: tuple[Deduction, ...] = ()

    @property
    def owed(self) -> int:
        """What its entry is about: what is left to pay after deposits, in minor units."""
        return self.total - sum(deduction.amount for deduction in self.deductions)

    @property
    def delivered_on(self) -> date:
        """The day of the service, as far as it is known."""
        return self.fields.service_date or self.fields.service_end or self.ordered_on

    @property
    def served_from(self) -> date:
        """The first day of a service, or the day of the delivery."""
        return min(self.fields.service_start or self.delivered_on, self.delivered_on)


def group_key(buyer: Customer, cart: PricedCart, fields: InvoiceFields) -> str:
    """The same for all orders that may share an invoice, as a SHA-256: it holds nothing personal in the clear.

    A customer is known by his number, else by mail and postal address; the VAT id decides about tax and so counts in
    both cases. A document says once why it is exempt from tax, and rounds its tax in one way.
    """
    who = ["number", buyer.number] if buyer.number else ["address", buyer.email.lower(), asdict(buyer.address)]
    found_by = [buyer.leitweg_id, buyer.buyer_reference, asdict(buyer)["electronic_address"]]
    head = [fields.language, fields.purchase_order, fields.buyer_reference, found_by]
    taxed = [cart.currency, cart.prices, cart.tax_rounding, sorted(set(_exemptions(cart)))]
    return sha256(json.dumps([who, buyer.vat_id, taxed, head]).encode()).hexdigest()


def _exemptions(cart: PricedCart) -> Iterator[tuple[str, str, str]]:
    for one in cart.subtotals:
        if one.exemption_code or one.exemption_reason:
            yield one.tax_category, one.exemption_code or "", one.exemption_reason or ""


def draft_invoice(orders: Sequence[BillableOrder], languages: Sequence[str]) -> Draft:
    """The invoice over these orders, which are sorted by age and share a group. Payments are not in it yet.

    Raises InvalidDraft when an order does not come to what it says.
    """
    newest = orders[-1]
    broken = [problem for order in orders for problem in _broken_total(order)]
    if broken:
        raise InvalidDraft(broken)
    language = newest.fields.language or languages[0]
    return Draft(
        kind=newest.document,
        language=language if language in languages else languages[0],
        order_number=_order_number([order.number for order in orders]),
        buyer=newest.buyer,
        cart=_cart(orders),
        delivered_on=max(order.delivered_on for order in orders),
        particulars=fill(
            Particulars(
                notes=tuple(dict.fromkeys(note for order in orders for note in order.fields.notes)),
                service_period=_service_period(orders),
                deductions=tuple(deduction for order in orders for deduction in order.deductions),
            ),
            newest.fields,
        ),
    )


def fill(given: Particulars, fields: InvoiceFields) -> Particulars:
    """`given`, with what it leaves open taken from the fields: what is set is never overwritten."""
    return replace(
        given,
        purchase_order=given.purchase_order or fields.purchase_order,
        buyer_reference=given.buyer_reference or fields.buyer_reference,
        notes=given.notes or fields.notes,
    )


def _broken_total(order: BillableOrder) -> list[BrokenRule]:
    """What an order was sold for must be what its lines give, computed again."""
    alone = price_orders([order]).totals.payable
    if alone == order.total:
        return []
    gives, says = Money(alone, order.currency), Money(order.total, order.currency)
    message = f"the lines of {order.number} give {gives}, the order says {says}"
    return [BrokenRule(rule="order-total", field="/cart/totals", message=message)]


def _cart(orders: Sequence[BillableOrder]) -> PricedCart:
    """One cart of all lines. Tax on net prices is computed per rate over the document, so it may be cents off the
    orders' own: what the customer owes stays the sum of his orders, by a rounding amount (BT-114)."""
    if len(orders) == 1:
        return price_orders(orders)
    named = [
        replace(
            order,
            lines=tuple(replace(line, order_number=order.number) for line in order.lines),
            discounts=tuple(replace(discount, order_number=order.number) for discount in order.discounts),
            surcharges=tuple(replace(surcharge, order_number=order.number) for surcharge in order.surcharges),
        )
        for order in orders
    ]
    cart = price_orders(named)
    rounding = sum(order.total for order in orders) - cart.totals.grand_total
    return replace(cart, totals=replace(cart.totals, rounding=rounding))


def price_orders(orders: Sequence[BillableOrder]) -> PricedCart:
    """What orders of one currency and price mode add up to; a discount reaches the lines of its own order only."""
    return totals.price_cart(
        currency=orders[0].currency,
        prices=orders[0].prices,
        lines=[line for order in orders for line in order.lines],
        discounts=[discount for order in orders for discount in order.discounts],
        surcharges=[surcharge for order in orders for surcharge in order.surcharges],
        tax_rounding=orders[0].tax_rounding,
    )


def _order_number(numbers: Sequence[str]) -> str:
    return numbers[0] if len(numbers) == 1 else f"{numbers[0]} … {numbers[-1]}"


def _service_period(orders: Sequence[BillableOrder]) -> Period | None:
    """From the first day to the last, when a service took several days or the orders have different ones."""
    start, end = min(order.served_from for order in orders), max(order.delivered_on for order in orders)
    return None if start == end else Period(start=start, end=end)
