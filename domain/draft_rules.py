"""The rules a draft must meet before it takes a number: those of EN 16931 that concern what we keep, and our own.

The amounts are judged by `domain.cart_rules`; here are parties, tax categories, references, dates, payments. A rule is
named as EN 16931 names it; what the official rules cannot see has a name of ours.
"""

import re
from collections.abc import Iterator
from datetime import date

from domain import cart_rules
from domain.cart import REVERSED, TaxCategory
from domain.checkout import Address, PriceMode
from domain.countries import is_country
from domain.errors import BrokenRule
from domain.invoices import CORRECTIONS, Deduction, Draft, InvoiceKind
from domain.languages import is_language
from domain.merchants import Seller
from domain.tax_rates import NORTHERN_IRELAND, country_of_vat_id, is_member_state, territory
from domain.texts import vat_id_problem
from domain.units import is_unit

_LONG_AGO = date(2000, 1, 1)
_BLANK = re.compile(r"\s*")


def broken(draft: Draft, seller: Seller, on: date) -> tuple[BrokenRule, ...]:
    """Every rule the draft breaks; empty for a sound one. `on` is the day, in the seller's calendar, it is issued."""
    return (
        *cart_rules.broken(draft.cart),
        *_parties(draft, seller),
        *_lines(draft),
        *_tax_registration(draft, seller),
        *_reversed(draft, seller),
        *_kind(draft),
        *_dates(draft, on),
        *_money(draft, on),
        *_texts(draft),
    )


def _rule(rule: str, field: str, message: str) -> BrokenRule:
    return BrokenRule(rule=rule, field=field, message=message)


def _is_blank(text: str | None) -> bool:
    return text is None or _BLANK.fullmatch(text) is not None


def _categories(draft: Draft) -> set[TaxCategory]:
    return {subtotal.tax_category for subtotal in draft.cart.subtotals} | {
        line.tax_category for line in draft.cart.lines
    }


def _parties(draft: Draft, seller: Seller) -> Iterator[BrokenRule]:
    buyer = draft.buyer
    if _is_blank(seller.name):
        yield _rule("BR-06", "/seller/name", "the seller needs a name")
    if _is_blank(buyer.name) or (buyer.company is not None and _is_blank(buyer.company)):
        yield _rule("BR-07", "/buyer/name", "the buyer needs a name")
    yield from _address(seller.address, "/seller/address", "BR-09")
    yield from _address(buyer.address, "/buyer/address", "BR-11")
    if draft.particulars.delivery_address is not None:
        yield from _address(draft.particulars.delivery_address, "/particulars/delivery_address", "BR-57")
    if not (seller.vat_id or seller.register or seller.tax_number):
        yield _rule("BR-CO-26", "/seller", "needs a VAT id, a register entry or a tax number")
    for vat_id, field in ((seller.vat_id, "/seller/vat_id"), (buyer.vat_id, "/buyer/vat_id")):
        if vat_id is not None and vat_id_problem(vat_id):
            yield _rule("BR-CO-09", field, "must have the prefix of a country")


def _address(address: Address, field: str, rule: str) -> Iterator[BrokenRule]:
    if not is_country(address.country):
        yield _rule(rule, f"{field}/country", "must be an ISO 3166-1 alpha-2 code")
    for name in ("line1", "postal_code", "city"):
        if _is_blank(getattr(address, name)):
            yield _rule("address-complete", f"{field}/{name}", "must not be empty")


def _lines(draft: Draft) -> Iterator[BrokenRule]:
    for index, line in enumerate(draft.cart.lines):
        if _is_blank(line.name):
            yield _rule("BR-25", f"/cart/lines/{index}/name", "what is sold needs a name")
        if not is_unit(line.unit):
            yield _rule("BR-23", f"/cart/lines/{index}/unit", "is none of our UN/ECE Recommendation 20 codes")


def _tax_registration(draft: Draft, seller: Seller) -> Iterator[BrokenRule]:
    """BR-S-02, BR-Z-02, BR-E-02 and their kind: under which number the seller may say what he says of tax."""
    for category in sorted(_categories(draft)):
        name = "IC" if category is TaxCategory.INTRA_COMMUNITY else category
        if category is TaxCategory.OUTSIDE_SCOPE:
            if not (seller.tax_number or seller.register):
                yield _rule("BR-O-02", "/seller", "needs a tax number or register entry: a VAT id must not be named")
        elif category in REVERSED or category is TaxCategory.EXPORT:
            if not seller.vat_id:
                yield _rule(f"BR-{name}-02", "/seller/vat_id", f"category {category} needs the seller's VAT id")
        elif not (seller.vat_id or seller.tax_number):
            yield _rule(f"BR-{name}-02", "/seller", f"category {category} needs a VAT id or a tax number")


def _reversed(draft: Draft, seller: Seller) -> Iterator[BrokenRule]:
    """The buyer owes the tax: both VAT ids, net prices, and for goods two member states."""
    categories = _categories(draft) & REVERSED
    if not categories:
        return
    name = "IC" if TaxCategory.INTRA_COMMUNITY in categories else "AE"
    if draft.buyer.vat_id is None:
        yield _rule(f"BR-{name}-02", "/buyer/vat_id", "the buyer owes the tax, so his VAT id is needed")
        return
    if draft.cart.prices is PriceMode.GROSS and draft.kind not in CORRECTIONS:
        yield _rule("reverse-charge-net", "/cart/prices", "where the buyer owes the tax, prices are net")
    if TaxCategory.INTRA_COMMUNITY in categories:
        yield from _between_states(draft, seller, draft.buyer.vat_id)


def _between_states(draft: Draft, seller: Seller, buyer_vat_id: str) -> Iterator[BrokenRule]:
    """BR-IC-12: where goods go to. They leave the seller's state for another one, to somebody registered in another."""
    destination = territory(draft.particulars.delivery_address or draft.buyer.address)
    in_union = is_member_state(destination) or destination == NORTHERN_IRELAND
    if not in_union or destination == territory(seller.address):
        yield _rule("BR-IC-12", "/buyer/address/country", "goods must go to another member state")
    if seller.vat_id and country_of_vat_id(buyer_vat_id) == country_of_vat_id(seller.vat_id):
        yield _rule("BR-IC-02", "/buyer/vat_id", "must be of another member state than the seller's")


def _kind(draft: Draft) -> Iterator[BrokenRule]:
    particulars = draft.particulars
    if draft.kind in CORRECTIONS and particulars.corrects is None:
        yield _rule("BR-55", "/particulars/corrects", "a correction names the invoice it takes back from")
    if draft.kind not in CORRECTIONS and particulars.corrects is not None:
        yield _rule("corrects-nothing", "/particulars/corrects", "only a correction takes back from an invoice")
    if particulars.corrects is not None and _is_blank(particulars.corrects.number):
        yield _rule("BR-55", "/particulars/corrects/number", "must not be empty")
    if draft.kind in {InvoiceKind.DEPOSIT, InvoiceKind.CREDIT_NOTE} and particulars.deductions:
        yield _rule("deducts-nothing", "/particulars/deductions", "only a final invoice deducts deposits")
    for index, deduction in enumerate(particulars.deductions):
        if deduction.amount <= 0 or not _adds_up(deduction):
            yield _rule("deduction-adds-up", f"/particulars/deductions/{index}", "is not the sum of its rates")


def _adds_up(deduction: Deduction) -> bool:
    """A deposit's payable total is the sum of its rates, and what its own rounding left over (BT-114)."""
    return deduction.amount == sum(item.basis + item.tax for item in deduction.subtotals) + deduction.rounding


def _dates(draft: Draft, on: date) -> Iterator[BrokenRule]:
    particulars = draft.particulars
    period = particulars.service_period
    if period is not None and period.end < period.start:
        yield _rule("BR-29", "/particulars/service_period/end", "must not be before its start")
    if draft.kind not in CORRECTIONS and particulars.due_on is not None and particulars.due_on < on:
        yield _rule("due-after-issue", "/particulars/due_on", "must not be before the day of issue")
    if draft.delivered_on is not None and draft.delivered_on < _LONG_AGO:
        yield _rule("delivery-plausible", "/delivered_on", "is too long ago")
    if particulars.corrects is not None and particulars.corrects.issued_on > on:
        yield _rule("reference-in-past", "/particulars/corrects/issued_on", "is after the day of issue")
    for index, deduction in enumerate(particulars.deductions):
        if deduction.document.issued_on > on:
            yield _rule("reference-in-past", f"/particulars/deductions/{index}", "is after the day of issue")


def _money(draft: Draft, on: date) -> Iterator[BrokenRule]:
    """What was paid and what is due: BT-115 = BT-112 + BT-114 - BT-113, never negative, and with terms (BR-CO-25)."""
    for index, payment in enumerate(draft.payments):
        if payment.amount <= 0:
            yield _rule("payment-positive", f"/payments/{index}/amount", "must be greater than zero")
        if payment.paid_on > on:
            yield _rule("paid-in-past", f"/payments/{index}/paid_on", "is after the day of issue")
        if _is_blank(payment.method):
            yield _rule("BR-49", f"/payments/{index}/method", "must not be empty")
    deducted = sum(deduction.amount for deduction in draft.particulars.deductions)
    paid = deducted + sum(payment.amount for payment in draft.payments)
    due = draft.cart.totals.payable - paid
    if draft.cart.totals.payable <= 0:
        yield _rule("payable-positive", "/cart/totals", "a document must be about more than nothing")
    if due < 0:
        yield _rule("BR-CO-16", "/payments", "more is paid than is owed")
    if due > 0 and draft.kind not in CORRECTIONS and draft.particulars.due_on is None:
        yield _rule("BR-CO-25", "/particulars/due_on", "what is due needs a day until when")


def _texts(draft: Draft) -> Iterator[BrokenRule]:
    if not is_language(draft.language):
        yield _rule("language", "/language", "must be an ISO 639-1 code")
    if _is_blank(draft.order_number):
        yield _rule("order-number", "/order_number", "must not be empty")
    for name in ("reason", "buyer_reference", "purchase_order"):
        text = getattr(draft.particulars, name)
        if text is not None and _is_blank(text):
            yield _rule("text-says-something", f"/particulars/{name}", "must not be empty")
    if any(_is_blank(note) for note in draft.particulars.notes):
        yield _rule("text-says-something", "/particulars/notes", "must not have an empty note")
