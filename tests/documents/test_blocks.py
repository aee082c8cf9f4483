"""Blocks of a merchant's own: what they may hold, where they are shown, and that they cannot fail later."""

from dataclasses import replace

import pytest

from adapters.documents import page
from adapters.documents.blocks import PLACES, VALUES, UnsafeBlock, checked, filled, printed
from domain.invoices import Invoice, Particulars
from tests.documents.invoices import BUYER, MERCHANT, an_invoice
from tests.documents.kinds import a_credit_note, a_final_invoice

_FULL = dict.fromkeys(VALUES, "<v>")
_EMPTY = dict.fromkeys(VALUES, "")

GOOD = {
    "text": ("Danke!", "Danke!"),
    "tags": ("<p>Ein <b>Wort</b><br>zwei</p><ul><li>x</li></ul>", "<p>Ein <b>Wort</b><br>zwei</p><ul><li>x</li></ul>"),
    "value": ("Nr. {{ number }}", "Nr. &lt;v&gt;"),
    "condition": ("{% if due %}offen{% elif kind == 'x' %}x{% else %}bezahlt{% endif %}", "offen"),
    "tags within a branch": ("{% if due %}<p>offen</p>{% endif %}", "<p>offen</p>"),
    "choice": ("{{ 'a' if total and not due else 'b' ~ total }}", "b&lt;v&gt;"),
    "references": ("a &lt; b &amp; c&nbsp;d", "a &lt; b &amp; c&nbsp;d"),
    "markup in a text": ("{{ '<b>' }}", "&lt;b&gt;"),
}


@pytest.mark.parametrize(("source", "text"), GOOD.values(), ids=GOOD.keys())
def test_text_with_a_few_tags_values_and_conditions_is_let_through(source: str, text: str) -> None:
    blocks = {"de": {"closing_text": checked("closing_text", source)}}
    assert filled(blocks, ["de"], _FULL)["closing_text"] == text
    assert filled(blocks, ["de"], _EMPTY).keys() == PLACES.keys()


BAD = {
    "unclosed brace": ("{{ number", "line 1: unexpected end of template"),
    "unknown value": ("\n{{ iban }}", "line 2: 'iban' is not known"),
    "attribute": ("{{ number.__class__ }}", "getattr is not allowed"),
    "item": ("{{ number[0] }}", "getitem is not allowed"),
    "call": ("{{ number() }}", "call is not allowed"),
    "filter": ("{{ number|upper }}", "filter is not allowed"),
    "test": ("{{ number is defined }}", "test is not allowed"),
    "loop": ("{% for a in number %}{% endfor %}", "for is not allowed"),
    "arithmetic": ("{{ number * 5 }}", "mul is not allowed"),
    "order": ("{{ number < 5 }}", "compared by == and != only"),
    "assignment": ("{% set number = 1 %}", "assign is not allowed"),
    "include": ("{% include 'x' %}", "include is not allowed"),
    "macro": ("{% macro a() %}{% endmacro %}", "macro is not allowed"),
    "image": ("<img src='https://tracker.example/x.png'>", "a < that is no allowed tag"),
    "link": ('<a href="https://example.org">x</a>', "a < that is no allowed tag"),
    "script": ("{% raw %}<script>{% endraw %}", "<script> is not allowed"),
    "attribute of a tag": ('<p style="color: red">x</p>', "a < that is no allowed tag"),
    "comment": ("<!-- x -->", "a < that is no allowed tag"),
    "stray ampersand": ("Holz & Co", "a & must be written as &amp;"),
    "numeric reference": ("&#x5317;", "a & must be written as &amp;"),
    "unclosed tag": ("<b>x", "<b> is not closed where it was opened"),
    "crossed tags": ("<p><b>x</p></b>", "</p> closes what is not open"),
    "tag closed in a branch": ("<p>{% if due %}</p>{% endif %}", "</p> closes what is not open"),
    "nesting": ("{% if due %}" * 40 + "{% endif %}" * 40, "nested too deeply"),
    "parentheses": ("{{ " + "(" * 1500 + "due" + ")" * 1500 + " }}", "nested too deeply"),
    "length": ("x" * 4001, "longer than 4000 characters"),
}


@pytest.mark.parametrize(("source", "problem"), BAD.values(), ids=BAD.keys())
def test_all_else_is_refused_with_what_must_go(source: str, problem: str) -> None:
    with pytest.raises(UnsafeBlock) as caught:
        checked("closing_text", source)
    assert problem in str(caught.value)


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnsafeBlock, match="only header_note, closing_text, footer_text"):
        checked("sidebar", "x")


def test_all_that_a_block_may_print_is_known_before_it_is_filled() -> None:
    assert set("abcd") <= set(printed("a{% if due %}b{% else %}{{ 'c' if total else 'd' }}{% endif %}"))


def _with_blocks(invoice: Invoice, **languages: dict[str, str]) -> Invoice:
    return replace(invoice, branding=replace(MERCHANT.branding, blocks=languages))


def test_every_place_is_shown_once_with_the_values_of_the_document() -> None:
    blocks = {
        "header_note": "<p>Auftrag {{ order }}</p>",
        "closing_text": "{{ kind }} {{ number }} vom {{ date }} an {{ company }}, {{ buyer }}: {{ total }}",
        "footer_text": "Kunde {{ customer_number }}",
    }
    text = page.write(_with_blocks(an_invoice(buyer=replace(BUYER, name="<Jana>")), de=blocks)).replace("\xa0", " ")
    for shown in (
        "<p>Auftrag SO-88213</p>",
        "invoice RE-2026-004217 vom 23. November 2026 an Atelier Nordlicht GmbH, &lt;Jana&gt;: 1.646,01 €",
        "Kunde K-10438",
    ):
        assert text.count(shown) == 1


@pytest.mark.parametrize(
    ("invoice", "text"),
    [
        (an_invoice(), "[invoice|||]"),
        (a_final_invoice(), "[final_invoice|944,01 €||]"),
        (a_credit_note(), "[credit_note|||RE-2026-004100]"),
        (an_invoice(paid=False, particulars=Particulars(due_on=an_invoice().issued_on)), "[invoice|1.646,01 €|23."),
    ],
)
def test_what_a_document_does_not_have_is_empty(invoice: Invoice, text: str) -> None:
    block = "[{{ kind }}|{{ due }}|{{ due_date }}|{{ corrects }}]"
    assert text in page.write(_with_blocks(invoice, de={"closing_text": block})).replace("\xa0", " ")


def test_a_language_without_a_block_takes_the_english_one() -> None:
    blocks = {"en": {"closing_text": "Thanks!", "header_note": "Hello!"}, "fr": {"closing_text": "Merci !"}}
    french = page.write(_with_blocks(an_invoice(language="fr"), **blocks))
    assert "Merci !" in french
    assert "Hello!" in french
    assert "Thanks!" not in french
