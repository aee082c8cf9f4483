"""What a document cannot be written without is found before it takes a number."""

from dataclasses import replace
from typing import Any

import pytest

from domain.e_invoices import broken
from domain.invoices import Draft, InvoiceKind, Particulars
from tests.documents.every_kind import AUTHORITY, KINDS
from tests.documents.invoices import BUYER, MERCHANT, a_line, an_invoice

SELLER = MERCHANT.seller


def _draft(**changes: Any) -> Draft:
    draft = Draft(kind=InvoiceKind.INVOICE, language="de", order_number="SO-1", buyer=BUYER, cart=an_invoice().cart)
    return replace(draft, **changes)


@pytest.mark.parametrize("name", KINDS)
def test_a_sound_draft_of_every_kind_has_no_violations(name: str) -> None:
    invoice = KINDS[name]
    draft = _draft(kind=invoice.kind, buyer=invoice.buyer, cart=invoice.cart, particulars=invoice.particulars)
    assert broken(draft, invoice.seller) == ()


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\r", "\x80", "\ud800", "\ufffe", "\uffff"])
@pytest.mark.parametrize("place", ["buyer", "line", "note", "seller"])
def test_a_character_xml_cannot_carry_is_found_wherever_it_is_and_not_repeated(place: str, character: str) -> None:
    text = f"geheim{character}"
    line = replace(an_invoice().cart.lines[0], name=text)
    draft, seller = {
        "buyer": (_draft(buyer=replace(BUYER, address=replace(BUYER.address, city=text))), SELLER),
        "line": (_draft(cart=replace(an_invoice().cart, lines=(line,))), SELLER),
        "note": (_draft(particulars=Particulars(notes=("gut", text))), SELLER),
        "seller": (_draft(), replace(SELLER, managing_directors=text)),
    }[place]
    where = {
        "buyer": "/buyer/address/city",
        "line": "/cart/lines/0/name",
        "note": "/particulars/notes/1",
        "seller": "/seller/managing_directors",
    }[place]
    (found,) = broken(draft, seller)
    assert (found.rule, found.field) == ("XML", where)
    assert "geheim" not in found.message


def test_lines_of_a_note_are_no_violation() -> None:
    assert broken(_draft(particulars=Particulars(notes=("eins\nzwei\tdrei",))), SELLER) == ()


@pytest.mark.parametrize("phone", [None, "auf Anfrage", "0-1"])
def test_an_xrechnung_needs_the_sellers_telephone_number(phone: str | None) -> None:
    (found,) = broken(_draft(buyer=AUTHORITY), replace(SELLER, phone=phone))
    assert found.rule == "BR-DE-6"
    assert broken(_draft(), replace(SELLER, phone=phone)) == ()


def test_an_xrechnung_needs_a_currency_with_two_decimals() -> None:
    yen = an_invoice(currency="JPY", lines=(a_line("Lampe", "12900"),)).cart
    (found,) = broken(_draft(buyer=AUTHORITY, cart=yen), SELLER)
    assert found.rule == "PEPPOL-EN16931-R120"
