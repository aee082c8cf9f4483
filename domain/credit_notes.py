"""Credit notes: what is taken back of an invoice, by tax rate or by line. All amounts are with tax.

A refund is a gross amount. It is spread over the invoice's rates in proportion to what is left of each, by
largest remainder, so that no rate is ever credited more than was invoiced, and a refund of everything gives
back exactly what each rate had. Within a rate it is taken apart as gross prices are (see `domain.totals`).

A line is worth its share of what is payable of its rate, in proportion to its amount: so discounts on the cart lessen
what a line gives back, and crediting every line gives back all that the customer owed for the lines, whatever was left
over by strict rounding (BT-114) with it. Never more is credited than is left of the line, nor than is left of its rate.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count

from domain import totals
from domain.cart import PricedCart, PricedLine, TaxCategory, TaxRounding, TaxSubtotal
from domain.checkout import PriceMode
from domain.corrections import LineCredit
from domain.currencies import document_step
from domain.decimals import EXACT, parse_decimal
from domain.errors import InvalidAmount, InvalidDraft, InvalidInput
from domain.money import Money, allocate, divide_half_up, major_from_minor
from domain.violations import Violations

UNIT = "C62"
"""One: UN/ECE Recommendation 20."""

_Rate = tuple[TaxCategory, Decimal]


def credit(
    number: str,
    currency: str,
    invoiced: Sequence[TaxSubtotal],
    credited: Iterable[TaxSubtotal],
    amount: int,
    *,
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT,
    rounding: int = 0,
) -> PricedCart:
    """What a credit note of `amount` (gross minor units) over invoice `number` adds up to: one line per rate.

    `invoiced` are the invoice's subtotals, `credited` those of its earlier credit notes. `rounding` is what is left of
    the invoice's rounding amount (BT-114), which it has with strict rounding only. Raises InvalidDraft when more is
    credited than is left of the invoice.
    """
    left = _left(invoiced, credited)
    most = sum(left.values()) + rounding
    step = document_step(currency)
    if not 0 < amount <= most or amount % step:
        raise InvalidDraft([f"{amount} cannot be credited on invoice {number}: {most} is left"])
    weights = [max(0, part) // step for part in left.values()]
    if not any(weights):  # all that is left is rounding
        weights = [subtotal.basis + subtotal.tax for subtotal in invoiced]
    shares = [share * step for share in allocate(amount // step, weights)]
    lines = [
        totals.CartLine(
            name=number,
            quantity=Decimal(1),
            unit=UNIT,
            unit_price=major_from_minor(share, currency),
            tax_category=category,
            tax_rate=rate,
            exemption_code=subtotal.exemption_code,
            exemption_reason=subtotal.exemption_reason,
        )
        for (category, rate), subtotal, share in zip(left, invoiced, shares, strict=True)
        if share
    ]
    return _note(currency, lines, invoiced, tax_rounding)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedLine:
    """What a credit note took of a line of the invoice. `quantity` is zero where only the price went down."""

    position: int
    quantity: Decimal
    amount: int


def credit_lines(
    invoice: PricedCart,
    notes: Iterable[PricedCart],
    earlier: Iterable[CreditedLine],
    wanted: Sequence[LineCredit],
) -> tuple[PricedCart, tuple[CreditedLine, ...]]:
    """What a credit note over lines of the invoice adds up to, and what it takes of each.

    `invoice` is of one order, `notes` are the earlier credit notes over it, `earlier` is what those took by line.
    Raises InvalidInput, with pointers into the request, for lines there are not, and for more than is left.
    """
    violations = Violations()
    left = _lines_left(invoice, earlier)
    left_of_rate = _payable_left(invoice, notes)
    taken: list[tuple[PricedLine, CreditedLine]] = []
    for index, credit_of in enumerate(wanted):
        pointer = f"/lines/{index}"
        if credit_of.position not in left:
            violations.add(f"{pointer}/position", f"must be a line of the invoice: 1 to {len(invoice.lines)}")
            continue
        line, rest = left[credit_of.position]
        one = _taken(violations, pointer, credit_of, rest, invoice.currency)
        rate = (line.tax_category, line.tax_rate)
        if one is None:
            continue
        if one.amount > left_of_rate[rate]:
            most = Money(left_of_rate[rate], invoice.currency)
            violations.add(pointer, f"comes to more than is left of {line.tax_category} {line.tax_rate} %: {most}")
            continue
        left_of_rate[rate] -= one.amount
        taken.append((line, one))
    if violations.found:
        raise InvalidInput(violations.found)
    lines = [_note_line(line, one, invoice) for line, one in taken]
    cart = _note(invoice.currency, lines, invoice.subtotals, invoice.tax_rounding)
    return cart, tuple(one for _, one in taken)


def _note(
    currency: str, lines: Sequence[totals.CartLine], invoiced: Sequence[TaxSubtotal], tax_rounding: TaxRounding
) -> PricedCart:
    """The cart of a credit note; why there was no tax, it says in the words of the invoice."""
    cart = totals.price_cart(
        currency=currency, prices=PriceMode.GROSS, lines=lines, discounts=[], tax_rounding=tax_rounding
    )
    reasons = {(one.tax_category, one.tax_rate): (one.exemption_code, one.exemption_reason) for one in invoiced}
    subtotals = [
        replace(one, exemption_code=code, exemption_reason=reason)
        for one in cart.subtotals
        for code, reason in [reasons[one.tax_category, one.tax_rate]]
    ]
    cart = replace(cart, subtotals=tuple(subtotals))
    if broken := totals.violations(cart):
        raise InvalidDraft(broken)
    return cart


def _lines_left(invoice: PricedCart, earlier: Iterable[CreditedLine]) -> dict[int, tuple[PricedLine, CreditedLine]]:
    """Each line of the invoice by its position, with what is left of it."""
    worth = _worth(invoice)
    left = {line.position: (line.quantity, worth[line.position]) for line in invoice.lines}
    for one in earlier:
        quantity, amount = left[one.position]
        left[one.position] = (quantity - one.quantity, amount - one.amount)
    return {
        line.position: (line, CreditedLine(position=line.position, quantity=quantity, amount=amount))
        for line in invoice.lines
        for quantity, amount in [left[line.position]]
    }


def _worth(invoice: PricedCart) -> Mapping[int, int]:
    """What the customer owed for each line, by its position: with tax, after discounts on the cart."""
    worth: dict[int, int] = {}
    for rate, payable in totals.payable_by_rate(invoice).items():
        lines = [line for line in invoice.lines if (line.tax_category, line.tax_rate) == rate]
        charges = [one.amount for one in invoice.surcharges if (one.tax_category, one.tax_rate) == rate]
        weights = [*(line.amount for line in lines), *charges]
        shares = allocate(payable, weights) if any(weights) else (0,) * len(weights)
        worth |= {line.position: share for line, share in zip(lines, shares, strict=False)}
    return worth


def _taken(
    violations: Violations, pointer: str, wanted: LineCredit, left: CreditedLine, currency: str
) -> CreditedLine | None:
    """What is to be credited of a line; None, and a violation, where it is not left."""
    if left.amount <= 0:
        violations.add(f"{pointer}/position", "nothing is left of this line")
        return None
    if wanted.amount is not None:
        return _taken_amount(violations, f"{pointer}/amount", wanted.amount, left, currency)
    if wanted.quantity is None:
        return left
    return _taken_quantity(violations, f"{pointer}/quantity", wanted.quantity, left)


def _taken_amount(
    violations: Violations, pointer: str, text: str, left: CreditedLine, currency: str
) -> CreditedLine | None:
    most = Money(left.amount, currency)
    try:
        amount = Money.parse(text, currency)
    except InvalidAmount as error:
        violations.add(pointer, str(error))
        return None
    if not 0 < amount.minor <= left.amount:
        violations.add(pointer, f"must be more than zero and at most what is left of this line: {most}")
        return None
    return replace(left, quantity=Decimal(0), amount=amount.minor)


def _taken_quantity(violations: Violations, pointer: str, text: str, left: CreditedLine) -> CreditedLine | None:
    try:
        quantity = parse_decimal(text, integer_digits=6, decimals=4)
    except InvalidAmount as error:
        violations.add(pointer, str(error))
        return None
    if not 0 < quantity <= left.quantity:
        violations.add(pointer, f"must be more than zero and at most what is left of this line: {left.quantity:f}")
        return None
    (part, of_part), (whole, of_whole) = quantity.as_integer_ratio(), left.quantity.as_integer_ratio()
    amount = divide_half_up(left.amount * part * of_whole, whole * of_part)
    if amount == 0:
        violations.add(pointer, "comes to nothing: credit more of it, or an amount")
        return None
    return replace(left, quantity=quantity, amount=amount)


def _note_line(line: PricedLine, taken: CreditedLine, invoice: PricedCart) -> totals.CartLine:
    """The invoice's line as the credit note has it. Where only the price went down, it is one of that difference."""
    quantity, unit = (taken.quantity, line.unit) if taken.quantity else (Decimal(1), UNIT)
    return totals.CartLine(
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=quantity,
        unit=unit,
        unit_price=_unit_price(line, quantity, taken.amount, invoice),
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
    )


def _unit_price(line: PricedLine, quantity: Decimal, amount: int, invoice: PricedCart) -> Decimal:
    """The invoice's price where it gives the amount, else the one with the fewest decimals that does."""
    currency = invoice.currency
    if invoice.prices is PriceMode.GROSS and totals.line_amount(quantity, line.unit_price, currency) == amount:
        return line.unit_price
    numerator, denominator = quantity.as_integer_ratio()
    for decimals in count():
        price = EXACT.scaleb(
            major_from_minor(divide_half_up(amount * denominator * 10**decimals, numerator), currency), -decimals
        )
        if totals.line_amount(quantity, price, currency) == amount:
            return price
    raise AssertionError("unreachable")


def _payable_left(invoice: PricedCart, notes: Iterable[PricedCart]) -> dict[_Rate, int]:
    """What was payable of each rate and is not yet credited."""
    left = totals.payable_by_rate(invoice)
    for note in notes:
        for rate, payable in totals.payable_by_rate(note).items():
            left[rate] -= payable
    return left


def _left(invoiced: Sequence[TaxSubtotal], credited: Iterable[TaxSubtotal]) -> dict[_Rate, int]:
    """Gross per rate that was invoiced and not yet credited."""
    taken: dict[_Rate, int] = defaultdict(int)
    for subtotal in credited:
        taken[subtotal.tax_category, subtotal.tax_rate] += subtotal.basis + subtotal.tax
    return {
        rate: subtotal.basis + subtotal.tax - taken[rate]
        for subtotal in invoiced
        for rate in [(subtotal.tax_category, subtotal.tax_rate)]
    }
