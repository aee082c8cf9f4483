"""Pricing: turns what a shop asks for into a priced cart, or says everything that is wrong with it.

This is the one place where a `CheckoutRequest` is judged, whether it came over HTTP or straight from a
workflow's caller, so it takes no type for granted. What an invoice could not say is refused here already: the rules
that a draft must meet before it takes a number (`domain.draft_rules`) are tried on the cart.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from domain import draft_rules
from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding
from domain.checkout import CheckoutRequest, PriceMode
from domain.currencies import is_currency
from domain.deposits import check_deposits
from domain.e_invoices import can_be_called
from domain.errors import BrokenRule, InvalidInput
from domain.invoice_mapping import InvoiceMapping, check_mapped
from domain.invoices import Draft, InvoiceKind, Particulars
from domain.merchants import Merchant
from domain.money import LARGEST_MINOR, Money
from domain.particulars import (
    check_assignment_key,
    check_capture,
    check_customer,
    check_expiry,
    check_leitweg_id,
    check_metadata,
    check_redirects,
)
from domain.stated_lines import Reading, printed
from domain.tax import TaxSituation
from domain.totals import CartLine, price_cart, stated_amount
from domain.vat_ids import VatIdStatus
from domain.violations import Violations


def _any_vat_id(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRules:
    """What a merchant and this installation allow. `redirect_origins` are exact (`https://shop.example`);
    `allow_local_redirects` lets customers be sent to this machine, for the sandbox only. `writes_xrechnung` says
    whether the merchant's data suffice for it (see `domain.e_invoices`).

    `tax` is who sells and how; without it tax classes cannot be resolved. `is_vat_id` knows the forms and check digits
    of the member states' VAT ids. What `invoice_mapping` puts on invoices must be fit for it.
    """

    redirect_origins: tuple[str, ...] = ()
    allow_local_redirects: bool = False
    writes_xrechnung: bool = True
    tax: TaxSituation | None = None
    is_vat_id: Callable[[str], bool] = _any_vat_id
    invoice_mapping: InvoiceMapping = field(default_factory=InvoiceMapping)

    @classmethod
    def of(
        cls,
        merchant: Merchant,
        *,
        now: datetime,
        allow_local_redirects: bool,
        is_vat_id: Callable[[str], bool],
        vat_id: VatIdStatus = VatIdStatus.UNVERIFIED,
    ) -> "CheckoutRules":
        """The rules of a merchant at a moment (UTC), with what is known of the buyer's VAT id."""
        on = now.astimezone(ZoneInfo(merchant.time_zone)).date()
        return cls(
            redirect_origins=merchant.redirect_origins,
            allow_local_redirects=allow_local_redirects,
            writes_xrechnung=can_be_called(merchant.seller),
            tax=TaxSituation(seller=merchant.seller, settings=merchant.tax, on=on, vat_id=vat_id),
            is_vat_id=is_vat_id,
            invoice_mapping=merchant.invoice_mapping,
        )


def price_checkout(request: CheckoutRequest, rules: CheckoutRules) -> PricedCart:
    """The priced cart of a sound request. Raises InvalidInput with all violations (the first fifty), with
    JSON Pointers into the body of `POST /v1/checkouts`."""
    violations = Violations()
    check_assignment_key(violations, request.assignment_key)
    cart = _price(violations, request, rules)
    check_customer(violations, request.customer)
    check_leitweg_id(violations, request.customer, request.currency, writes_xrechnung=rules.writes_xrechnung)
    _check_vat_id(violations, request, rules)
    check_redirects(
        violations, request.redirects, origins=rules.redirect_origins, allow_local=rules.allow_local_redirects
    )
    check_expiry(violations, request.expires_in_seconds)
    check_metadata(violations, request.metadata)
    check_capture(violations, request.capture)
    if cart is not None and not violations.found:
        _try_draft(violations, request, cart, rules.tax)
    check_deposits(violations, request)
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
        ("/customer/buyer_reference", customer.buyer_reference),
        ("/customer/address/line1", address.line1),
        ("/customer/address/line2", address.line2),
        ("/customer/address/postal_code", address.postal_code),
        ("/customer/address/city", address.city),
        *printed(request.lines),
    ]
    for name in ("discounts", "charges"):
        texts.extend((f"/{name}/{index}/name", item.name) for index, item in enumerate(getattr(request, name)))
    return ((pointer, text) for pointer, text in texts if text is not None)


def _price(violations: Violations, request: CheckoutRequest, rules: CheckoutRules) -> PricedCart | None:
    """The priced cart, as far as all that it takes is sound; else None and violations."""
    currency = _currency(violations, request.currency)
    prices = _price_mode(violations, request.prices)
    reading = Reading(violations, currency, _sound_customer(request), rules.tax)
    lines = reading.lines(request.lines)
    discounts = reading.discounts(request.discounts)
    charges = reading.charges(request.charges)
    total = None if request.total is None else reading.amount("/total", request.total)
    if currency is None or prices is None or lines is None or discounts is None or charges is None:
        return None
    if not _discountable(violations, lines, discounts, charges, currency) or not _one_reason(violations, lines):
        return None
    cart = price_cart(
        currency=currency,
        prices=prices,
        lines=lines,
        discounts=discounts,
        surcharges=charges,
        tax_rounding=rules.tax.settings.rounding if rules.tax else TaxRounding.GROSS_EXACT,
    )
    _check_total(violations, cart, total)
    return cart


def _sound_customer(request: CheckoutRequest) -> object:
    """The customer, if a tax class can be resolved for him; what is wrong with another is said elsewhere."""
    violations = Violations()
    check_customer(violations, request.customer)
    return None if violations.found else request.customer


def _check_vat_id(violations: Violations, request: CheckoutRequest, rules: CheckoutRules) -> None:
    if violations.found_at("/customer") or request.customer.vat_id is None:
        return
    if not rules.is_vat_id(request.customer.vat_id):
        violations.add("/customer/vat_id", "must be a VAT identifier in its state's form, with a right check digit")


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


def _discountable(
    violations: Violations,
    lines: list[CartLine],
    discounts: list[PricedDiscount],
    charges: list[PricedSurcharge],
    currency: str,
) -> bool:
    """Discounts are taken from the lines; something must be left to pay, if only for a charge."""
    amount = sum(stated_amount(line, currency) for line in lines)
    discount = sum(discount.amount for discount in discounts)
    most = amount if charges else amount - 1
    if amount == 0 and not charges:
        violations.add("/lines", "must come to more than zero")
    elif discount > most:
        stated, limit = Money(discount, currency), Money(amount, currency)
        words = "must not exceed" if charges else "must be less than"
        violations.add("/discounts", f"come to {stated}, but {words} the {limit} of the lines")
    return discount <= most


def _one_reason(violations: Violations, lines: list[CartLine]) -> bool:
    """BR-E-01: exempt lines share one subtotal, which has one reason."""
    exempt = [(index, line) for index, line in enumerate(lines) if line.tax_category is TaxCategory.EXEMPT]
    reasons = [(line.exemption_code, line.exemption_reason) for _, line in exempt]
    for (index, _), reason in zip(exempt, reasons, strict=True):
        if reason != reasons[0]:
            violations.add(f"/lines/{index}/exemption_reason", "must be the same in all exempt lines")
            return False
    return True


def _check_total(violations: Violations, cart: PricedCart, total: int | None) -> None:
    actual = Money(cart.totals.payable, cart.currency)
    if actual.minor > LARGEST_MINOR:
        violations.add("/lines", f"come to {actual}, but must not exceed {Money(LARGEST_MINOR, cart.currency)}")
    if total is not None and total != actual.minor:
        violations.add("/total", f"is {Money(total, cart.currency)}, but the lines give {actual}")


def _try_draft(
    violations: Violations, request: CheckoutRequest, cart: PricedCart, situation: TaxSituation | None
) -> None:
    """Refuse what would become an invoice that breaks a rule: it would be found out only after the customer paid."""
    if situation is None:
        return
    draft = Draft(
        kind=InvoiceKind.INVOICE,
        language=request.customer.language,
        order_number=request.assignment_key,
        buyer=request.customer,
        cart=cart,
        particulars=Particulars(due_on=situation.on),
    )
    for rule in draft_rules.broken(draft, situation.seller, situation.on):
        violations.add(_pointer(rule), f"{rule.message} ({rule.rule})")


_PLACES = (
    ("/buyer", "/customer"),
    ("/cart/lines", "/lines"),
    ("/cart/prices", "/prices"),
    ("/cart/charges", "/charges"),
)


def _pointer(rule: BrokenRule) -> str:
    """Where in the request a rule about a draft is broken; what a request does not state comes of its lines."""
    place = next(((draft, stated) for draft, stated in _PLACES if rule.field.startswith(draft)), None)
    return "/lines" if place is None else place[1] + rule.field.removeprefix(place[0])
