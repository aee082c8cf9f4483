"""What the tables of a document show: lines with their carry-over, taxes, deducted deposits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from domain.cart import PricedLine, TaxCategory, TaxSubtotal
from domain.invoices import Deduction
from wording import Wording

TAXED = frozenset({TaxCategory.STANDARD, TaxCategory.ZERO})
"""Categories whose lines show a tax rate; all others are not taxed, for a reason the document names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A line, with the sum of all lines before it and of those up to it, in minor units."""

    line: PricedLine
    brought: int
    carried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroup:
    """Lines of one order, with its number where a document has lines of several. `amount` in minor units."""

    order_number: str | None
    amount: int
    rows: tuple[LineRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductedTax:
    """What a deducted deposit had at one tax rate, in minor units. `number` is the deposit invoice's."""

    deduction: Deduction
    subtotal: TaxSubtotal


def groups(lines: Sequence[PricedLine]) -> tuple[LineGroup, ...]:
    """The lines in their order, by order number where there are several."""
    several = len({line.order_number for line in lines}) > 1
    rows = list(_rows(lines))
    if not several:
        return (LineGroup(order_number=None, amount=rows[-1].carried if rows else 0, rows=tuple(rows)),)
    return tuple(
        LineGroup(order_number=order_number, amount=sum(row.line.amount for row in of_order), rows=tuple(of_order))
        for order_number, found in groupby(rows, key=lambda row: row.line.order_number)
        for of_order in [list(found)]
    )


def _rows(lines: Sequence[PricedLine]) -> Iterator[LineRow]:
    sum_so_far = 0
    for line in lines:
        yield LineRow(line=line, brought=sum_so_far, carried=sum_so_far + line.amount)
        sum_so_far += line.amount


def deducted(deductions: Sequence[Deduction]) -> tuple[DeductedTax, ...]:
    """Every deducted deposit by tax rate, in the order they are listed."""
    return tuple(
        DeductedTax(deduction=deduction, subtotal=subtotal)
        for deduction in deductions
        for subtotal in deduction.subtotals
    )


def rate(wording: Wording, category: TaxCategory, per_cent: Decimal) -> str:
    """The tax rate of a line, or a dash where tax has no say."""
    return "–" if category is TaxCategory.OUTSIDE_SCOPE else wording.rate(per_cent)


def tax_label(wording: Wording, subtotal: TaxSubtotal, *, included: bool) -> str:
    """What the line of a tax subtotal is called; `included` in the total, or added to it."""
    if subtotal.tax_category in TAXED:
        return wording.say("totals.included_tax" if included else "totals.tax", rate=wording.rate(subtotal.tax_rate))
    return wording.text(f"categories.{subtotal.tax_category}")


def notices(wording: Wording, subtotals: Sequence[TaxSubtotal]) -> tuple[str, ...]:
    """Why there is no tax, once per reason: in the seller's own words, or those of the code or the category."""
    reasons = [_reason(wording, subtotal) for subtotal in subtotals if subtotal.tax_category not in TAXED]
    return tuple(dict.fromkeys(reasons))


def _reason(wording: Wording, subtotal: TaxSubtotal) -> str:
    """A code such as VATEX-EU-132-1A is worded as its article, VATEX-EU-132, where it has no words of its own."""
    if subtotal.exemption_reason:
        return subtotal.exemption_reason
    of_category = wording.text(f"exemptions.{subtotal.tax_category}")
    code = subtotal.exemption_code or ""
    article = "-".join(code.split("-")[:3])
    return wording.text_or(f"exemptions.{code}", wording.text_or(f"exemptions.{article}", of_category))
