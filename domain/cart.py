"""A priced cart: what the lines, discounts and taxes of a purchase add up to, as EN 16931 wants it said.

All amounts are integer minor units of `currency`; prices and quantities are exact decimals. The names in
capitals (BT-…) are the business terms of EN 16931-1. The arithmetic is in `domain.totals`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.checkout import PriceMode


class TaxCategory(StrEnum):
    """Tax categories of UNTDID 5305 as EN 16931 uses them."""

    STANDARD = "S"
    ZERO = "Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A line with its amounts. `unit_price` and `amount` are in the cart's price mode, as the shop showed them.

    `net_unit_price` is BT-146 and may have more decimals than the currency; `net_amount` is BT-131, and is
    always what `quantity * net_unit_price` rounds to.
    """

    position: int
    sku: str | None = None
    name: str
    description: str | None = None
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: int
    net_unit_price: Decimal
    net_amount: int
    tax_category: TaxCategory
    tax_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedDiscount:
    """A discount on the cart as the shop stated it, in the cart's price mode, as a positive amount."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The share of a discount that falls on one tax rate: a document level allowance (BG-20), net (BT-92)."""

    reason: str
    amount: int
    tax_category: TaxCategory
    tax_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSubtotal:
    """Tax of one category and rate (BG-23): on `basis` (BT-116) falls `tax` (BT-117)."""

    tax_category: TaxCategory
    tax_rate: Decimal
    basis: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Document totals (BG-22): BT-106, BT-107, BT-109, BT-110, BT-112."""

    line_total: int
    allowance_total: int
    basis_total: int
    tax_total: int
    grand_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedCart:
    """Everything an order and its invoice need to know about amounts."""

    currency: str
    prices: PriceMode
    lines: tuple[PricedLine, ...]
    discounts: tuple[PricedDiscount, ...]
    allowances: tuple[Allowance, ...]
    subtotals: tuple[TaxSubtotal, ...]
    totals: Totals
