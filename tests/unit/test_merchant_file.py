"""Merchant files: what is right is read, what is wrong is named by its field."""

import re
from pathlib import Path

import pytest

from adapters.merchant_file import InvalidMerchantFile, load
from domain.capture_modes import CaptureMode, DelayedMethod
from domain.cart import TaxRounding
from domain.electronic_addresses import ElectronicAddress
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.merchants import BalancedWhen, BillableWhen, Invoicing
from domain.numbers import Numbering, Reset
from domain.tax_settings import TaxSettings
from domain.vat_ids import InvalidVatIdPolicy

_MERIDIAN = Path(__file__).parents[2] / "merchants" / "meridian.toml"
_SVG = _MERIDIAN.with_suffix(".svg").read_text(encoding="utf-8")


def _written(directory: Path, text: str, *, logo: str = _SVG) -> Path:
    path = directory / "meridian.toml"
    path.write_text(text, encoding="utf-8")
    (directory / "meridian.svg").write_text(logo, encoding="utf-8")
    return path


def test_the_merchant_of_the_demo_is_complete() -> None:
    merchant = load(_MERIDIAN)
    assert merchant.id == "meridian"
    assert merchant.seller.name == "Meridian Werkstatt GmbH"
    assert merchant.seller.register == "HRB 12345, AG Hamburg"
    assert merchant.seller.address.country == "DE"
    assert merchant.branding.logo == _SVG
    assert merchant.languages == ("de", "en")
    assert merchant.time_zone == "Europe/Berlin"
    assert merchant.number_pattern == "RE-{year}-{000000}"
    assert "https://shop.example" in merchant.redirect_origins


def test_a_merchant_may_take_part_in_a_network_for_electronic_invoices(tmp_path: Path) -> None:
    address = '[seller.electronic_address]\nscheme = "9930"\nid = "DE123456788"\n\n[seller.address]'
    path = _written(tmp_path, _MERIDIAN.read_text(encoding="utf-8").replace("[seller.address]", address, 1))
    assert load(_MERIDIAN).seller.electronic_address is None
    assert load(path).seller.electronic_address == ElectronicAddress(scheme="9930", id="DE123456788")


def test_a_merchant_may_wait_for_the_providers_fee(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    path = _written(tmp_path, text.replace("[seller]", 'balanced_when = "settled"\n[seller]', 1))
    assert load(_MERIDIAN).balanced_when is BalancedWhen.CAPTURED
    assert load(path).balanced_when is BalancedWhen.SETTLED


def test_how_customers_pay_is_read_and_has_defaults(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    named = ("capture", "delayed_methods")
    without = "\n".join(line for line in text.splitlines() if not line.startswith(named))
    assert load(_MERIDIAN) == load(_written(tmp_path, without))
    changed = text.replace('capture = "automatic"', 'capture = "manual"')
    changed = changed.replace("delayed_methods = []", 'delayed_methods = ["sepa_debit", "konbini"]')
    merchant = load(_written(tmp_path, changed))
    assert merchant.capture is CaptureMode.MANUAL
    assert merchant.delayed_methods == (DelayedMethod.SEPA_DEBIT, DelayedMethod.KONBINI)
    with pytest.raises(InvalidMerchantFile, match="delayed_methods"):
        load(_written(tmp_path, text.replace("delayed_methods = []", 'delayed_methods = ["card"]')))


def test_policies_for_money_that_does_not_fit_are_read_and_have_defaults(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    assert load(_MERIDIAN) == load(_written(tmp_path, _without_policies(text)))
    changed = text.replace('late_money = "hold"', 'late_money = "accept"')
    changed = changed.replace("late_money_days = 7", "late_money_days = 30")
    changed = changed.replace('overpayment = "refund"', 'overpayment = "hold"')
    changed = changed.replace('short_payment = "hold"', 'short_payment = "refund"')
    merchant = load(_written(tmp_path, changed))
    assert merchant.late_money is LateMoneyPolicy.ACCEPT
    assert merchant.late_money_days == 30
    assert merchant.overpayment is OverpaymentPolicy.HOLD
    assert merchant.short_payment is ShortPaymentPolicy.REFUND


def _without_policies(text: str) -> str:
    named = ("late_money", "overpayment", "short_payment")
    return "\n".join(line for line in text.splitlines() if not line.startswith(named))


WRONG = {
    "id": ('id = "meridian"', 'id = "Meridian & Co"', "id: "),
    "language": ('languages = ["de", "en"]', 'languages = ["de", "pl"]', "languages.1: "),
    "no language": ('languages = ["de", "en"]', "languages = []", "languages: "),
    "plain http": ("https://shop.example", "http://shop.example", "redirect_origins.1: "),
    "origin with path": ("https://shop.example", "https://shop.example/ok", "redirect_origins.1: "),
    "origin with user": ("https://shop.example", "https://user@shop.example", "redirect_origins.1: "),
    "pattern": ("RE-{year}-{000000}", "RE-{year}", "number_pattern: "),
    "time zone": ("Europe/Berlin", "Hamburg", "time_zone: "),
    "first number": ("first_number = 1", "first_number = 0", "first_number: "),
    "balanced when": ("[seller]", 'balanced_when = "soon"\n[seller]', "balanced_when: "),
    "late money": ('late_money = "hold"', 'late_money = "keep"', "late_money: "),
    "deadline": ("late_money_days = 7", "late_money_days = 0", "late_money_days: "),
    "overpayment": ('overpayment = "refund"', 'overpayment = "accept"', "overpayment: "),
    "short payment": ('short_payment = "hold"', 'short_payment = "accept"', "short_payment: "),
    "country": ('country = "DE"', 'country = "Germany"', "seller.address.country: "),
    "missing city": ('city = "Hamburg"', "", "seller.address.city: Field required"),
    "VAT identifier": ("DE123456788", "123456788", "seller.vat_id: "),
    "no tax registration": ('vat_id = "DE123456788"', "", "seller: Value error, vat_id or tax_number"),
    "register": ('register = "HRB 12345, AG Hamburg"', 'register = ""', "seller.register: "),
    "IBAN": ("DE75512108001245126199", "DE76512108001245126199", "seller.iban: "),
    "BIC": ("SOGEDEFFXXX", "SOGE", "seller.bic: "),
    "scheme of the electronic address": (
        "[seller.address]",
        '[seller.electronic_address]\nscheme = "9999"\nid = "1"\n[seller.address]',
        "seller.electronic_address: Value error, scheme must be",
    ),
    "electronic address": (
        "[seller.address]",
        '[seller.electronic_address]\nscheme = "0088"\nid = "4012345000008"\n[seller.address]',
        "seller.electronic_address: Value error, id must be",
    ),
    "e-mail": ("rechnung@meridian-werkstatt.example", "rechnung", "seller.email: "),
    "unknown field": ("[branding]", '[branding]\nfont = "Arial"', "branding.font: "),
    "accent": ("#1d4fc4", "blue", "branding.accent: "),
    "logo elsewhere": ('logo = "meridian.svg"', 'logo = "../meridian.svg"', "branding.logo: "),
    "missing logo": ('logo = "meridian.svg"', 'logo = "other.svg"', "branding.logo: "),
    "not TOML": ("[seller]", "[seller", "is not TOML"),
}


@pytest.mark.parametrize(("good", "bad", "named"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named(tmp_path: Path, good: str, bad: str, named: str) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    assert good in text
    with pytest.raises(InvalidMerchantFile) as caught:
        load(_written(tmp_path, text.replace(good, bad, 1)))
    assert named in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8").replace('"DE"', '"XX"').replace("#1d4fc4", "blue")
    with pytest.raises(InvalidMerchantFile) as caught:
        load(_written(tmp_path, text))
    assert "seller.address.country" in str(caught.value)
    assert "branding.accent" in str(caught.value)


def test_a_shop_on_this_machine_may_use_plain_http(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8").replace("https://shop.example", "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000" in load(_written(tmp_path, text)).redirect_origins


@pytest.mark.parametrize("pattern", ["RE-{year}-{000000}", "RE-{year}-{0000}"])
def test_credit_notes_must_not_get_the_numbers_of_invoices(tmp_path: Path, pattern: str) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8").replace("GS-{year}-{000000}", pattern)
    with pytest.raises(InvalidMerchantFile, match="would give the same numbers"):
        load(_written(tmp_path, text))


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"{0}>{1}</svg>'
DANGEROUS = {
    "script": SVG.format("", "<script>alert(1)</script>"),
    "handler": SVG.format(' onload="alert(1)"', ""),
    "image": SVG.format("", '<image href="https://tracker.example/x.png"/>'),
    "link": SVG.format("", '<a href="https://example.org"><path d="M0 0h1"/></a>'),
    "reference": SVG.format("", '<path d="M0 0h1" fill="url(#g)"/>'),
    "style element": SVG.format("", "<style>@import 'x'</style>"),
    "style attribute": SVG.format("", '<path d="M0 0h1" style="fill:red"/>'),
    "foreign element": SVG.format("", "<foreignObject/>"),
    "gradient": SVG.format("", "<linearGradient/>"),
    "entity": '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SVG.format("", "<title>&x;</title>"),
    "style sheet": '<?xml-stylesheet href="https://example.org/x.css"?>' + SVG.format("", ""),
    "no viewBox": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "no SVG": "<html/>",
    "no XML": "PNG",
    "too large": SVG.format("", "<title>" + "x" * 65536 + "</title>"),
}


@pytest.mark.parametrize("logo", DANGEROUS.values(), ids=DANGEROUS.keys())
def test_a_logo_that_is_more_than_a_plain_drawing_is_refused(tmp_path: Path, logo: str) -> None:
    with pytest.raises(InvalidMerchantFile, match=r"branding\.logo: "):
        load(_written(tmp_path, _MERIDIAN.read_text(encoding="utf-8"), logo=logo))


def test_how_a_merchant_is_taxed_is_read_and_has_defaults(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    changed = (
        text.replace("oss = false", "oss = true").replace('"gross_exact"', '"strict"').replace('"charge"', '"review"')
    )
    assert load(_MERIDIAN).tax == load(_written(tmp_path, text.partition("[tax]")[0])).tax == TaxSettings()
    assert load(_written(tmp_path, changed)).tax == TaxSettings(
        oss=True, rounding=TaxRounding.STRICT, invalid_vat_id=InvalidVatIdPolicy.REVIEW
    )


# Number series


def _with_series(*sections: str, without: tuple[str, ...] = (), head: str = "") -> str:
    lines = _MERIDIAN.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(without)] if without else lines
    return "\n".join([head, *kept, *sections])


OLD_KEYS = ("number_pattern", "first_number", "credit_note_pattern")
INVOICE = '[series.invoice]\npattern = "RE-{year}-{month}-{000}"\nreset = "monthly"\nstart = 41'
CREDIT = '[series.credit_note]\npattern = "GS-{00000}"\nreset = "never"'


def test_a_series_says_its_pattern_when_it_counts_again_and_where_it_starts(tmp_path: Path) -> None:
    merchant = load(_written(tmp_path, _with_series(INVOICE, CREDIT, without=OLD_KEYS)))
    assert merchant.numbering("invoice") == Numbering(pattern="RE-{year}-{month}-{000}", reset=Reset.MONTHLY, start=41)
    assert merchant.numbering("credit_note") == Numbering(pattern="GS-{00000}", reset=Reset.NEVER)
    assert merchant.numbering("cancelation").reset is Reset.YEARLY


def test_the_keys_of_before_still_say_how_series_count() -> None:
    merchant = load(_MERIDIAN)
    assert merchant.numbering("invoice") == Numbering(pattern="RE-{year}-{000000}", reset=Reset.YEARLY)
    assert merchant.numbering("credit_note").pattern == "GS-{year}-{000000}"


def test_a_legal_entity_is_named_by_all_its_numbers(tmp_path: Path) -> None:
    sections = [
        f'[series.{kind}]\npattern = "{{entity}}-{letter}{{0000}}"\nreset = "never"'
        for kind, letter in [("invoice", "R"), ("credit_note", "G"), ("cancelation", "S"), ("deposit", "A")]
    ]
    text = _with_series(*sections, without=OLD_KEYS, head='legal_entity = "NORD"')
    merchant = load(_written(tmp_path, text))
    assert merchant.legal_entity == "NORD"
    assert merchant.numbering("deposit").pattern == "{entity}-A{0000}"


def _series(kind: str, pattern: str, reset: str, start: str = "1") -> str:
    return f'[series.{kind}]\npattern = "{pattern}"\nreset = "{reset}"\nstart = {start}'


WRONG_SERIES = {
    "yearly without a year": (_series("invoice", "RE-{000}", "yearly"), "must name {year}"),
    "monthly without a month": (_series("invoice", "RE-{year}-{000}", "monthly"), "must name {month}"),
    "daily": (_series("invoice", "RE-{year}-{000}", "daily"), "series.invoice.reset: "),
    "no counter": (_series("invoice", "RE-{year}", "yearly"), "series.invoice.pattern: "),
    "start before one": (_series("invoice", "RE-{year}-{000}", "yearly", "0"), "series.invoice.start: "),
    "no reset": ('[series.invoice]\npattern = "RE-{000}"', "series.invoice.reset: Field required"),
    "another kind": (_series("letter", "B-{000}", "never"), "series.letter: "),
    "numbers of another series": (_series("deposit", "GS-{year}-{000}", "yearly"), "would give the same numbers"),
    "numbers that may meet": (_series("deposit", "GS-{0000}-{month}{year}", "monthly"), "would give the same numbers"),
    "an entity nobody named": (_series("invoice", "{entity}-{000}", "never"), "legal_entity must be given"),
}


@pytest.mark.parametrize(("section", "named"), WRONG_SERIES.values(), ids=WRONG_SERIES)
def test_a_series_whose_numbers_would_not_stay_unique_is_refused(tmp_path: Path, section: str, named: str) -> None:
    without = ("number_pattern", "first_number") if section.startswith("[series.invoice]") else ()
    with pytest.raises(InvalidMerchantFile) as caught:
        load(_written(tmp_path, _with_series(section, without=without)))
    assert named in str(caught.value)


def test_a_series_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidMerchantFile, match=r"first_number and number_pattern must go: \[series.invoice\]"):
        load(_written(tmp_path, _with_series(INVOICE)))
    with pytest.raises(InvalidMerchantFile, match=r"number_pattern or \[series.invoice\] is needed"):
        load(_written(tmp_path, _with_series(without=("number_pattern",))))


def test_a_legal_entity_without_its_place_in_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMerchantFile, match=r"must name \{entity\}"):
        load(_written(tmp_path, _with_series(head='legal_entity = "NORD"')))


def test_mapping_of_orders_to_invoices_is_read_from_texts_and_lists(tmp_path: Path) -> None:
    text = (
        _MERIDIAN.read_text(encoding="utf-8")
        + """
[invoice_fields.defaults]
notes = "Danke."
[invoice_fields.customers."K-1"]
buyer_reference = "04011000-12345-03"
"""
    )
    text = text.replace('invoicing = "immediate"', 'invoicing = "collective"')
    text = text.replace('billable_when = "balanced"', 'billable_when = "ordered"')
    merchant = load(_written(tmp_path, text))
    assert merchant.invoicing is Invoicing.COLLECTIVE
    assert merchant.billable_when is BillableWhen.ORDERED
    mapping = merchant.invoice_mapping
    assert mapping.sources["purchase_order"] == ("metadata.purchase_order",)
    assert mapping.sources["notes"] == ("metadata.invoice_note",)
    assert mapping.customers == {"K-1": {"buyer_reference": "04011000-12345-03"}}
    assert mapping.defaults == {"notes": "Danke."}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('[invoice_fields.defaults]\ncolour = "red"', "defaults.colour: there is no such field of an invoice"),
        ('[invoice_fields.defaults]\nservice_date = "soon"', "defaults.service_date must be a day such as"),
        ('[invoice_fields.customers.K]\nlanguage = "x"', "customers.K.language must be an ISO 639-1 code"),
        ("[invoice_fields.customers.K]\nlanguage = 1", "invoice_fields.customers.K.language"),
        ('[invoice_fields.colours]\nx = "y"', "invoice_fields.colours"),
    ],
)
def test_wrong_mapping_is_named_with_its_place(tmp_path: Path, wrong: str, words: str) -> None:
    with pytest.raises(InvalidMerchantFile, match=re.escape(words)):
        load(_written(tmp_path, f"{_MERIDIAN.read_text(encoding='utf-8')}\n{wrong}\n"))
