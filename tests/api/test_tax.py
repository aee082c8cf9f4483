"""Tax by HTTP: what a shop may state, what is resolved for it, and what is refused before anybody pays."""

from dataclasses import replace
from typing import Any

import pytest

from domain.vat_ids import VatIdStatus
from tests.api.conftest import Stage
from tests.checkout_bodies import good_body, put

BUSINESS: dict[str, Any] = {
    "/customer/vat_id": "ATU13585627",
    "/customer/address/country": "AT",
    "/customer/address/postal_code": "1010",
    "/customer/address/city": "Wien",
    "/prices": "net",
    "/total": None,
    "/discounts": [],
    "/lines/0/tax_category": "S",
    "/lines/0/tax_rate": None,
    "/lines/0/tax_class": "standard",
}


STATED_K: dict[str, Any] = {"/lines/0/tax_class": None, "/lines/0/tax_category": "K"}
STATED_O: dict[str, Any] = {"/lines/0/tax_class": None, "/lines/0/tax_category": "O"}


def a_business(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    return put(BUSINESS | (changes or {}))(good_body())


async def refused(stage: Stage, body: dict[str, Any]) -> dict[str, str]:
    answer = await stage.post(body)
    assert answer.status_code == 422, answer.text
    assert stage.runs.opened == []
    return {error["pointer"]: error["message"] for error in answer.json()["errors"]}


async def test_goods_for_a_business_abroad_are_free_of_tax_and_the_checkout_says_why(stage: Stage) -> None:
    checkout = (await stage.post(a_business())).json()

    assert checkout["total"] == "849.00"
    assert checkout["tax"]["lines"] == [
        {"position": 1, "tax_category": "K", "tax_rate": "0", "tax_rule": "intra_community"}
    ]
    [subtotal] = checkout["tax"]["subtotals"]
    assert (subtotal["tax"], subtotal["exemption_code"]) == ("0.00", "VATEX-EU-IC")
    assert checkout["tax"]["vat_id"]["status"] == "valid"
    assert checkout["tax"]["vat_id"]["request_id"]
    assert stage.register.asked == [("ATU13585627", "DE123456788")]


async def test_a_register_that_is_down_stops_nobody(stage: Stage) -> None:
    stage.register.down.add("ATU13585627")

    checkout = (await stage.post(a_business())).json()

    assert checkout["total"] == "849.00"
    assert checkout["tax"]["vat_id"] == {"status": VatIdStatus.UNVERIFIED, "request_id": None, "answered_at": None}


async def test_an_id_the_register_does_not_know_makes_the_buyer_pay_tax(stage: Stage) -> None:
    stage.register.unknown.add("ATU13585627")

    checkout = (await stage.post(a_business())).json()

    assert (checkout["total"], checkout["tax"]["lines"][0]["tax_rule"]) == ("1010.31", "domestic")


async def test_a_total_without_the_tax_that_is_due_after_all_is_refused_with_both_amounts(stage: Stage) -> None:
    stage.register.unknown.add("ATU13585627")

    errors = await refused(stage, a_business({"/total": "849.00"}))

    assert errors == {"/total": "is 849.00 EUR, but the lines give 1010.31 EUR"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"/prices": "gross"}, "/prices"),
        ({"/customer/vat_id": "ATU13585628"}, "/customer/vat_id"),
        (STATED_K | {"/customer/vat_id": None}, "/customer/vat_id"),
        (STATED_K | {"/customer/address/country": "DE"}, "/customer/address/country"),
        (STATED_O | {"/charges": [{"name": "Versand", "amount": "4.90", "tax_rate": "19"}]}, "/lines"),
    ],
    ids=["gross prices", "wrong check digit", "no VAT id", "goods stay at home", "outside the scope beside taxed"],
)
async def test_what_no_invoice_could_say_is_refused_at_its_place(
    stage: Stage, changes: dict[str, Any], pointer: str
) -> None:
    assert set(await refused(stage, a_business(changes))) == {pointer}


async def test_the_register_is_not_asked_where_the_id_decides_nothing(stage: Stage) -> None:
    stated = put({"/customer/vat_id": "ATU13585627"})(good_body())
    wrong = a_business({"/customer/vat_id": "ATU13585628"})

    assert (await stage.post(stated)).json()["tax"]["vat_id"] is None
    await stage.post(wrong)

    assert stage.register.asked == []


async def test_an_accepted_checkout_is_answered_again_without_asking_again(stage: Stage) -> None:
    body = a_business()
    first = (await stage.post(body)).json()
    stage.register.unknown.add("ATU13585627")

    again = await stage.post(body)

    assert (again.status_code, again.json()["id"], again.json()["total"]) == (200, first["id"], "849.00")
    assert len(stage.register.asked) == 1


async def test_discounts_and_charges_of_lines_and_cart_make_the_total(stage: Stage) -> None:
    body = good_body() | {
        "total": "905.40",
        "charges": [{"name": "Versand", "amount": "4.90", "tax_rate": "19"}],
        "discounts": [{"name": "Sommer", "amount": "10.00"}],
    }
    body["lines"] = [
        body["lines"][0]
        | {"discounts": [{"name": "Messe", "amount": "49.00"}], "charges": [{"name": "Montage", "amount": "110.50"}]}
    ]

    assert (await stage.post(body)).json()["total"] == "905.40"


async def test_a_merchant_without_vat_id_cannot_sell_by_reverse_charge(stage: Stage) -> None:
    nordwerk = stage.world.merchants["nordwerk"]
    small = replace(nordwerk.seller, vat_id=None, tax_number="20/123/45678")
    stage.world.merchants["nordwerk"] = replace(nordwerk, seller=small)

    assert set(await refused(stage, a_business())) == {"/lines/0/tax_class"}
