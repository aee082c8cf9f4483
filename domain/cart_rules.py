"""What must be true of the amounts of a cart: the guard before a document takes a number.

It checks what the official rules check, and what they let pass: price x quantity against the line, tax to the minor
unit (BR-CO-17 tolerates a whole one), and the total against what the customer was shown. Nothing here is computed as
`domain.totals` does it: a mistake there is one that is found here. Fields are pointers into a draft.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from domain.cart import PricedCart, PricedLine, TaxCategory, TaxRounding, TaxSubtotal
from domain.checkout import PriceMode
from domain.currencies import document_step, is_currency
from domain.decimals import EXACT
from domain.errors import BrokenRule
from domain.exemptions import CODE_OF_CATEGORY, EXEMPT_CODES
from domain.money import divide_half_up, document_amount

_Key = tuple[TaxCategory, Decimal]


def broken(cart: PricedCart) -> tuple[BrokenRule, ...]:
    """Every rule the cart breaks; empty for a sound one."""
    if not is_currency(cart.currency):
        return (_rule("BR-05", "/currency", "is not the code of an active currency"),)
    return (
        *_lines(cart),
        *_document_level(cart),
        *_rates(cart),
        *_exemptions(cart),
        *_totals(cart),
        *_stated(cart),
        *_steps(cart),
    )


def _rule(rule: str, field: str, message: str) -> BrokenRule:
    return BrokenRule(rule=rule, field=f"/cart{field}", message=message)


def _lines(cart: PricedCart) -> Iterator[BrokenRule]:
    if not cart.lines:
        yield _rule("BR-16", "/lines", "there must be a line")
    positions = [line.position for line in cart.lines]
    if positions != list(range(1, len(positions) + 1)):
        yield _rule("BR-21", "/lines", "lines must be numbered from 1 in their order")
    for index, line in enumerate(cart.lines):
        yield from _line(cart, line, f"/lines/{index}")


def _line(cart: PricedCart, line: PricedLine, at: str) -> Iterator[BrokenRule]:
    if line.quantity <= 0:
        yield _rule("quantity-positive", f"{at}/quantity", "must be greater than zero")
    if line.unit_price < 0 or line.net_unit_price < 0:
        yield _rule("BR-27", f"{at}/net_unit_price", "no price may be negative")
    sign = [1 if item.charge else -1 for item in line.adjustments]
    stated = sum(s * item.amount for s, item in zip(sign, line.adjustments, strict=True))
    net = sum(s * item.net_amount for s, item in zip(sign, line.adjustments, strict=True))
    if line.amount != _times(line.quantity, line.unit_price, cart.currency) + stated:
        yield _rule("price-x-quantity", f"{at}/amount", "is not quantity x unit price - discounts + charges")
    if line.net_amount != _times(line.quantity, line.net_unit_price, cart.currency) + net:
        yield _rule("price-x-quantity", f"{at}/net_amount", "BT-131 is not quantity x BT-146 - discounts + charges")
    if line.amount < 0 or line.net_amount < 0:
        yield _rule("line-not-negative", f"{at}/net_amount", "discounts must not exceed the line")
    for number, item in enumerate(line.adjustments):
        if item.amount <= 0 or item.net_amount < 0 or not item.reason:
            yield _rule("BR-42", f"{at}/adjustments/{number}", "needs a reason and a positive amount")
    yield from _price_mode(cart, line, at)
    yield from _rate(line.tax_category, line.tax_rate, f"{at}/tax_rate")


def _price_mode(cart: PricedCart, line: PricedLine, at: str) -> Iterator[BrokenRule]:
    """In net mode both amounts are one; in gross mode a line's net is off by at most two units of rounding."""
    if cart.prices is PriceMode.NET:
        same = line.net_amount == line.amount and line.net_unit_price == line.unit_price
        if not same or any(item.net_amount != item.amount for item in line.adjustments):
            yield _rule("net-as-stated", f"{at}/net_amount", "net prices must be those the shop stated")
        return
    whole = 100 + Fraction(line.tax_rate)
    off = abs(line.net_amount * whole - line.amount * 100)
    if off > 2 * document_step(cart.currency) * whole:
        yield _rule("net-of-gross", f"{at}/net_amount", "is not the gross amount without its tax")


def _rate(category: TaxCategory, rate: Decimal, field: str) -> Iterator[BrokenRule]:
    if rate < 0 or (category is TaxCategory.STANDARD) != (rate > 0):
        yield _rule(f"BR-{_name(category)}-05", field, f"{rate} % does not fit category {category}")


def _name(category: TaxCategory) -> str:
    """How EN 16931 names a category in the ids of its rules."""
    return "IC" if category is TaxCategory.INTRA_COMMUNITY else category


def _document_level(cart: PricedCart) -> Iterator[BrokenRule]:
    for index, allowance in enumerate(cart.allowances):
        if allowance.amount <= 0 or not allowance.reason:
            yield _rule("BR-33", f"/allowances/{index}", "needs a reason and a positive amount")
        yield from _rate(allowance.tax_category, allowance.tax_rate, f"/allowances/{index}/tax_rate")
    for index, charge in enumerate(cart.charges):
        if charge.amount <= 0 or not charge.reason:
            yield _rule("BR-38", f"/charges/{index}", "needs a reason and a positive amount")
        yield from _rate(charge.tax_category, charge.tax_rate, f"/charges/{index}/tax_rate")


def _rates(cart: PricedCart) -> Iterator[BrokenRule]:
    """One subtotal per category and rate, over all that has it."""
    basis: dict[_Key, int] = defaultdict(int)
    for line in cart.lines:
        basis[line.tax_category, line.tax_rate] += line.net_amount
    of_lines = set(basis)
    for charge in cart.charges:
        basis[charge.tax_category, charge.tax_rate] += charge.amount
    for allowance in cart.allowances:
        basis[allowance.tax_category, allowance.tax_rate] -= allowance.amount
        if (allowance.tax_category, allowance.tax_rate) not in of_lines:
            yield _rule("BR-CO-18", "/allowances", "a discount has a rate that no line has")
    for surcharge in cart.surcharges:  # one whose net is nothing leaves its rate behind
        basis[surcharge.tax_category, surcharge.tax_rate] += 0
    keys = [(subtotal.tax_category, subtotal.tax_rate) for subtotal in cart.subtotals]
    if sorted(keys) != sorted(basis):
        yield _rule("BR-CO-18", "/subtotals", "each category and rate needs exactly one subtotal, and no other")
    for index, (key, subtotal) in enumerate(zip(keys, cart.subtotals, strict=True)):
        yield from _subtotal(cart, subtotal, basis.get(key, 0), f"/subtotals/{index}")


def _subtotal(cart: PricedCart, subtotal: TaxSubtotal, basis: int, at: str) -> Iterator[BrokenRule]:
    name = _name(subtotal.tax_category)
    yield from _rate(subtotal.tax_category, subtotal.tax_rate, f"{at}/tax_rate")
    if subtotal.basis != basis:
        yield _rule(f"BR-{name}-08", f"{at}/basis", "is not lines - allowances + charges of this rate")
    if subtotal.basis < 0 or subtotal.tax < 0:
        yield _rule("tax-not-negative", f"{at}/tax", "basis and tax must not be negative")
    if not (_is_tax_right(cart, subtotal) and _is_gross_kept(cart, subtotal)):
        yield _rule("BR-CO-17", f"{at}/tax", "is not basis x rate, to the last unit")


def _is_tax_right(cart: PricedCart, subtotal: TaxSubtotal) -> bool:
    """Basis x rate, rounded; where gross prices are exact, what is left of the gross when the basis is taken out."""
    step, rate = document_step(cart.currency), Fraction(subtotal.tax_rate)
    if cart.prices is PriceMode.NET or cart.tax_rounding is TaxRounding.STRICT:
        return subtotal.tax == _q(subtotal.basis * rate / 100, step)
    return subtotal.basis == _q((subtotal.basis + subtotal.tax) * 100 / (100 + rate), step)


def _is_gross_kept(cart: PricedCart, subtotal: TaxSubtotal) -> bool:
    """Where gross prices are exact, basis and tax are what was stated at this rate, less its share of the discounts."""
    if cart.prices is PriceMode.NET or cart.tax_rounding is TaxRounding.STRICT:
        return True
    key = (subtotal.tax_category, subtotal.tax_rate)
    stated = sum(line.amount for line in cart.lines if (line.tax_category, line.tax_rate) == key)
    stated += sum(item.amount for item in cart.surcharges if (item.tax_category, item.tax_rate) == key)
    discounts = sum(discount.amount for discount in cart.discounts)
    return stated - discounts <= subtotal.basis + subtotal.tax <= stated


def _q(value: Fraction, step: int) -> int:
    return divide_half_up(value.numerator, value.denominator * step) * step


def _exemptions(cart: PricedCart) -> Iterator[BrokenRule]:
    for index, subtotal in enumerate(cart.subtotals):
        category, name, at = subtotal.tax_category, _name(subtotal.tax_category), f"/subtotals/{index}"
        code, reason = subtotal.exemption_code, subtotal.exemption_reason
        if category in CODE_OF_CATEGORY:
            if code != CODE_OF_CATEGORY[category]:
                yield _rule(f"BR-{name}-10", f"{at}/exemption_code", f"must be {CODE_OF_CATEGORY[category]}")
        elif category is TaxCategory.EXEMPT:
            if not (code or reason) or (code is not None and code not in EXEMPT_CODES):
                yield _rule("BR-E-10", f"{at}/exemption_code", "what is exempt needs a reason: a VATEX code, or words")
        elif code is not None or reason is not None:
            yield _rule(f"BR-{name}-10", f"{at}/exemption_code", "tax that is charged has no reason for exemption")
    outside = [subtotal.tax_category is TaxCategory.OUTSIDE_SCOPE for subtotal in cart.subtotals]
    if any(outside) and not all(outside):
        yield _rule("BR-O-11", "/subtotals", "category O must not be together with any other")


def _totals(cart: PricedCart) -> Iterator[BrokenRule]:
    totals = cart.totals
    sums = (
        ("BR-CO-10", "line_total", sum(line.net_amount for line in cart.lines), "BT-106 is not the sum of lines"),
        ("BR-CO-11", "allowance_total", sum(item.amount for item in cart.allowances), "BT-107 is not its sum"),
        ("BR-CO-12", "charge_total", sum(item.amount for item in cart.charges), "BT-108 is not its sum"),
        (
            "BR-CO-13",
            "basis_total",
            totals.line_total - totals.allowance_total + totals.charge_total,
            "BT-109 is not BT-106 - BT-107 + BT-108",
        ),
        ("BR-CO-14", "tax_total", sum(item.tax for item in cart.subtotals), "BT-110 is not the sum of taxes"),
        ("BR-CO-15", "grand_total", totals.basis_total + totals.tax_total, "BT-112 is not BT-109 + BT-110"),
    )
    for rule, name, right, message in sums:
        if getattr(totals, name) != right:
            yield _rule(rule, f"/totals/{name}", message)


def _stated(cart: PricedCart) -> Iterator[BrokenRule]:
    """The document's total is what the customer was shown."""
    totals = cart.totals
    stated = (
        sum(line.amount for line in cart.lines)
        + sum(surcharge.amount for surcharge in cart.surcharges)
        - sum(discount.amount for discount in cart.discounts)
    )
    net = cart.prices is PriceMode.NET
    if (totals.basis_total if net else totals.payable) != stated:
        yield _rule("total-as-shown", "/totals", f"the {cart.prices} total is not what lines, discounts, charges state")
    for name in ("discounts", "surcharges"):
        if any(item.amount <= 0 or not item.name for item in getattr(cart, name)):
            yield _rule("stated-positive", f"/{name}", "needs a name and a positive amount")
    orders = len({line.order_number for line in cart.lines})
    rounds = orders > 1 or (not net and cart.tax_rounding is TaxRounding.STRICT)
    most = orders * len(cart.subtotals) * document_step(cart.currency) if rounds else 0
    if abs(totals.rounding) > most:
        yield _rule("rounding-bounded", "/totals/rounding", "BT-114 is more than rounding can leave over")
    taken, added = ((item.name, item.amount) for item in cart.discounts), ((s.name, s.amount) for s in cart.surcharges)
    if net and _by_name(taken) != _by_name((item.reason, item.amount) for item in cart.allowances):
        yield _rule("net-as-stated", "/allowances", "allowances are not the discounts")
    if net and _by_name(added) != _by_name((item.reason, item.amount) for item in cart.charges):
        yield _rule("net-as-stated", "/charges", "charges are not those that were stated")


def _by_name(named: Iterable[tuple[str, int]]) -> dict[str, int]:
    amounts: dict[str, int] = defaultdict(int)
    for name, amount in named:
        amounts[name] += amount
    return amounts


def _steps(cart: PricedCart) -> Iterator[BrokenRule]:
    """EN 16931 has amounts of two decimals at most."""
    step = document_step(cart.currency)
    amounts = [
        *(value for line in cart.lines for value in (line.amount, line.net_amount)),
        *(value for line in cart.lines for item in line.adjustments for value in (item.amount, item.net_amount)),
        *(item.amount for item in cart.allowances),
        *(item.amount for item in cart.charges),
        *(item.amount for item in cart.discounts),
        *(item.amount for item in cart.surcharges),
        *(value for item in cart.subtotals for value in (item.basis, item.tax)),
    ]
    if any(amount % step for amount in amounts):
        yield _rule("BR-DEC", "", f"amounts in {cart.currency} must be multiples of {step} minor units")


def _times(quantity: Decimal, price: Decimal, currency: str) -> int:
    return document_amount(EXACT.multiply(quantity, price), currency)
