"""A priced cart: what the lines, discounts and taxes of a purchase add up to, as EN 16931 wants it said.

All amounts are integer minor units of `currency`; prices and quantities are exact decimals. The names in
capitals (BT-…) are the business terms of EN 16931-1. The arithmetic is in `domain.totals`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.checkout import PriceMode


class TaxCategory(StrEnum):
    """Tax categories of UNTDID 5305 as EN 16931 uses them. Only the standard category has a rate above zero."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE_SCOPE = "O"


ZERO_RATED = frozenset(TaxCategory) - {TaxCategory.STANDARD}
"""Categories whose rate is zero."""

REVERSED = frozenset({TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY})
"""Categories in which the buyer, a business with a VAT id, owes the tax."""


class TaxRounding(StrEnum):
    """How gross prices are taken apart (ADR 7): `gross_exact` keeps the total and lets tax be a unit off basis x rate,
    `strict` keeps tax = basis x rate and puts what is left over into BT-114."""

    GROSS_EXACT = "gross_exact"
    STRICT = "strict"


class TaxRule(StrEnum):
    """Why a line is taxed as it is: as the shop stated, or by which rule its tax class was resolved (`domain.tax`)."""

    STATED = "stated"
    DOMESTIC = "domestic"
    OSS = "oss"
    REVERSE_CHARGE = "reverse_charge"
    INTRA_COMMUNITY = "intra_community"
    EXPORT = "export"
    OUTSIDE_SCOPE = "outside_scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAdjustment:
    """A discount (BG-27) or, as `charge`, a surcharge (BG-28) on one line. Amounts are positive minor units:
    `amount` in the cart's price mode as the shop stated it, `net_amount` its net (BT-136, BT-141)."""

    reason: str
    amount: int
    net_amount: int
    charge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A line with its amounts. `unit_price` and `amount` are in the cart's price mode, as the shop showed them;
    `amount` is after the line's adjustments.

    `net_unit_price` is BT-146 and may have more decimals than the currency; `net_amount` is BT-131, and is
    always what `quantity * net_unit_price` rounds to, less discounts and plus charges of the line.
    `order_number` says which of several orders a line of a collective invoice is of (BT-128). `tax_rule` says why
    category and rate are what they are.
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
    adjustments: tuple[LineAdjustment, ...] = ()
    order_number: str | None = None
    tax_rule: TaxRule = TaxRule.STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedDiscount:
    """A discount on the cart as the shop stated it, in the cart's price mode, as a positive amount. On a collective
    invoice `order_number` says which order it was given on."""

    name: str
    amount: int
    order_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSurcharge:
    """A charge on the cart (shipping, gift wrap) as the shop stated it, in the cart's price mode, positive. On a
    collective invoice `order_number` says which order it was made on."""

    name: str
    amount: int
    tax_category: TaxCategory
    tax_rate: Decimal
    tax_rule: TaxRule = TaxRule.STATED
    order_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The share of a discount that falls on one tax rate: a document level allowance (BG-20), net (BT-92)."""

    reason: str
    amount: int
    tax_category: TaxCategory
    tax_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge at document level (BG-21), net (BT-99)."""

    reason: str
    amount: int
    tax_category: TaxCategory
    tax_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSubtotal:
    """Tax of one category and rate (BG-23): on `basis` (BT-116) falls `tax` (BT-117).

    Without tax the reason is named: by a code of the VATEX list (BT-121) and, where the seller says it in words of
    his own, by `exemption_reason` (BT-120); documents otherwise word the code in their language.
    """

    tax_category: TaxCategory
    tax_rate: Decimal
    basis: int
    tax: int
    exemption_code: str | None = None
    exemption_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Document totals (BG-22): BT-106, BT-107, BT-108, BT-109, BT-110, BT-112, and BT-114 (`rounding`).

    The customer owes `grand_total + rounding`.
    """

    line_total: int
    allowance_total: int
    charge_total: int = 0
    basis_total: int
    tax_total: int
    grand_total: int
    rounding: int = 0

    @property
    def payable(self) -> int:
        """What the customer owes, in minor units."""
        return self.grand_total + self.rounding


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
    surcharges: tuple[PricedSurcharge, ...] = ()
    charges: tuple[Charge, ...] = ()
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT
