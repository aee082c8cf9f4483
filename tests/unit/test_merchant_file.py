"""Merchant files: what is right is read, what is wrong is named by its field."""

import re
from pathlib import Path

import pytest

from adapters.merchant_file import InvalidMerchantFile, load
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.merchants import BalancedWhen, BillableWhen, Invoicing

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


def test_a_merchant_may_wait_for_the_providers_fee(tmp_path: Path) -> None:
    text = _MERIDIAN.read_text(encoding="utf-8")
    path = _written(tmp_path, text.replace("[seller]", 'balanced_when = "settled"\n[seller]', 1))
    assert load(_MERIDIAN).balanced_when is BalancedWhen.CAPTURED
    assert load(path).balanced_when is BalancedWhen.SETTLED


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
