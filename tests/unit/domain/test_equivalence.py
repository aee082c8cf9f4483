from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.equivalence import differences, fingerprint
from tests.checkout_bodies import Body, good_body, put, request_of

ACCEPTED = request_of(good_body())

SAME: dict[str, list[dict[str, Any]]] = {
    "numbers written differently": [
        {"/lines/0/unit_price": "849"},
        {"/lines/0/unit_price": "849.0"},
        {"/lines/0/quantity": "1.000"},
        {"/lines/0/tax_rate": "19.00"},
        {"/discounts/0/amount": "10"},
    ],
    "fields that came later, at their defaults": [
        {"/charges": [], "/lines/0/charges": [], "/lines/0/discounts": []},
        {"/lines/0/supply": "goods", "/lines/0/tax_class": None, "/lines/0/exemption_code": None},
    ],
    "a total that is not given": [{"/total": None}, {"/total": "839"}],
    "defaults that are given": [{"/customer/number": None}, {"/expires_in_seconds": 604800}],
    "metadata in another order": [{"/metadata": {"cart": "c-1"}}],
}

DIFFERENT: dict[str, Any] = {
    "/currency": "USD",
    "/prices": "net",
    "/customer/name": "Jan Köhler",
    "/customer/company": None,
    "/customer/email": "jana@example.com",
    "/customer/language": "en",
    "/customer/vat_id": "DE123456789",
    "/customer/number": "K-1",
    "/customer/electronic_address": {"scheme": "9930", "id": "DE123456788"},
    "/customer/leitweg_id": "04011000-12345-03",
    "/customer/buyer_reference": "Abteilung 7",
    "/customer/address/line2": "Hof",
    "/customer/address/country": "AT",
    "/lines/0/sku": None,
    "/lines/0/quantity": "2",
    "/lines/0/unit": "HUR",
    "/lines/0/unit_price": "849.01",
    "/lines/0/tax_category": "Z",
    "/lines/0/tax_rate": "1.9",
    "/lines/0/tax_class": "standard",
    "/lines/0/supply": "service",
    "/lines/0/exemption_code": "VATEX-EU-132",
    "/lines/0/exemption_reason": "weil",
    "/discounts/0/name": "Winter",
    "/discounts/0/amount": "1.00",
    "/redirects": None,
    "/redirects/success": "https://shop.example/thanks",
    "/redirects/pending": "https://shop.example/pending",
    "/capture": "manual",
    "/expires_in_seconds": 3600,
    "/metadata/cart": "c-2",
    "/metadata/other": "x",
}


@pytest.mark.parametrize("changes", [change for changes in SAME.values() for change in changes], ids=str)
def test_a_request_that_means_the_same_has_no_differences(changes: dict[str, Any]) -> None:
    received = request_of(put(changes)(good_body()))
    assert differences(ACCEPTED, received) == ()
    assert fingerprint(ACCEPTED) == fingerprint(received)


@pytest.mark.parametrize("pointer", DIFFERENT)
def test_a_changed_field_is_named_with_both_values(pointer: str) -> None:
    received = request_of(put({pointer: DIFFERENT[pointer]})(good_body()))
    (difference,) = differences(ACCEPTED, received)
    assert difference.pointer == pointer
    assert difference.received == DIFFERENT[pointer]
    assert difference.accepted != difference.received
    assert fingerprint(ACCEPTED) != fingerprint(received)


def test_what_is_left_out_means_its_default() -> None:
    body = good_body()
    spelled_out = put({"/redirects": None, "/discounts": [], "/metadata": {}, "/lines/0/sku": None})(body)
    left_out = deepcopy(spelled_out)
    for name in ("redirects", "discounts", "metadata", "expires_in_seconds", "total"):
        del left_out[name]
    for name in ("sku", "unit", "tax_category"):
        del left_out["lines"][0][name]
    assert differences(request_of(spelled_out), request_of(left_out)) == ()
    assert fingerprint(request_of(spelled_out)) == fingerprint(request_of(left_out))


def test_values_are_told_as_they_were_sent() -> None:
    received = request_of(put({"/lines/0/unit_price": "850"})(good_body()))
    (difference,) = differences(ACCEPTED, received)
    assert (difference.accepted, difference.received) == ("849.00", "850")


def test_missing_and_additional_lines_are_one_difference_each() -> None:
    body = good_body()
    longer = request_of(body | {"lines": [*body["lines"], body["lines"][0], body["lines"][0]]})
    added = differences(ACCEPTED, longer)
    assert [(item.pointer, item.accepted is None, item.received is None) for item in added] == [
        ("/lines/1", True, False),
        ("/lines/2", True, False),
    ]
    removed = differences(longer, ACCEPTED)
    assert [(item.pointer, item.accepted is None, item.received is None) for item in removed] == [
        ("/lines/1", False, True),
        ("/lines/2", False, True),
    ]


def test_the_first_discount_and_the_first_metadata_are_named_one_by_one() -> None:
    plain = request_of(put({"/discounts": [], "/metadata": {}})(good_body()))
    assert [item.pointer for item in differences(plain, ACCEPTED)] == ["/discounts/0", "/metadata/cart"]


def test_the_order_of_lines_counts() -> None:
    body = good_body()
    two = [body["lines"][0], body["lines"][0] | {"name": "Stuhl"}]
    swapped = differences(request_of(body | {"lines": two}), request_of(body | {"lines": two[::-1]}))
    assert [item.pointer for item in swapped] == ["/lines/0/name", "/lines/1/name"]


def test_metadata_keys_are_escaped_in_pointers() -> None:
    one, other = ({"/metadata": {"a/b~c": value}} for value in ("1", "2"))
    found = differences(request_of(put(one)(good_body())), request_of(put(other)(good_body())))
    assert [item.pointer for item in found] == ["/metadata/a~1b~0c"]


def test_fingerprints_stay_what_they_were() -> None:
    """They are kept for ever: a change here makes every stored one wrong."""
    assert fingerprint(ACCEPTED) == "7ef095a41b71496d0fa55af2447206cb6e8a4d13394404e9fde5cd2731581e02"


def _changed_bodies() -> st.SearchStrategy[Body]:
    numbers = st.sampled_from(["1", "1.0", "1.00", "10", "10.00", "0.1", "0.10", "100"])
    words = st.sampled_from(["a", "b", "1", "1.0"])
    maybe_words = st.none() | words
    changes = st.fixed_dictionaries(
        {},
        optional={
            "/total": st.none() | numbers,
            "/currency": words,
            "/prices": st.sampled_from(["net", "gross"]),
            "/customer/name": words,
            "/customer/company": maybe_words,
            "/customer/number": maybe_words,
            "/customer/language": st.sampled_from(["de", "en"]),
            "/lines": st.lists(
                st.builds(
                    lambda name, sku, quantity, price, rate: {
                        "name": name,
                        "sku": sku,
                        "quantity": quantity,
                        "unit_price": price,
                        "tax_rate": rate,
                    },
                    words,
                    maybe_words,
                    numbers,
                    numbers,
                    numbers,
                ),
                max_size=2,
            ),
            "/discounts": st.lists(st.builds(lambda amount: {"name": "x", "amount": amount}, numbers), max_size=2),
            "/redirects": st.none() | st.just(good_body()["redirects"]),
            "/expires_in_seconds": st.sampled_from([3600, 604800]),
            "/metadata": st.dictionaries(words, words, max_size=2),
        },
    )
    return changes.map(lambda chosen: put(chosen)(good_body()))


@settings(max_examples=500)
@given(_changed_bodies(), _changed_bodies())
def test_equal_fingerprints_and_no_differences_are_the_same_thing(one: Body, other: Body) -> None:
    left, right = request_of(one), request_of(other)
    found = differences(left, right)
    assert (found == ()) == (fingerprint(left) == fingerprint(right))
    mirrored = differences(right, left)
    assert {(item.pointer, repr(item.accepted), repr(item.received)) for item in found} == {
        (item.pointer, repr(item.received), repr(item.accepted)) for item in mirrored
    }
