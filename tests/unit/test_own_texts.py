# ruff: noqa: RUF001 -- typographic signs are what people read
"""A merchant's own texts: used before ours, in documents, mails and pages alike, and checked when they are loaded."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.documents import page
from adapters.documents.fonts import FontLibrary
from adapters.mail.writer import MailWriter
from adapters.merchant_file import InvalidMerchantFile, load
from domain.merchants import Branding
from tests.documents.invoices import MERCHANT, an_invoice
from tests.documents.kinds import a_cancelation, a_credit_note, a_deposit
from wording import DOCUMENTS, MAILS, PAGES, Wording, own_texts, product_texts

_ROOT = Path(__file__).parents[2]
_MERIDIAN = _ROOT / "merchants" / "meridian.toml"


def _loaded(directory: Path, added: str) -> Branding:
    (directory / "meridian.svg").write_text(_MERIDIAN.with_suffix(".svg").read_text())
    (directory / "meridian.toml").write_text(f"{_MERIDIAN.read_text()}\n{added}\n", encoding="utf-8")
    return load(directory / "meridian.toml").branding


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ({"fr": {"totals.grand": "Somme"}, "en": {"totals.grand": "Sum"}}, "Somme"),
        ({"en": {"totals.grand": "Sum"}}, "Total"),
        ({}, "Total"),
    ],
)
def test_a_text_is_the_merchants_then_ours_in_the_language(own: dict[str, dict[str, str]], text: str) -> None:
    assert Wording(DOCUMENTS, "fr", own).say("totals.grand") == text


def test_what_we_have_not_in_a_language_is_the_merchants_english_then_ours_then_the_key() -> None:
    words = Wording(DOCUMENTS, "pl", {"pl": {"totals.grand": "Razem"}, "en": {"totals.paid": "Settled"}})
    assert words.language == "pl"
    assert words.say("totals.grand") == "Razem"
    assert words.say("totals.paid") == "Settled"
    assert words.say("totals.due") == "Amount due"
    assert words.say("totals.nothing") == "totals.nothing"
    assert words.money(164_601, "EUR").replace("\xa0", " ") == "1 646,01 €"


def test_units_and_methods_can_be_named_as_well() -> None:
    invoice = an_invoice()
    own = {"de": {"units.HUR": "Stunden", "methods.card": "Kreditkarte", "invoice.title": "Beleg"}}
    written = page.write(replace(invoice, branding=replace(MERCHANT.branding, texts=own))).replace("\xa0", " ")
    assert "2,5 Stunden" in written
    assert "per Kreditkarte" in written
    assert "<title>Beleg RE-2026-004217</title>" in written


def test_no_text_of_documents_mails_and_pages_has_the_key_of_another() -> None:
    keys = [
        key for texts in (DOCUMENTS, MAILS, PAGES) for key in product_texts(texts, "en") if not key.startswith("units.")
    ]
    assert len(keys) == len(set(keys))


def test_every_text_a_template_or_module_asks_for_is_there() -> None:
    asked = {
        key
        for folder in ("adapters", "api")
        for path in sorted((_ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".html"}
        for key in re.findall(r'(?:say|plain|words\.text|wording\.text)\("([a-z_]+\.[a-z_]+)"', path.read_text())
    }
    assert len(asked) > 60
    assert asked - own_texts.known().keys() == set()


def test_the_texts_and_blocks_of_a_file_are_read(tmp_path: Path) -> None:
    found = _loaded(
        tmp_path,
        '[texts.de.invoice]\ntitle = "Beleg"\n[texts.pl.totals]\ngrand = "Razem"\n[blocks.de]\nclosing_text = "Danke!"',
    )
    assert found.texts == {"de": {"invoice.title": "Beleg"}, "pl": {"totals.grand": "Razem"}}
    assert found.blocks == {"de": {"closing_text": "Danke!"}}


WRONG = {
    "unknown key": (
        '[texts.de.invoice]\ntitel = "Beleg"',
        "texts: Value error, de.invoice.titel is not a text of ours",
    ),
    "unknown place": (
        '[texts.de.mail_invoice]\nsubject = "Beleg {total}"',
        "de.mail_invoice.subject has a place that cannot be filled; places of this text: {number}, {seller}",
    ),
    "reach into a value": ('[texts.de.mail]\ngreeting = "{name.__class__}"', "de.mail.greeting has a place"),
    "format of a value": ('[texts.de.mail]\ngreeting = "{name:>9999999}"', "de.mail.greeting has a place"),
    "braces": ('[texts.de.mail]\ngreeting = "{name"', "de.mail.greeting has braces that do not match"),
    "length": (f'[texts.de.mail]\nclosing = "{"x" * 501}"', "de.mail.closing must not be longer than 500 characters"),
    "language": ('[texts.Deutsch.mail]\nclosing = "x"', "'Deutsch' is no ISO 639-1 code"),
    "two lines": ('[texts.de.mail]\nclosing = "x\\ny"', "de.mail.closing must be one line"),
    "no glyph": ('[texts.de.mail]\nclosing = "北"', "such as Noto Sans CJK"),
    "block": (
        '[blocks.de]\nclosing_text = "{{ iban }}"',
        "blocks: Value error, de.closing_text: line 1: 'iban' is not",
    ),
    "glyph of a block": (
        '[blocks.de]\nclosing_text = "{% if due %}北{% endif %}"',
        "de.closing_text: has characters no",
    ),
    "tab in a block": ('[blocks.de]\nclosing_text = "a\\tb"', "de.closing_text: must be one line"),
}


@pytest.mark.parametrize(("added", "named"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_texts_and_blocks_is_named_when_the_file_is_loaded(
    tmp_path: Path, added: str, named: str
) -> None:
    with pytest.raises(InvalidMerchantFile) as caught:
        _loaded(tmp_path, added)
    assert named in str(caught.value)


def test_a_seller_our_fonts_cannot_print_is_found_before_anybody_buys(tmp_path: Path) -> None:
    (tmp_path / "meridian.svg").write_text(_MERIDIAN.with_suffix(".svg").read_text())
    file = tmp_path / "meridian.toml"
    file.write_text(_MERIDIAN.read_text().replace("Meridian Werkstatt GmbH", "北極光"), encoding="utf-8")
    with pytest.raises(InvalidMerchantFile, match="seller and display name: has characters no font can draw"):
        load(file, FontLibrary())


MAILED = {
    "de": ("Ihre Rechnung", "Ihre Anzahlungsrechnung", "Ihre Rechnungskorrektur", "Ihre Stornorechnung"),
    "en": ("Your invoice", "Your deposit invoice", "Your credit note", "Cancelation"),
    "fr": ("Votre facture", "Votre facture d’acompte", "Votre avoir", "Annulation"),
}


@pytest.mark.parametrize("language", MAILED)
def test_the_mail_of_every_kind_has_its_subject_and_says_what_it_is_about(language: str) -> None:
    kinds = (an_invoice, a_deposit, a_credit_note, a_cancelation)
    for made, subject in zip(kinds, MAILED[language], strict=True):
        invoice = made(language=language)
        mail = MailWriter().write(invoice)
        assert mail.subject.startswith(f"{subject} {invoice.number} ")
        assert "mail" not in re.sub("e-mail|@[a-z.-]+", "", mail.text.lower())
        about = "RE-2026-004100" if invoice.particulars.corrects else "SO-88213"
        assert about in mail.text.split("\n\n")[1]
        assert f'lang="{language}"' in mail.html


def test_a_mail_about_money_given_back_asks_for_none() -> None:
    assert "offen" not in MailWriter().write(a_credit_note()).text
    assert "500,00" not in MailWriter().write(a_deposit()).subject
    assert "es sind noch 595,00\xa0€ offen" in MailWriter().write(a_deposit()).text


def test_the_merchants_texts_are_in_the_mail_too() -> None:
    branding = replace(MERCHANT.branding, texts={"de": {"mail.closing": "Ihr Meridian-Team"}})
    assert "Ihr Meridian-Team\nMeridian Werkstatt GmbH" in MailWriter().write(an_invoice(branding=branding)).text
