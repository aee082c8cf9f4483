"""What the tables of a document show: lines with their carry-over, taxes, deducted deposits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import accumulate, groupby

from domain.cart import PricedCart, PricedLine, TaxCategory, TaxSubtotal
from domain.invoices import Deduction
from wording import Wording

TAXED = frozenset({TaxCategory.STANDARD, TaxCategory.ZERO})
"""Categories whose lines show a tax rate; all others are not taxed, for a reason the document names."""


_EM = 9 * 25.4 / 72
"""The size of the table's type in millimetres."""
_NARROW = set(".,:·' \N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")
_GAP = 5.0
_NO_RATE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A line with its cells as they are printed, and the sums carried over: `brought` up to it (empty for the
    first line), `carried` with it."""

    line: PricedLine
    quantity: str
    price: str
    rate: str
    amount: str
    brought: str
    carried: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroup:
    """Lines of one order, with its number and sum where a document has lines of several."""

    order_number: str | None
    amount: str
    rows: tuple[LineRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Widths in millimetres; the description has the rest. Given, they save half the time of a long table, whose
    every cell would be measured otherwise."""

    position: float
    quantity: float
    price: float
    rate: float
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductedTax:
    """What a deducted deposit had at one tax rate, in minor units. `number` is the deposit invoice's."""

    deduction: Deduction
    subtotal: TaxSubtotal


def groups(cart: PricedCart, wording: Wording) -> tuple[LineGroup, ...]:
    """The lines in their order, by order number where there are several."""
    rows = list(_rows(cart, wording))
    if len({row.line.order_number for row in rows}) == 1:
        return (LineGroup(order_number=None, amount="", rows=tuple(rows)),)
    return tuple(
        LineGroup(
            order_number=order_number,
            amount=wording.money(sum(row.line.amount for row in of_order), cart.currency),
            rows=tuple(of_order),
        )
        for order_number, found in groupby(rows, key=lambda row: row.line.order_number)
        for of_order in [list(found)]
    )


def _rows(cart: PricedCart, wording: Wording) -> Iterator[LineRow]:
    money = partial(wording.money, currency=cart.currency)
    sums = accumulate(line.amount for line in cart.lines)
    brought = ""
    for line, sum_so_far in zip(cart.lines, sums, strict=True):
        yield LineRow(
            line=line,
            quantity=wording.quantity(line.quantity, line.unit),
            price=wording.price(line.unit_price, cart.currency),
            rate=rate(wording, line.tax_category, line.tax_rate),
            amount=money(line.amount),
            brought=brought,
            carried=wording.say("table.carried", amount=money(sum_so_far)),
        )
        brought = wording.say("table.brought", amount=money(sum_so_far))


def columns(of_orders: Sequence[LineGroup], wording: Wording) -> Columns:
    """As wide as the widest cell, or the head, and a gap before it; no less than what looks well."""
    rows = [row for group in of_orders for row in group.rows]

    def width(head: str, cells: Iterable[str], *, least: float) -> float:
        return max(least, _GAP + max(_width(wording.text(f"table.{head}")), *map(_width, cells)))

    return Columns(
        position=max(9.0, 2 + _width(str(rows[-1].line.position))),
        quantity=width("quantity", (row.quantity for row in rows), least=19),
        price=width("unit_price", (row.price for row in rows), least=25),
        rate=width("tax", (row.rate for row in rows), least=16),
        amount=width("amount", [*(row.amount for row in rows), *(group.amount for group in of_orders)], least=27),
    )


def _width(text: str) -> float:
    """At most so many millimetres: tabular figures, capitals and signs are wide, small letters and stops are not."""
    return sum(_character_width(character) for character in text) * _EM


def _character_width(character: str) -> float:
    if character in _NARROW:
        return 0.3
    return 0.58 if character.islower() else 0.65 if character.isdigit() else 0.75


def deducted(deductions: Sequence[Deduction]) -> tuple[DeductedTax, ...]:
    """Every deducted deposit by tax rate, in the order they are listed."""
    return tuple(
        DeductedTax(deduction=deduction, subtotal=subtotal)
        for deduction in deductions
        for subtotal in deduction.subtotals
    )


def rate(wording: Wording, category: TaxCategory, per_cent: Decimal) -> str:
    """The tax rate of a line, or a dash where tax has no say."""
    return _NO_RATE if category is TaxCategory.OUTSIDE_SCOPE else wording.rate(per_cent)


def tax_label(wording: Wording, subtotal: TaxSubtotal, *, included: bool) -> str:
    """What the line of a tax subtotal is called; `included` in the total, or added to it."""
    if subtotal.tax_category in TAXED:
        return wording.say("totals.included_tax" if included else "totals.tax", rate=wording.rate(subtotal.tax_rate))
    return wording.text(f"categories.{subtotal.tax_category}")


def notices(wording: Wording, subtotals: Sequence[TaxSubtotal]) -> tuple[str, ...]:
    """Why there is no tax, once per reason: in the seller's own words, or those of the code or the category."""
    reasons = [reason_for_no_tax(wording, subtotal) for subtotal in subtotals if subtotal.tax_category not in TAXED]
    return tuple(dict.fromkeys(reasons))


def reason_for_no_tax(wording: Wording, subtotal: TaxSubtotal) -> str:
    """A code such as VATEX-EU-132-1A is worded as its article, VATEX-EU-132, where it has no words of its own."""
    if subtotal.exemption_reason:
        return subtotal.exemption_reason
    of_category = wording.text(f"exemptions.{subtotal.tax_category}")
    code = subtotal.exemption_code or ""
    article = "-".join(code.split("-")[:3])
    return wording.say_or(f"exemptions.{code}", wording.say_or(f"exemptions.{article}", of_category))
