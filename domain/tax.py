"""Which tax falls on what is sold: a product's tax class becomes category, rate and the rule that says why.

The rules are those of Directive 2006/112/EC for a seller established in the Union and nowhere else: Articles 31 to 33
and 138 for goods, 44, 45 and 58 for services, 59c and the one-stop shop (OSS) for consumers in other member states,
146 for exports. The place of supply is taken from the customer's address. A seller who knows better states category
and rate himself. This is no tax advice.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.cart import REVERSED, TaxCategory, TaxRule
from domain.checkout import CheckoutRequest, Customer
from domain.merchants import Seller
from domain.tax_rates import (
    NORTHERN_IRELAND,
    NoRate,
    TaxClass,
    country_of_vat_id,
    is_eu_vat_id,
    is_member_state,
    rate,
    territory,
)
from domain.tax_settings import TaxSettings
from domain.vat_ids import InvalidVatIdPolicy, VatIdStatus

_NOTHING = Decimal(0)


class Supply(StrEnum):
    """What is supplied. A digital service (Article 58) is taxed where a consumer is, any other where the seller is."""

    GOODS = "goods"
    SERVICE = "service"
    DIGITAL_SERVICE = "digital_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSituation:
    """Who sells, how, on which day of his calendar, and what is known of the buyer's VAT id."""

    seller: Seller
    settings: TaxSettings
    on: date
    vat_id: VatIdStatus = VatIdStatus.UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTax:
    """What falls on a line: category, rate in per cent, and why."""

    category: TaxCategory
    rate: Decimal
    rule: TaxRule


class Unresolved(ValueError):
    """No rule of ours says which tax falls on this. The message completes a sentence that names the tax class."""


def resolve(tax_class: TaxClass, supply: Supply, buyer: Customer, situation: TaxSituation) -> AppliedTax:
    """What a tax class comes to for this buyer. Raises Unresolved."""
    seller = situation.seller
    home, place = territory(seller.address), territory(buyer.address)
    if not is_member_state(home):
        raise Unresolved("can be resolved for sellers in the European Union only; state tax_category and tax_rate")
    domestic = _at_rate(home, tax_class, situation.on, TaxRule.DOMESTIC)
    if place == home:
        return domestic
    if is_member_state(place) or (place == NORTHERN_IRELAND and supply is Supply.GOODS):
        if _is_business(buyer, situation):
            return _reversed(supply, seller)
        destined = situation.settings.oss and supply is not Supply.SERVICE and not _is_at_home(buyer, home)
        return _at_rate(place, tax_class, situation.on, TaxRule.OSS) if destined else domestic
    if supply is Supply.GOODS:
        return _exported(seller)
    if supply is Supply.DIGITAL_SERVICE or buyer.company is not None:
        return AppliedTax(category=TaxCategory.OUTSIDE_SCOPE, rate=_NOTHING, rule=TaxRule.OUTSIDE_SCOPE)
    return domestic


def needs_vat_id(request: CheckoutRequest) -> bool:
    """Whether the buyer's VAT id decides about tax, so that the register is to be asked about it."""
    vat_id = request.customer.vat_id
    if vat_id is None or not is_eu_vat_id(vat_id):
        return False
    taxed = [(line.tax_class, line.tax_category) for line in request.lines]
    taxed += [(charge.tax_class, charge.tax_category) for charge in request.charges]
    return any(tax_class is not None or category in REVERSED for tax_class, category in taxed)


def _is_business(buyer: Customer, situation: TaxSituation) -> bool:
    """Whether the buyer owes the tax: he has a VAT id of another member state, and either the register does not deny
    it, or a person is to decide."""
    home = territory(situation.seller.address)
    if buyer.vat_id is None or not is_eu_vat_id(buyer.vat_id) or _is_at_home(buyer, home):
        return False
    denied = situation.vat_id is VatIdStatus.INVALID
    return not denied or situation.settings.invalid_vat_id is InvalidVatIdPolicy.REVIEW


def _is_at_home(buyer: Customer, home: str) -> bool:
    """A business that is registered where the seller is buys as at home."""
    return buyer.vat_id is not None and country_of_vat_id(buyer.vat_id) == home


def _reversed(supply: Supply, seller: Seller) -> AppliedTax:
    if seller.vat_id is None:
        raise Unresolved("needs the merchant's VAT id to sell to a business in another member state")
    if supply is Supply.GOODS:
        return AppliedTax(category=TaxCategory.INTRA_COMMUNITY, rate=_NOTHING, rule=TaxRule.INTRA_COMMUNITY)
    return AppliedTax(category=TaxCategory.REVERSE_CHARGE, rate=_NOTHING, rule=TaxRule.REVERSE_CHARGE)


def _exported(seller: Seller) -> AppliedTax:
    if seller.vat_id is None:
        raise Unresolved("needs the merchant's VAT id to export")
    return AppliedTax(category=TaxCategory.EXPORT, rate=_NOTHING, rule=TaxRule.EXPORT)


def _at_rate(country: str, tax_class: TaxClass, on: date, rule: TaxRule) -> AppliedTax:
    try:
        return AppliedTax(category=TaxCategory.STANDARD, rate=rate(country, tax_class, on), rule=rule)
    except NoRate:
        raise Unresolved(f"has no rate of {country} on this day; state tax_category and tax_rate") from None
