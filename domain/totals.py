"""Totals: what a cart adds up to, in the order of calculation of EN 16931-1, exact to the minor unit.

*Net prices*: a line is q(quantity x price); per rate, basis = lines - allowances (BR-S-08) and
tax = q(basis x rate). *Gross prices*, "gross-exact": what the customer was shown is what is charged. Per
rate, basis = q(gross x 100 / (100 + rate)) and tax = gross - basis, which is at most one minor unit away from
basis x rate and so inside the tolerance of BR-CO-17. Basis and allowance are spread back over the lines and
discounts by largest remainder, and each line gets the shortest net price (BT-146) that gives its net amount.
Document totals are plain sums. q rounds half up; nothing that was rounded is rounded again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import count

from domain.cart import Allowance, PricedCart, PricedDiscount, PricedLine, TaxCategory, TaxSubtotal, Totals
from domain.checkout import PriceMode
from domain.currencies import exponent
from domain.decimals import EXACT, plain
from domain.errors import InvalidAmount
from domain.money import allocate, divide_half_up, minor_from_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line before its amounts are known. `unit_price` is in major units and in the cart's price mode;
    `quantity` is positive, `unit_price` and `tax_rate` (per cent) are not negative. `order_number` says which of
    several orders it is of: a discount reaches the lines of its own order only."""

    sku: str | None = None
    name: str
    description: str | None = None
    quantity: Decimal
    unit: str
    unit_price: Decimal
    tax_category: TaxCategory
    tax_rate: Decimal
    order_number: str | None = None


@dataclass(frozen=True, slots=True)
class _Rate:
    """What lines are taxed together by."""

    category: TaxCategory
    per_cent: Decimal

    def tax_on(self, basis: int) -> int:
        return _rounded(basis * Fraction(self.per_cent) / 100)

    def basis_in(self, gross: int) -> int:
        return _rounded(gross * 100 / (100 + Fraction(self.per_cent)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The part of a cart that has one rate, net: an amount per line of this rate, and per discount."""

    rate: _Rate
    line_amounts: tuple[int, ...]
    allowances: tuple[int, ...]
    basis: int
    tax: int


def line_amount(quantity: Decimal, unit_price: Decimal, currency: str) -> int:
    """What a line costs, in minor units: q(quantity x unit price)."""
    return minor_from_decimal(EXACT.multiply(quantity, unit_price), currency)


def price_cart(
    *, currency: str, prices: PriceMode, lines: Sequence[CartLine], discounts: Sequence[PricedDiscount]
) -> PricedCart:
    """Price a cart. Raises InvalidAmount when discounts come to more than the lines, or for an unknown currency."""
    amounts = [line_amount(line.quantity, line.unit_price, currency) for line in lines]
    positions = _positions_by_rate(lines)
    amounts_by_rate = {rate: [amounts[position] for position in members] for rate, members in positions.items()}
    shares_by_rate = _spread(discounts, _amounts_in_reach(lines, amounts))
    split = _net_part if prices is PriceMode.NET else _gross_part
    parts = [split(rate, amounts_by_rate[rate], shares_by_rate[rate]) for rate in positions]
    net_amounts = {
        position: net for part in parts for position, net in zip(positions[part.rate], part.line_amounts, strict=True)
    }
    return PricedCart(
        currency=currency,
        prices=prices,
        lines=tuple(
            _priced_line(line, position + 1, amounts[position], net_amounts[position], currency, prices)
            for position, line in enumerate(lines)
        ),
        discounts=tuple(discounts),
        allowances=tuple(_allowances(discounts, parts)),
        subtotals=tuple(
            TaxSubtotal(tax_category=part.rate.category, tax_rate=part.rate.per_cent, basis=part.basis, tax=part.tax)
            for part in parts
        ),
        totals=_totals(parts),
    )


def _rounded(value: Fraction) -> int:
    return divide_half_up(value.numerator, value.denominator)


def _positions_by_rate(lines: Sequence[CartLine]) -> dict[_Rate, list[int]]:
    positions: dict[_Rate, list[int]] = {}
    for position, line in enumerate(lines):
        positions.setdefault(_Rate(line.tax_category, plain(line.tax_rate)), []).append(position)
    return positions


def _amounts_in_reach(lines: Sequence[CartLine], amounts: Sequence[int]) -> dict[tuple[str | None, _Rate], int]:
    """What the lines of each order come to, by rate."""
    sums: dict[tuple[str | None, _Rate], int] = {}
    for line, amount in zip(lines, amounts, strict=True):
        key = line.order_number, _Rate(line.tax_category, plain(line.tax_rate))
        sums[key] = sums.get(key, 0) + amount
    return sums


def _spread(
    discounts: Sequence[PricedDiscount], amounts: Mapping[tuple[str | None, _Rate], int]
) -> dict[_Rate, list[int]]:
    """Each rate's share of each discount. One discount after the other, over what the ones before it left of its
    order: so no rate is ever discounted below zero."""
    left = dict(amounts)
    shares: dict[_Rate, list[int]] = {rate: [0] * len(discounts) for _, rate in amounts}
    for index, discount in enumerate(discounts):
        reach = [key for key in left if key[0] == discount.order_number]
        within = [left[key] for key in reach]
        if discount.amount > sum(within):
            raise InvalidAmount("discounts come to more than the lines")
        for key, share in zip(reach, allocate(discount.amount, within), strict=True):
            shares[key[1]][index] = share
            left[key] -= share
    return shares


def _net_part(rate: _Rate, amounts: Sequence[int], shares: Sequence[int]) -> _Part:
    basis = sum(amounts) - sum(shares)
    return _Part(rate=rate, line_amounts=tuple(amounts), allowances=tuple(shares), basis=basis, tax=rate.tax_on(basis))


def _gross_part(rate: _Rate, amounts: Sequence[int], shares: Sequence[int]) -> _Part:
    gross = sum(amounts) - sum(shares)
    basis = rate.basis_in(gross)
    basis_before_allowances = rate.basis_in(sum(amounts))
    return _Part(
        rate=rate,
        line_amounts=allocate(basis_before_allowances, amounts),
        allowances=allocate(basis_before_allowances - basis, shares),
        basis=basis,
        tax=gross - basis,
    )


def _priced_line(
    line: CartLine, position: int, amount: int, net_amount: int, currency: str, prices: PriceMode
) -> PricedLine:
    unit_price = plain(line.unit_price, least_decimals=exponent(currency))
    net_price = unit_price if prices is PriceMode.NET else _shortest_price(line.quantity, net_amount, currency)
    return PricedLine(
        position=position,
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=plain(line.quantity),
        unit=line.unit,
        unit_price=unit_price,
        amount=amount,
        net_unit_price=net_price,
        net_amount=net_amount,
        tax_category=line.tax_category,
        tax_rate=plain(line.tax_rate),
        order_number=line.order_number,
    )


def _shortest_price(quantity: Decimal, net_amount: int, currency: str) -> Decimal:
    """The price with the fewest decimals, but not fewer than the currency's, that gives the net amount.

    It always ends: the price nearest to net amount / quantity misses the amount by at most half of
    quantity x 10^-d minor units at d additional decimals, which is below one half once 10^d > quantity.
    """
    numerator, denominator = quantity.as_integer_ratio()
    for additional in count():
        scale = 10**additional
        price = divide_half_up(net_amount * denominator * scale, numerator)
        if divide_half_up(price * numerator, denominator * scale) == net_amount:
            return EXACT.scaleb(Decimal(price), -(exponent(currency) + additional))
    raise AssertionError("unreachable")


def _allowances(discounts: Sequence[PricedDiscount], parts: Sequence[_Part]) -> Iterator[Allowance]:
    """The shares that are not zero, by discount, then by rate."""
    for index, discount in enumerate(discounts):
        for part in parts:
            if part.allowances[index]:
                yield Allowance(
                    reason=discount.name,
                    amount=part.allowances[index],
                    tax_category=part.rate.category,
                    tax_rate=part.rate.per_cent,
                )


def _totals(parts: Sequence[_Part]) -> Totals:
    line_total = sum(sum(part.line_amounts) for part in parts)
    allowance_total = sum(sum(part.allowances) for part in parts)
    tax_total = sum(part.tax for part in parts)
    return Totals(
        line_total=line_total,
        allowance_total=allowance_total,
        basis_total=line_total - allowance_total,
        tax_total=tax_total,
        grand_total=line_total - allowance_total + tax_total,
    )


def violations(cart: PricedCart) -> tuple[str, ...]:
    """What does not add up, in words; empty for a sound cart. The guard before a document takes a number.

    It checks what the official rules check, and what they let pass: price x quantity against the line, tax
    to the minor unit, and in gross mode the total against what the customer was shown.
    """
    return (*_broken_lines(cart), *_broken_rates(cart), *_broken_totals(cart))


def _broken_lines(cart: PricedCart) -> Iterator[str]:
    for line in cart.lines:
        where = f"line {line.position}"
        if line.quantity <= 0 or line.unit_price < 0 or line.net_unit_price < 0:
            yield f"{where}: the quantity must be positive, and no price negative"
        if line.amount != line_amount(line.quantity, line.unit_price, cart.currency):
            yield f"{where}: quantity x unit price does not give its amount"
        if line.net_amount != line_amount(line.quantity, line.net_unit_price, cart.currency):
            yield f"{where}: quantity x net price (BT-146) does not give its net amount (BT-131)"
        if (line.tax_category is TaxCategory.STANDARD) != (line.tax_rate > 0) or line.tax_rate < 0:
            yield f"{where}: rate {line.tax_rate} does not fit category {line.tax_category}"


def _broken_rates(cart: PricedCart) -> Iterator[str]:
    of_lines = _sums(((line.tax_category, line.tax_rate), line.net_amount) for line in cart.lines)
    of_allowances = _sums(((item.tax_category, item.tax_rate), item.amount) for item in cart.allowances)
    keys = [(subtotal.tax_category, subtotal.tax_rate) for subtotal in cart.subtotals]
    if sorted(keys) != sorted(of_lines) or not of_allowances.keys() <= of_lines.keys():
        yield "BR-CO-18: each category and rate of the lines needs exactly one subtotal, and no other may be there"
    for key, subtotal in zip(keys, cart.subtotals, strict=True):
        where = f"{subtotal.tax_category} {subtotal.tax_rate} %"
        if subtotal.basis != of_lines.get(key, 0) - of_allowances.get(key, 0):
            yield f"BR-S-08, BR-Z-08: {where}: the basis is not lines minus allowances"
        if subtotal.basis < 0 or subtotal.tax < 0:
            yield f"{where}: basis and tax must not be negative"
        exact = subtotal.basis * Fraction(subtotal.tax_rate) / 100
        is_net = cart.prices is PriceMode.NET
        if subtotal.tax != _rounded(exact) if is_net else abs(Fraction(subtotal.tax) - exact) > 1:
            yield f"BR-CO-17: {where}: the tax is not basis x rate"


def _broken_totals(cart: PricedCart) -> Iterator[str]:
    totals = cart.totals
    stated = sum(line.amount for line in cart.lines) - sum(discount.amount for discount in cart.discounts)
    as_shown = totals.basis_total if cart.prices is PriceMode.NET else totals.grand_total
    for holds, rule in (
        (totals.line_total == sum(line.net_amount for line in cart.lines), "BR-CO-10: BT-106 is not the sum of lines"),
        (
            totals.allowance_total == sum(item.amount for item in cart.allowances),
            "BR-CO-11: BT-107 is not the sum of allowances",
        ),
        (totals.basis_total == totals.line_total - totals.allowance_total, "BR-CO-13: BT-109 is not BT-106 - BT-107"),
        (
            totals.tax_total == sum(subtotal.tax for subtotal in cart.subtotals),
            "BR-CO-14: BT-110 is not the sum of taxes",
        ),
        (totals.grand_total == totals.basis_total + totals.tax_total, "BR-CO-15: BT-112 is not BT-109 + BT-110"),
        (all(item.amount > 0 for item in cart.allowances), "allowances must be positive"),
        (as_shown == stated, f"the {cart.prices} total is not what lines and discounts state"),
    ):
        if not holds:
            yield rule


def _sums(amounts: Iterable[tuple[tuple[TaxCategory, Decimal], int]]) -> dict[tuple[TaxCategory, Decimal], int]:
    sums: dict[tuple[TaxCategory, Decimal], int] = {}
    for key, amount in amounts:
        sums[key] = sums.get(key, 0) + amount
    return sums
