"""What a shop states of lines, discounts and charges: decimal strings become exact numbers, or violations."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from domain.cart import PricedDiscount, PricedSurcharge
from domain.checkout import RequestedCharge, RequestedDiscount, RequestedLine, RequestedLineCharge
from domain.currencies import EXPONENTS, document_step
from domain.money import LARGEST_MINOR, Money, minor_from_decimal
from domain.stated_tax import applied_tax, check_exemption
from domain.tax import TaxSituation
from domain.totals import CartLine, StatedAdjustment, stated_amount
from domain.units import is_unit
from domain.violations import Violations

MOST_LINES = 1000
MOST_DISCOUNTS = 20
MOST_CHARGES = 20
MOST_ADJUSTMENTS = 10
"""Of discounts, and of charges, on one line."""

PRICE_DECIMALS = 6
"""Decimals of a unit price: what is sold by the thousand costs fractions of a cent."""
_AMOUNT_DIGITS = len(str(LARGEST_MINOR))
_QUANTITY_DIGITS = 6
_QUANTITY_DECIMALS = 4
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reading of lines and charges goes by: where violations go, the currency if it is one, who buys, who
    sells."""

    violations: Violations
    currency: str | None
    buyer: object
    situation: TaxSituation | None

    def lines(self, lines: object) -> list[CartLine] | None:
        """The lines, if all are sound."""
        if not isinstance(lines, tuple | list) or not 1 <= len(lines) <= MOST_LINES:
            self.violations.add("/lines", f"must be a list of 1 to {MOST_LINES} lines")
            return None
        return _all([self._line(f"/lines/{index}", line) for index, line in enumerate(lines)])

    def discounts(self, discounts: object) -> list[PricedDiscount] | None:
        """The discounts on the cart, if all are sound."""
        if not isinstance(discounts, tuple | list) or len(discounts) > MOST_DISCOUNTS:
            self.violations.add("/discounts", f"must be a list of at most {MOST_DISCOUNTS} discounts")
            return None
        return _all([self._discount(f"/discounts/{index}", item) for index, item in enumerate(discounts)])

    def charges(self, charges: object) -> list[PricedSurcharge] | None:
        """The charges on the cart, if all are sound."""
        if not isinstance(charges, tuple | list) or len(charges) > MOST_CHARGES:
            self.violations.add("/charges", f"must be a list of at most {MOST_CHARGES} charges")
            return None
        return _all([self._charge(f"/charges/{index}", item) for index, item in enumerate(charges)])

    def amount(self, pointer: str, text: object) -> int | None:
        """An amount in minor units that a document can state. In an unknown currency there is none, but the form is
        judged."""
        decimals = max(EXPONENTS.values()) if self.currency is None else EXPONENTS[self.currency]
        amount = self.violations.decimal(pointer, text, integer_digits=_AMOUNT_DIGITS - decimals, decimals=decimals)
        if amount is None or self.currency is None:
            return None
        minor, step = minor_from_decimal(amount, self.currency), document_step(self.currency)
        if minor % step:
            self.violations.add(pointer, f"must be a multiple of {Money(step, self.currency)}")
            return None
        return minor

    def _line(self, pointer: str, line: object) -> CartLine | None:
        violations = self.violations
        if not isinstance(line, RequestedLine):
            violations.add(pointer, "must be a line")
            return None
        violations.check_identifier(f"{pointer}/sku", line.sku, most=64, optional=True)
        violations.check_text(f"{pointer}/name", line.name, most=200)
        violations.check_text(f"{pointer}/description", line.description, most=1000, optional=True)
        if not is_unit(line.unit):
            expected = 'must be one of our UN/ECE Recommendation 20 codes, such as "C62" or "HUR"'
            violations.add(f"{pointer}/unit", expected)
        quantity = self._quantity(f"{pointer}/quantity", line.quantity)
        unit_price = self._unit_price(f"{pointer}/unit_price", line.unit_price)
        tax = applied_tax(violations, pointer, line, self.buyer, self.situation)
        check_exemption(violations, pointer, line)
        adjustments = self._adjustments(pointer, line)
        if quantity is None or unit_price is None or tax is None or adjustments is None:
            return None
        cart_line = CartLine(
            sku=line.sku,
            name=line.name,
            description=line.description,
            quantity=quantity,
            unit=line.unit,
            unit_price=unit_price,
            tax_category=tax.category,
            tax_rate=tax.rate,
            tax_rule=tax.rule,
            exemption_code=line.exemption_code,
            exemption_reason=line.exemption_reason,
            adjustments=adjustments,
        )
        if self.currency is not None and stated_amount(cart_line, self.currency) < 0:
            violations.add(f"{pointer}/discounts", "must not come to more than the line")
            return None
        return cart_line

    def _quantity(self, pointer: str, text: object) -> Decimal | None:
        quantity = self.violations.decimal(pointer, text, integer_digits=_QUANTITY_DIGITS, decimals=_QUANTITY_DECIMALS)
        if quantity is not None and quantity <= 0:
            self.violations.add(pointer, "must be greater than zero")
            return None
        return quantity

    def _unit_price(self, pointer: str, text: object) -> Decimal | None:
        """Zero is a price: something may come free with the rest."""
        digits = _AMOUNT_DIGITS - (max(EXPONENTS.values()) if self.currency is None else EXPONENTS[self.currency])
        unit_price = self.violations.decimal(pointer, text, integer_digits=digits, decimals=PRICE_DECIMALS)
        if unit_price is not None and unit_price < 0:
            self.violations.add(pointer, "must not be negative; a reduction is a discount")
            return None
        return unit_price

    def _adjustments(self, pointer: str, line: RequestedLine) -> tuple[StatedAdjustment, ...] | None:
        found: list[StatedAdjustment] | None = []
        for name, kind in (("discounts", RequestedDiscount), ("charges", RequestedLineCharge)):
            items = getattr(line, name)
            if not isinstance(items, tuple | list) or len(items) > MOST_ADJUSTMENTS:
                self.violations.add(f"{pointer}/{name}", f"must be a list of at most {MOST_ADJUSTMENTS}")
                return None
            for index, item in enumerate(items):
                adjustment = self._adjustment(f"{pointer}/{name}/{index}", item, kind)
                found = None if found is None or adjustment is None else [*found, adjustment]
        return None if found is None else tuple(found)

    def _adjustment(self, pointer: str, item: object, kind: type) -> StatedAdjustment | None:
        if not isinstance(item, RequestedDiscount | RequestedLineCharge) or not isinstance(item, kind):
            self.violations.add(pointer, "must be an object with name and amount")
            return None
        amount = self._named_amount(pointer, item.name, item.amount)
        is_charge = isinstance(item, RequestedLineCharge)
        return None if amount is None else StatedAdjustment(reason=item.name, amount=amount, charge=is_charge)

    def _discount(self, pointer: str, discount: object) -> PricedDiscount | None:
        if not isinstance(discount, RequestedDiscount):
            self.violations.add(pointer, "must be a discount")
            return None
        amount = self._named_amount(pointer, discount.name, discount.amount)
        return None if amount is None else PricedDiscount(name=discount.name, amount=amount)

    def _charge(self, pointer: str, charge: object) -> PricedSurcharge | None:
        if not isinstance(charge, RequestedCharge):
            self.violations.add(pointer, "must be a charge")
            return None
        amount = self._named_amount(pointer, charge.name, charge.amount)
        tax = applied_tax(self.violations, pointer, charge, self.buyer, self.situation)
        if amount is None or tax is None:
            return None
        return PricedSurcharge(
            name=charge.name, amount=amount, tax_category=tax.category, tax_rate=tax.rate, tax_rule=tax.rule
        )

    def _named_amount(self, pointer: str, name: object, text: object) -> int | None:
        """The amount of a discount or charge; what it does to the total is its kind's business, so it is positive."""
        self.violations.check_text(f"{pointer}/name", name, most=200)
        amount = self.amount(f"{pointer}/amount", text)
        if amount is not None and amount <= 0:
            self.violations.add(f"{pointer}/amount", "must be greater than zero")
            return None
        return amount


def _all(items: list[_T | None]) -> list[_T] | None:
    sound = [item for item in items if item is not None]
    return sound if len(sound) == len(items) else None


def printed(lines: tuple[RequestedLine, ...]) -> Iterator[tuple[str, str | None]]:
    """Every text of sound lines that documents show, with its pointer."""
    for index, line in enumerate(lines):
        yield f"/lines/{index}/sku", line.sku
        yield f"/lines/{index}/name", line.name
        yield f"/lines/{index}/description", line.description
        yield f"/lines/{index}/exemption_reason", line.exemption_reason
        for name in ("discounts", "charges"):
            for number, item in enumerate(getattr(line, name)):
                yield f"/lines/{index}/{name}/{number}/name", item.name
