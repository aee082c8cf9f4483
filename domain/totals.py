"""Totals: what a cart adds up to, in the order of calculation of EN 16931-1, exact to the minor unit.

*Net prices*: a line is q(quantity x price) less its discounts, plus its charges; per rate, basis = lines - allowances +
charges (BR-S-08) and tax = q(basis x rate). *Gross prices*: what the customer was shown is what is charged. Per rate,
basis = q(gross x 100 / (100 + rate)). "Gross-exact", tax = gross - basis, which is at most one unit away from
basis x rate and so inside the tolerance of BR-CO-17. "Strict", tax = q(basis x rate), and what is left over goes into
the rounding amount (BT-114). Basis and allowance are spread back over the lines, charges and discounts by largest
remainder, and each line gets the shortest net price (BT-146) that gives its net amount. Document totals are plain sums.

q rounds half up to the unit of documents (`domain.currencies.document_step`): the minor unit, or ten or a hundred of
them where a currency has more than two decimals. Nothing that was rounded is rounded again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import count

from domain import cart_rules
from domain.cart import (
    Allowance,
    Charge,
    LineAdjustment,
    PricedCart,
    PricedDiscount,
    PricedLine,
    PricedSurcharge,
    TaxCategory,
    TaxRounding,
    TaxRule,
    TaxSubtotal,
    Totals,
)
from domain.checkout import PriceMode
from domain.currencies import document_step, exponent
from domain.decimals import EXACT, plain
from domain.errors import InvalidAmount
from domain.exemptions import CODE_OF_CATEGORY
from domain.money import allocate, divide_half_up, document_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAdjustment:
    """A discount, or as `charge` a surcharge, on one line, as the shop stated it: a positive amount in minor units."""

    reason: str
    amount: int
    charge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line before its amounts are known. `unit_price` is in major units and in the cart's price mode;
    `quantity` is positive, `unit_price` and `tax_rate` (per cent) are not negative. `order_number` says which of
    several orders it is of: a discount reaches the lines of its own order only.

    What is exempt (category E) names its reason; all such lines of a cart the same.
    """

    sku: str | None = None
    name: str
    description: str | None = None
    quantity: Decimal
    unit: str
    unit_price: Decimal
    tax_category: TaxCategory
    tax_rate: Decimal
    tax_rule: TaxRule = TaxRule.STATED
    exemption_code: str | None = None
    exemption_reason: str | None = None
    adjustments: tuple[StatedAdjustment, ...] = ()
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
class _Stated:
    """What of a cart has one rate, as stated, in units of documents: lines, charges, and shares of discounts."""

    rate: _Rate
    lines: tuple[int, ...]
    charges: tuple[int, ...]
    shares: tuple[int, ...]

    @property
    def amount(self) -> int:
        return sum(self.lines) + sum(self.charges) - sum(self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The same, net, with the tax; `drift` is what the stated amount is beyond basis and tax."""

    rate: _Rate
    line_amounts: tuple[int, ...]
    charges: tuple[int, ...]
    allowances: tuple[int, ...]
    basis: int
    tax: int
    drift: int = 0


def line_amount(quantity: Decimal, unit_price: Decimal, currency: str) -> int:
    """What a line costs before its discounts and charges, in minor units: q(quantity x unit price)."""
    return document_amount(EXACT.multiply(quantity, unit_price), currency)


def stated_amount(line: CartLine, currency: str) -> int:
    """What a line costs, its discounts and charges included, in minor units."""
    surplus = sum(item.amount if item.charge else -item.amount for item in line.adjustments)
    return line_amount(line.quantity, line.unit_price, currency) + surplus


def price_cart(
    *,
    currency: str,
    prices: PriceMode,
    lines: Sequence[CartLine],
    discounts: Sequence[PricedDiscount],
    surcharges: Sequence[PricedSurcharge] = (),
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT,
) -> PricedCart:
    """Price a cart. Raises InvalidAmount when discounts come to more than what they are taken from, for an amount
    that documents cannot state, and for an unknown currency."""
    step = document_step(currency)
    units = [_units(stated_amount(line, currency), step) for line in lines]
    parts = [
        _split(stated, prices, tax_rounding) for stated in _by_rate(lines, units, discounts, surcharges, step=step)
    ]
    nets = _in_order(lines, parts)
    return PricedCart(
        currency=currency,
        prices=prices,
        lines=tuple(
            _priced_line(line, position, amount * step, net * step, currency, prices)
            for position, (line, amount, net) in enumerate(zip(lines, units, nets, strict=True), start=1)
        ),
        discounts=tuple(discounts),
        allowances=tuple(_allowances(discounts, parts, step)),
        surcharges=tuple(surcharges),
        charges=tuple(_charges(surcharges, parts, step)),
        subtotals=tuple(_subtotal(part, lines, step) for part in parts),
        totals=_totals(parts, step),
        tax_rounding=tax_rounding,
    )


def payable_by_rate(cart: PricedCart) -> dict[tuple[TaxCategory, Decimal], int]:
    """What the customer owes of each rate of a cart of one order, in minor units: together all that is payable.

    Of gross prices that is what was stated, which strict rounding leaves alone: beside basis and tax, each rate has its
    part of the rounding amount (BT-114).
    """
    if cart.prices is PriceMode.NET:
        return {(one.tax_category, one.tax_rate): one.basis + one.tax for one in cart.subtotals}
    step = document_step(cart.currency)
    units = [_units(line.amount, step) for line in cart.lines]
    parts = _by_rate(cart.lines, units, cart.discounts, cart.surcharges, step=step)
    return {(stated.rate.category, stated.rate.per_cent): stated.amount * step for stated in parts}


def violations(cart: PricedCart) -> tuple[str, ...]:
    """What does not add up, in words; empty for a sound cart (see `domain.cart_rules`)."""
    return tuple(str(broken) for broken in cart_rules.broken(cart))


def _rounded(value: Fraction) -> int:
    return divide_half_up(value.numerator, value.denominator)


def _units(amount: int, step: int) -> int:
    units, rest = divmod(amount, step)
    if amount < 0 or rest:
        raise InvalidAmount(f"{amount} minor units are less than nothing, or finer than documents can state")
    return units


def _rate_of(item: CartLine | PricedLine | PricedSurcharge) -> _Rate:
    return _Rate(item.tax_category, plain(item.tax_rate))


def _by_rate(
    lines: Sequence[CartLine | PricedLine],
    units: Sequence[int],
    discounts: Sequence[PricedDiscount],
    surcharges: Sequence[PricedSurcharge],
    *,
    step: int,
) -> Iterator[_Stated]:
    """What is stated, by rate, in the order in which rates first appear. Discounts are taken from lines only."""
    of_lines: dict[_Rate, list[int]] = {}
    for line, amount in zip(lines, units, strict=True):
        of_lines.setdefault(_rate_of(line), []).append(amount)
    of_charges: dict[_Rate, list[int]] = {rate: [] for rate in of_lines}
    for surcharge in surcharges:
        of_charges.setdefault(_rate_of(surcharge), []).append(_units(surcharge.amount, step))
    shares = _spread(discounts, _amounts_in_reach(lines, units), step=step)
    for rate, charges in of_charges.items():
        yield _Stated(
            rate=rate,
            lines=tuple(of_lines.get(rate, ())),
            charges=tuple(charges),
            shares=tuple(shares.get(rate, [0] * len(discounts))),
        )


def _amounts_in_reach(
    lines: Sequence[CartLine | PricedLine], units: Sequence[int]
) -> dict[tuple[str | None, _Rate], int]:
    """What the lines of each order come to, by rate."""
    sums: dict[tuple[str | None, _Rate], int] = {}
    for line, amount in zip(lines, units, strict=True):
        key = line.order_number, _rate_of(line)
        sums[key] = sums.get(key, 0) + amount
    return sums


def _spread(
    discounts: Sequence[PricedDiscount], amounts: Mapping[tuple[str | None, _Rate], int], *, step: int
) -> dict[_Rate, list[int]]:
    """Each rate's share of each discount. One discount after the other, over what the ones before it left of its
    order: so no rate is ever discounted below zero."""
    left = dict(amounts)
    shares: dict[_Rate, list[int]] = {rate: [0] * len(discounts) for _, rate in amounts}
    for index, discount in enumerate(discounts):
        taken = _units(discount.amount, step)
        reach = [key for key in left if key[0] == discount.order_number]
        within = [left[key] for key in reach]
        if taken > sum(within):
            raise InvalidAmount("discounts come to more than the lines")
        for key, share in zip(reach, allocate(taken, within), strict=True):
            shares[key[1]][index] = share
            left[key] -= share
    return shares


def _split(stated: _Stated, prices: PriceMode, tax_rounding: TaxRounding) -> _Part:
    return _net_part(stated) if prices is PriceMode.NET else _gross_part(stated, tax_rounding)


def _net_part(stated: _Stated) -> _Part:
    return _Part(
        rate=stated.rate,
        line_amounts=stated.lines,
        charges=stated.charges,
        allowances=stated.shares,
        basis=stated.amount,
        tax=stated.rate.tax_on(stated.amount),
    )


def _gross_part(stated: _Stated, tax_rounding: TaxRounding) -> _Part:
    basis = stated.rate.basis_in(stated.amount)
    basis_before_allowances = stated.rate.basis_in(stated.amount + sum(stated.shares))
    spread = allocate(basis_before_allowances, [*stated.lines, *stated.charges])
    left = stated.amount - basis
    tax = stated.rate.tax_on(basis) if tax_rounding is TaxRounding.STRICT else left
    return _Part(
        rate=stated.rate,
        line_amounts=spread[: len(stated.lines)],
        charges=spread[len(stated.lines) :],
        allowances=allocate(basis_before_allowances - basis, stated.shares),
        basis=basis,
        tax=tax,
        drift=left - tax,
    )


def _in_order(lines: Sequence[CartLine], parts: Sequence[_Part]) -> list[int]:
    """The net amounts in the order of the lines."""
    of_rate = {part.rate: iter(part.line_amounts) for part in parts}
    return [next(of_rate[_rate_of(line)]) for line in lines]


def _priced_line(
    line: CartLine, position: int, amount: int, net_amount: int, currency: str, prices: PriceMode
) -> PricedLine:
    unit_price = plain(line.unit_price, least_decimals=exponent(currency))
    if prices is PriceMode.NET:
        net_price, net_adjustments = unit_price, [item.amount for item in line.adjustments]
    else:
        net_item, net_adjustments = _net_adjustments(line, net_amount, currency)
        net_price = _shortest_price(line.quantity, net_item, currency)
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
        adjustments=tuple(
            LineAdjustment(reason=item.reason, amount=item.amount, net_amount=net, charge=item.charge)
            for item, net in zip(line.adjustments, net_adjustments, strict=True)
        ),
        order_number=line.order_number,
        tax_rule=line.tax_rule,
    )


def _net_adjustments(line: CartLine, net_amount: int, currency: str) -> tuple[int, list[int]]:
    """The net of the line before its adjustments, and of each of them, so that all add up to the line's net amount.

    Discounts are netted together; what they leave is spread over the thing itself and its charges, so nothing gets
    below zero.
    """
    if not line.adjustments:
        return net_amount, []
    step, rate = document_step(currency), _rate_of(line)
    discounts = [item.amount // step for item in line.adjustments if not item.charge]
    charges = [item.amount // step for item in line.adjustments if item.charge]
    net_discount = rate.basis_in(sum(discounts))
    item = line_amount(line.quantity, line.unit_price, currency) // step
    net_item, *net_charges = allocate(net_amount // step + net_discount, [item, *charges])
    of_discounts, of_charges = iter(allocate(net_discount, discounts)), iter(net_charges)
    return net_item * step, [next(of_charges if item.charge else of_discounts) * step for item in line.adjustments]


def _shortest_price(quantity: Decimal, net_amount: int, currency: str) -> Decimal:
    """The price with the fewest decimals, but not fewer than the currency's, that gives the net amount.

    It always ends: the price nearest to net amount / quantity misses the amount by at most half of
    quantity x 10^-d minor units at d additional decimals, which is below one half once 10^d > quantity.
    """
    numerator, denominator = quantity.as_integer_ratio()
    step = document_step(currency)
    for additional in count():
        scale = 10**additional
        price = divide_half_up(net_amount * denominator * scale, numerator)
        if divide_half_up(price * numerator, denominator * scale * step) * step == net_amount:
            return EXACT.scaleb(Decimal(price), -(exponent(currency) + additional))
    raise AssertionError("unreachable")


def _allowances(discounts: Sequence[PricedDiscount], parts: Sequence[_Part], step: int) -> Iterator[Allowance]:
    """The shares that are not zero, by discount, then by rate."""
    for index, discount in enumerate(discounts):
        for part in parts:
            if part.allowances[index]:
                yield Allowance(
                    reason=discount.name,
                    amount=part.allowances[index] * step,
                    tax_category=part.rate.category,
                    tax_rate=part.rate.per_cent,
                )


def _charges(surcharges: Sequence[PricedSurcharge], parts: Sequence[_Part], step: int) -> Iterator[Charge]:
    """The charges, net, in the order of the surcharges; one that comes to nothing is left out."""
    of_rate = {part.rate: iter(part.charges) for part in parts}
    for surcharge in surcharges:
        if net := next(of_rate[_rate_of(surcharge)]):
            yield Charge(
                reason=surcharge.name,
                amount=net * step,
                tax_category=surcharge.tax_category,
                tax_rate=plain(surcharge.tax_rate),
            )


def _subtotal(part: _Part, lines: Sequence[CartLine], step: int) -> TaxSubtotal:
    """BG-23. The reason is the category's own, or the one that the exempt lines name."""
    category = part.rate.category
    exempt = next((line for line in lines if line.tax_category is category is TaxCategory.EXEMPT), None)
    return TaxSubtotal(
        tax_category=category,
        tax_rate=part.rate.per_cent,
        basis=part.basis * step,
        tax=part.tax * step,
        exemption_code=exempt.exemption_code if exempt else CODE_OF_CATEGORY.get(category),
        exemption_reason=exempt.exemption_reason if exempt else None,
    )


def _totals(parts: Sequence[_Part], step: int) -> Totals:
    line_total = sum(sum(part.line_amounts) for part in parts) * step
    allowance_total = sum(sum(part.allowances) for part in parts) * step
    charge_total = sum(sum(part.charges) for part in parts) * step
    tax_total = sum(part.tax for part in parts) * step
    basis_total = line_total - allowance_total + charge_total
    return Totals(
        line_total=line_total,
        allowance_total=allowance_total,
        charge_total=charge_total,
        basis_total=basis_total,
        tax_total=tax_total,
        grand_total=basis_total + tax_total,
        rounding=sum(part.drift for part in parts) * step,
    )
