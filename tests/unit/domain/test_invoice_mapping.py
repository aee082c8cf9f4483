"""What of an order an invoice says: by the merchant's mapping, and in the order of precedence."""

from dataclasses import replace
from datetime import date

import pytest

from domain.billing import fill
from domain.checkout import CheckoutRequest
from domain.errors import InvalidInput
from domain.invoice_mapping import InvoiceFields, InvoiceMapping, mapped_texts, mapping_problems, resolve
from domain.invoices import Particulars
from domain.pricing import CheckoutRules, price_checkout
from tests.checkout_bodies import good_body, request_of

RULES = CheckoutRules(redirect_origins=("https://shop.example",))


def order(number: str | None = None, **metadata: str) -> CheckoutRequest:
    """A purchase with this customer number and metadata."""
    request = request_of(good_body() | {"metadata": metadata})
    return replace(request, customer=replace(request.customer, number=number))


MAPPING = InvoiceMapping(
    sources={"purchase_order": ("metadata.po", "metadata.po_number"), "notes": ("metadata.note", "metadata.gift")},
    customers={"K-1": {"purchase_order": "PO of K-1", "notes": "note for K-1"}},
    defaults={"purchase_order": "PO of all", "notes": "note for all", "buyer_reference": "reference of all"},
)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (order("K-1", po="1", po_number="2"), "1"),
        (order("K-1", po_number="2"), "2"),
        (order("K-1", po=" ", po_number="2"), "2"),
        (order("K-1"), "PO of K-1"),
        (order("K-2"), "PO of all"),
        (order(), "PO of all"),
    ],
    ids=["first source", "second source", "blank is nothing", "customer", "other customer", "no customer number"],
)
def test_order_wins_over_customer_wins_over_merchant(request_: CheckoutRequest, expected: str) -> None:
    assert resolve(MAPPING, request_).purchase_order == expected


def test_where_nobody_says_anything_there_is_nothing() -> None:
    assert resolve(InvoiceMapping(), order()) == InvoiceFields(language="de")


def test_all_notes_of_one_level_are_taken_and_each_once() -> None:
    assert resolve(MAPPING, order(note="a", gift="b")).notes == ("a", "b")
    assert resolve(MAPPING, order(note="a", gift="a")).notes == ("a",)
    assert resolve(MAPPING, order("K-1")).notes == ("note for K-1",)


def test_what_is_set_is_never_overwritten() -> None:
    fields = resolve(MAPPING, order(po="4711", note="mapped"))
    given = Particulars(purchase_order="set", notes=("set",))

    filled = fill(given, fields)

    assert (filled.purchase_order, filled.notes) == ("set", ("set",))
    assert filled.buyer_reference == "reference of all"


def test_language_is_the_customers_own_unless_a_source_is_named() -> None:
    mapping = InvoiceMapping(sources={"language": ("metadata.language",)}, defaults={"language": "en"})
    assert resolve(InvoiceMapping(defaults={"language": "en"}), order()).language == "de"
    assert resolve(mapping, order(language="fr")).language == "fr"
    assert resolve(mapping, order()).language == "en"


def test_days_are_read_and_a_period_needs_both_ends_in_order() -> None:
    names = ("service_date", "service_start", "service_end")
    mapping = InvoiceMapping(sources={name: (f"metadata.{name}",) for name in names})
    full = resolve(mapping, order(service_date="2026-11-30", service_start="2026-11-01", service_end="2026-11-30"))
    assert full.service_date == full.service_end == date(2026, 11, 30)
    assert full.service_start == date(2026, 11, 1)
    for broken in ({"service_start": "2026-11-01"}, {"service_start": "2026-11-02", "service_end": "2026-11-01"}):
        assert resolve(mapping, order(**broken)) == InvoiceFields(language="de")


def test_sources_may_be_fields_of_the_checkout() -> None:
    mapping = InvoiceMapping(sources={"buyer_reference": ("customer.number",), "notes": ("assignment_key",)})
    fields = resolve(mapping, order("K-7"))
    assert (fields.buyer_reference, fields.notes) == ("K-7", ("SO-88213",))


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (InvoiceMapping(sources={"colour": ("metadata.x",)}), "sources.colour: there is no such field"),
        (InvoiceMapping(sources={"notes": ("metadata.",)}), "is no place of an order"),
        (InvoiceMapping(sources={"notes": ("customer.shoe_size",)}), "'customer.shoe_size' is no place"),
        (InvoiceMapping(defaults={"service_date": "soon"}), "defaults.service_date must be a day such as"),
        (InvoiceMapping(defaults={"language": "deutsch"}), "defaults.language must be an ISO 639-1 code"),
        (InvoiceMapping(defaults={"notes": ""}), "defaults.notes must not be empty"),
        (InvoiceMapping(customers={"K-1": {"colour": "x"}}), "customers.K-1.colour: there is no such field"),
        (InvoiceMapping(customers={"K-1": {"notes": "x" * 501}}), "customers.K-1.notes must not be longer"),
    ],
)
def test_wrong_mapping_is_named_with_its_place(mapping: InvoiceMapping, words: str) -> None:
    [problem] = mapping_problems(mapping)
    assert words in problem


def test_sound_mapping_has_no_problem() -> None:
    assert list(mapping_problems(MAPPING)) == []


def test_order_that_says_what_its_invoice_cannot_is_refused_before_anybody_pays() -> None:
    mapping = InvoiceMapping(
        sources={"service_date": ("metadata.day/of",), "notes": ("metadata.note",), "purchase_order": ("metadata.po",)}
    )
    rules = replace(RULES, invoice_mapping=mapping)
    price_checkout(order(po="4711", note="fine", **{"day/of": "2026-11-30"}), rules)

    with pytest.raises(InvalidInput) as refused:
        price_checkout(order(po="x" * 101, note="fine", **{"day/of": "30.11."}), rules)

    assert {violation.pointer for violation in refused.value.violations} == {"/metadata/day~1of", "/metadata/po"}
    assert "it becomes the invoice's service_date" in refused.value.violations[0].message


def test_texts_that_will_be_printed_are_known_by_their_pointers() -> None:
    printed = dict(mapped_texts(MAPPING, order(po="4711", other="never printed")))
    assert printed == {"/metadata/po": "4711"}
