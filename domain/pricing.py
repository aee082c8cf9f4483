"""Pricing: turns what a shop asks for into a priced cart, or says everything that is wrong with it.

This is the one place where a `CheckoutRequest` is judged, whether it came over HTTP or straight from a
workflow's caller, so it takes no type for granted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from domain.cart import PricedCart, PricedDiscount, TaxCategory
from domain.checkout import CheckoutRequest, PriceMode, RequestedDiscount, RequestedLine
from domain.currencies import EXPONENTS, is_currency
from domain.errors import InvalidInput
from domain.invoice_mapping import InvoiceMapping, check_mapped
from domain.money import LARGEST_MINOR, Money, minor_from_decimal
from domain.particulars import check_assignment_key, check_customer, check_expiry, check_metadata, check_redirects
from domain.totals import CartLine, line_amount, price_cart
from domain.units import is_unit
from domain.violations import Violations

MOST_LINES = 1000
MOST_DISCOUNTS = 20

_AMOUNT_DIGITS = len(str(LARGEST_MINOR))
_QUANTITY_DIGITS = 6
_QUANTITY_DECIMALS = 4
_RATE_DECIMALS = 4
_SUPPORTED = {TaxCategory.STANDARD, TaxCategory.ZERO}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRules:
    """What a merchant and this installation allow. `redirect_origins` are exact (`https://shop.example`);
    `allow_local_redirects` lets customers be sent to this machine, for the sandbox only. What `invoice_mapping` puts
    on invoices must be fit for it."""

    redirect_origins: tuple[str, ...] = ()
    allow_local_redirects: bool = False
    invoice_mapping: InvoiceMapping = field(default_factory=InvoiceMapping)


def price_checkout(request: CheckoutRequest, rules: CheckoutRules) -> PricedCart:
    """The priced cart of a sound request. Raises InvalidInput with all violations (the first fifty), with
    JSON Pointers into the body of `POST /v1/checkouts`."""
    violations = Violations()
    check_assignment_key(violations, request.assignment_key)
    cart = _price(violations, request)
    check_customer(violations, request.customer)
    check_redirects(
        violations, request.redirects, origins=rules.redirect_origins, allow_local=rules.allow_local_redirects
    )
    check_expiry(violations, request.expires_in_seconds)
    check_metadata(violations, request.metadata)
    if not violations.found:
        check_mapped(violations, rules.invoice_mapping, request)
    if cart is None or violations.found:
        raise InvalidInput(violations.found)
    return cart


def printed_texts(request: CheckoutRequest) -> Iterator[tuple[str, str]]:
    """Every text of a sound request that documents and pages show, with its pointer: fonts must have it."""
    customer, address = request.customer, request.customer.address
    texts: list[tuple[str, str | None]] = [
        ("/assignment_key", request.assignment_key),
        ("/customer/name", customer.name),
        ("/customer/company", customer.company),
        ("/customer/email", customer.email),
        ("/customer/vat_id", customer.vat_id),
        ("/customer/number", customer.number),
        ("/customer/address/line1", address.line1),
        ("/customer/address/line2", address.line2),
        ("/customer/address/postal_code", address.postal_code),
        ("/customer/address/city", address.city),
    ]
    for index, line in enumerate(request.lines):
        texts.append((f"/lines/{index}/sku", line.sku))
        texts.append((f"/lines/{index}/name", line.name))
        texts.append((f"/lines/{index}/description", line.description))
    for index, discount in enumerate(request.discounts):
        texts.append((f"/discounts/{index}/name", discount.name))
    return ((pointer, text) for pointer, text in texts if text is not None)


def _price(violations: Violations, request: CheckoutRequest) -> PricedCart | None:
    """The priced cart, as far as all that it takes is sound; else None and violations."""
    currency = _currency(violations, request.currency)
    prices = _price_mode(violations, request.prices)
    lines = _lines(violations, request.lines, currency)
    discounts = _discounts(violations, request.discounts, currency)
    total = None if request.total is None else _amount(violations, "/total", request.total, currency)
    if currency is None or prices is None or lines is None or discounts is None:
        return None
    if not _discountable(violations, lines, discounts, currency):
        return None
    cart = price_cart(currency=currency, prices=prices, lines=lines, discounts=discounts)
    _check_total(violations, cart, total)
    return cart


def _currency(violations: Violations, currency: object) -> str | None:
    if isinstance(currency, str) and is_currency(currency):
        return currency
    violations.add("/currency", 'must be the code of an active ISO 4217 currency in upper case such as "EUR"')
    return None


def _price_mode(violations: Violations, prices: object) -> PriceMode | None:
    if isinstance(prices, str) and prices in set(PriceMode):
        return PriceMode(prices)
    violations.add("/prices", 'must be "gross" or "net"')
    return None


def _lines(violations: Violations, lines: object, currency: str | None) -> list[CartLine] | None:
    if not isinstance(lines, tuple | list) or not 1 <= len(lines) <= MOST_LINES:
        violations.add("/lines", f"must be a list of 1 to {MOST_LINES} lines")
        return None
    sound = [_line(violations, f"/lines/{index}", line, currency) for index, line in enumerate(lines)]
    return [line for line in sound if line is not None] if all(sound) else None


def _line(violations: Violations, pointer: str, line: object, currency: str | None) -> CartLine | None:
    if not isinstance(line, RequestedLine):
        violations.add(pointer, "must be a line")
        return None
    violations.check_identifier(f"{pointer}/sku", line.sku, most=64, optional=True)
    violations.check_text(f"{pointer}/name", line.name, most=200)
    violations.check_text(f"{pointer}/description", line.description, most=1000, optional=True)
    if not is_unit(line.unit):
        violations.add(f"{pointer}/unit", 'must be one of our UN/ECE Recommendation 20 codes, such as "C62" or "HUR"')
    quantity = _quantity(violations, f"{pointer}/quantity", line.quantity)
    unit_price = _unit_price(violations, f"{pointer}/unit_price", line.unit_price, currency)
    category = _tax_category(violations, f"{pointer}/tax_category", line.tax_category)
    tax_rate = _tax_rate(violations, f"{pointer}/tax_rate", line.tax_rate, category)
    if quantity is None or unit_price is None or category is None or tax_rate is None:
        return None
    return CartLine(
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=quantity,
        unit=line.unit,
        unit_price=unit_price,
        tax_category=category,
        tax_rate=tax_rate,
    )


def _quantity(violations: Violations, pointer: str, text: object) -> Decimal | None:
    quantity = violations.decimal(pointer, text, integer_digits=_QUANTITY_DIGITS, decimals=_QUANTITY_DECIMALS)
    if quantity is not None and quantity <= 0:
        violations.add(pointer, "must be greater than zero")
        return None
    return quantity


def _unit_price(violations: Violations, pointer: str, text: object, currency: str | None) -> Decimal | None:
    """Zero is a price: something may come free with the rest."""
    unit_price = _major_amount(violations, pointer, text, currency)
    if unit_price is not None and unit_price < 0:
        violations.add(pointer, "must not be negative; a reduction is a discount")
        return None
    return unit_price


def _tax_category(violations: Violations, pointer: str, category: object) -> TaxCategory | None:
    if isinstance(category, str) and category in _SUPPORTED:
        return TaxCategory(category)
    violations.add(
        pointer, "must be S (standard rate) or Z (zero rate); exempt, reverse charge and others are not supported"
    )
    return None


def _tax_rate(violations: Violations, pointer: str, text: object, category: TaxCategory | None) -> Decimal | None:
    tax_rate = violations.decimal(pointer, text, integer_digits=3, decimals=_RATE_DECIMALS)
    if tax_rate is None:
        return None
    problem = None
    if not 0 <= tax_rate <= 100:
        problem = "must be from 0 to 100 per cent"
    elif category is TaxCategory.STANDARD and tax_rate == 0:
        problem = "must be greater than zero in category S; the zero rate is category Z"
    elif category is TaxCategory.ZERO and tax_rate != 0:
        problem = "must be 0 in category Z"
    violations.add(pointer, problem)
    return None if problem else tax_rate


def _discounts(violations: Violations, discounts: object, currency: str | None) -> list[PricedDiscount] | None:
    if not isinstance(discounts, tuple | list) or len(discounts) > MOST_DISCOUNTS:
        violations.add("/discounts", f"must be a list of at most {MOST_DISCOUNTS} discounts")
        return None
    sound = [_discount(violations, f"/discounts/{index}", item, currency) for index, item in enumerate(discounts)]
    return [discount for discount in sound if discount is not None] if all(sound) else None


def _discount(violations: Violations, pointer: str, discount: object, currency: str | None) -> PricedDiscount | None:
    if not isinstance(discount, RequestedDiscount):
        violations.add(pointer, "must be a discount")
        return None
    violations.check_text(f"{pointer}/name", discount.name, most=200)
    amount = _amount(violations, f"{pointer}/amount", discount.amount, currency)
    if amount is not None and amount <= 0:
        violations.add(f"{pointer}/amount", "must be greater than zero; it is taken off")
        return None
    return None if amount is None else PricedDiscount(name=discount.name, amount=amount)


def _amount(violations: Violations, pointer: str, text: object, currency: str | None) -> int | None:
    """An amount in minor units. In an unknown currency there is none, but the form is judged."""
    amount = _major_amount(violations, pointer, text, currency)
    return None if amount is None or currency is None else minor_from_decimal(amount, currency)


def _major_amount(violations: Violations, pointer: str, text: object, currency: str | None) -> Decimal | None:
    decimals = max(EXPONENTS.values()) if currency is None else EXPONENTS[currency]
    return violations.decimal(pointer, text, integer_digits=_AMOUNT_DIGITS - decimals, decimals=decimals)


def _discountable(
    violations: Violations, lines: list[CartLine], discounts: list[PricedDiscount], currency: str
) -> bool:
    amount = sum(line_amount(line.quantity, line.unit_price, currency) for line in lines)
    discount = sum(discount.amount for discount in discounts)
    if amount == 0:
        violations.add("/lines", "must come to more than zero")
    elif discount >= amount:
        stated, limit = Money(discount, currency), Money(amount, currency)
        violations.add("/discounts", f"come to {stated}, but must be less than the {limit} of the lines")
    return discount < amount


def _check_total(violations: Violations, cart: PricedCart, total: int | None) -> None:
    actual = Money(cart.totals.grand_total, cart.currency)
    if actual.minor > LARGEST_MINOR:
        violations.add("/lines", f"come to {actual}, but must not exceed {Money(LARGEST_MINOR, cart.currency)}")
    if total is not None and total != actual.minor:
        violations.add("/total", f"is {Money(total, cart.currency)}, but the lines give {actual}")
