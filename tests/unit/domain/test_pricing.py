from dataclasses import replace
from decimal import Decimal
from time import process_time
from typing import Any

import pytest

from domain.cart import PricedCart
from domain.checkout import CheckoutRequest, PriceMode
from domain.errors import InvalidInput
from domain.pricing import CheckoutRules, price_checkout, printed_texts
from domain.tax import TaxSituation
from domain.tax_settings import TaxSettings
from tests.carts import ISSUED_ON, SELLER
from tests.checkout_bodies import good_body, put, request_of

RULES = CheckoutRules(redirect_origins=("https://shop.example",))


def priced(changes: dict[str, Any]) -> PricedCart:
    return price_checkout(request_of(put(changes)(good_body())), RULES)


def mistakes(request: CheckoutRequest) -> list[str]:
    try:
        price_checkout(request, RULES)
    except InvalidInput as refused:
        return [violation.pointer for violation in refused.violations]
    return []


def test_the_contracts_checkout_is_priced() -> None:
    cart = priced({})
    assert (cart.currency, cart.prices, cart.totals.grand_total) == ("EUR", PriceMode.GROSS, 83900)
    assert (cart.lines[0].sku, cart.lines[0].name, cart.lines[0].quantity) == ("MW-1042", "Schreibtisch", Decimal(1))
    assert (cart.discounts[0].name, cart.discounts[0].amount) == ("Sommer", 1000)


@pytest.mark.parametrize(
    "changes",
    [
        {"/total": None},
        {"/total": "839"},
        {"/total": "839.0"},
        {"/assignment_key": "k" * 100},
        {"/assignment_key": "9:a_b.c-d"},
        {"/redirects": None},
        {"/metadata": {}},
        {"/metadata": {f"k{n}": "v" * 500 for n in range(20)}},
        {"/metadata": {"empty": "", "order/line": "1", "ean": "4006381333931"}},
        {"/expires_in_seconds": 1800},
        {"/expires_in_seconds": 30 * 24 * 3600},
        {"/customer/vat_id": "DE123456789"},
        {"/customer/number": "K-4711"},
        {"/customer/electronic_address": {"scheme": "9930", "id": "DE123456788"}},
        {"/customer/leitweg_id": "04011000-12345-03"},
        {"/customer/buyer_reference": "Abteilung 7"},
        {"/customer/company": None},
        {"/lines/0/sku": "4242424242424242"},
        {"/lines/0/name": "Tisch 160 x 80 cm, „Eiche“"},
        {"/lines/0/unit": "HUR"},
        {"/prices": "net", "/total": "998.41"},
        {"/lines/0/tax_category": "Z", "/lines/0/tax_rate": "0"},
        {"/lines/0/tax_rate": "8.1", "/total": "839.00"},
        {"/lines/0/quantity": "999999.9999", "/total": None},
    ],
    ids=str,
)
def test_sound_checkouts_are_taken(changes: dict[str, Any]) -> None:
    assert priced(changes).totals.grand_total > 0


def test_a_leitweg_id_is_refused_where_no_xrechnung_can_be_written() -> None:
    rules = CheckoutRules(redirect_origins=RULES.redirect_origins, writes_xrechnung=False)
    body = put({"/customer/leitweg_id": "04011000-12345-03"})(good_body())
    with pytest.raises(InvalidInput, match="/customer/leitweg_id: needs a seller with a telephone number"):
        price_checkout(request_of(body), rules)


def test_a_callers_plain_text_for_the_price_mode_is_taken_as_the_mode() -> None:
    assert priced({"/prices": "gross"}).prices is PriceMode.GROSS


def test_a_wrong_total_is_named_beside_the_right_one() -> None:
    with pytest.raises(InvalidInput, match=r"/total: is 839\.01 EUR, but the lines give 839\.00 EUR"):
        priced({"/total": "839.01"})


def test_redirects_to_this_machine_are_for_the_sandbox() -> None:
    body = put({"/redirects/success": "http://127.0.0.1:8080/ok"})(good_body())
    sandbox = CheckoutRules(redirect_origins=RULES.redirect_origins, allow_local_redirects=True)
    assert price_checkout(request_of(body), sandbox).totals.grand_total == 83900
    with pytest.raises(InvalidInput):
        price_checkout(request_of(body), RULES)


@pytest.mark.parametrize(
    "value", [None, 1, 8.5, True, "", "x", b"x", [], {}, (None,), [1], {"a": 1}, Exception()], ids=repr
)
@pytest.mark.parametrize(
    "pointer",
    [
        "assignment_key",
        "currency",
        "prices",
        "customer",
        "lines",
        "discounts",
        "redirects",
        "metadata",
        "total",
        "expires_in_seconds",
        "customer/address",
        "customer/email",
        "customer/name",
        "lines/0",
        "lines/0/unit",
        "lines/0/quantity",
        "lines/0/unit_price",
        "lines/0/tax_rate",
        "lines/0/tax_category",
        "discounts/0",
    ],
)
def test_no_wrong_type_escapes_as_another_exception(pointer: str, value: object) -> None:
    pointers = mistakes(request_of(put({f"/{pointer}": value})(good_body())))
    assert all(found.startswith((f"/{pointer}", "/total")) for found in pointers)


def test_ten_times_the_lines_take_ten_times_as_long_to_price_and_not_a_hundred_times() -> None:
    few, many = (min(_seconds(_of_lines(count)) for _ in range(3)) for count in (100, 1000))
    assert many < 30 * few


def _of_lines(count: int) -> CheckoutRequest:
    """Long texts, odd quantities and several rates."""
    body = put({"/total": None})(good_body())
    rates = ["19", "7", "5.5", "20"]
    body["lines"] = [
        body["lines"][0]
        | {
            "description": "Eiche massiv, geölt, " * 40,
            "quantity": f"{n}.{n:04}",
            "unit_price": f"{n}.99",
            "tax_rate": rates[n % 4],
        }
        for n in range(1, count + 1)
    ]
    return request_of(body)


def test_every_text_that_is_printed_is_named_with_its_pointer() -> None:
    more = {
        "/customer/number": "K-1",
        "/charges": [{"name": "Versand", "amount": "4.90"}],
        "/lines/0/discounts": [{"name": "Messe", "amount": "1.00"}],
        "/lines/0/exemption_reason": "weil",
    }
    texts = dict(printed_texts(request_of(put(more)(good_body()))))
    assert texts == {
        "/assignment_key": "SO-88213",
        "/customer/name": "Jana Köhler",
        "/customer/company": "Atelier Nordlicht GmbH",
        "/customer/email": "jana@example.org",
        "/customer/number": "K-1",
        "/customer/address/line1": "Königsstraße 48 b",
        "/customer/address/postal_code": "10961",
        "/customer/address/city": "Berlin",
        "/lines/0/sku": "MW-1042",
        "/lines/0/name": "Schreibtisch",
        "/lines/0/description": "160 x 80 cm",
        "/lines/0/exemption_reason": "weil",
        "/lines/0/discounts/0/name": "Messe",
        "/discounts/0/name": "Sommer",
        "/charges/0/name": "Versand",
    }


def _seconds(request: CheckoutRequest) -> float:
    rules = replace(RULES, tax=TaxSituation(seller=SELLER, settings=TaxSettings(), on=ISSUED_ON))
    start = process_time()
    price_checkout(request, rules)
    return process_time() - start
