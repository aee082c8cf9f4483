"""Purchases without tax, from the POST to the finalized invoice: reverse charge, export, and a VAT id that is none."""

from typing import Any

from sqlalchemy import text

from adapters.postgres.database import sessions
from adapters.postgres.invoices import PostgresInvoiceBook
from domain.cart import PricedCart
from domain.steps import OfInvoice
from sandbox.vies import Answer
from tests.e2e.conftest import fresh_body
from tests.house import House
from workflows.checkout import CheckoutWorkflow

_AUSTRIA = {"line1": "Ring 1", "postal_code": "1010", "city": "Wien", "country": "AT"}
_SWITZERLAND = {"line1": "Gasse 1", "postal_code": "3011", "city": "Bern", "country": "CH"}


def _body(address: dict[str, str], vat_id: str | None, **line: Any) -> dict[str, Any]:
    body = fresh_body(prices="net", total=None, discounts=[])
    body["customer"] = body["customer"] | {"address": address, "vat_id": vat_id}
    body["lines"] = [{"name": "Werkbank", "quantity": "2", "unit_price": "199.995"} | line]
    return body


async def _bought(house: House, body: dict[str, Any]) -> dict[str, Any]:
    checkout = await house.open_checkout(body)
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed", "needs_review")


async def _cart(house: House, done: dict[str, Any]) -> PricedCart:
    """What the finalized invoice says."""
    book = PostgresInvoiceBook(sessions(house.engine))
    step = OfInvoice(merchant_id="meridian", invoice_id=done["invoice"]["id"])
    return (await book.invoice(step)).cart


async def test_service_for_a_business_abroad_is_invoiced_by_reverse_charge(the_house: House) -> None:
    done = await _bought(the_house, _body(_AUSTRIA, "ATU13585627", tax_class="standard", supply="service"))

    assert (done["status"], done["total"], done["invoice"]["total"]) == ("completed", "399.99", "399.99")
    assert done["tax"]["vat_id"]["status"] == "valid"
    cart = await _cart(the_house, done)
    [subtotal] = cart.subtotals
    assert (subtotal.tax_category, subtotal.tax, subtotal.exemption_code) == ("AE", 0, "VATEX-EU-AE")
    assert cart.lines[0].tax_rule == "reverse_charge"
    evidence = await _evidence(the_house, done)
    assert evidence["request_id"].startswith("WAPI")
    assert evidence["answered_at"]


async def test_goods_for_switzerland_are_invoiced_as_an_export(the_house: House) -> None:
    done = await _bought(the_house, _body(_SWITZERLAND, None, tax_class="reduced"))

    assert (done["status"], done["invoice"]["total"]) == ("completed", "399.99")
    cart = await _cart(the_house, done)
    [subtotal] = cart.subtotals
    assert (subtotal.tax_category, subtotal.tax, subtotal.exemption_code) == ("G", 0, "VATEX-EU-G")
    assert (cart.lines[0].tax_rule, done["tax"]["vat_id"]) == ("export", None)


async def test_vat_id_that_is_none_stops_the_invoice_until_a_person_takes_responsibility(the_house: House) -> None:
    vat_id = "ATU25775505"
    the_house.vies.answers[vat_id] = Answer.INVALID

    stopped = await _bought(the_house, _body(_AUSTRIA, vat_id, tax_category="K"))

    assert (stopped["status"], stopped["invoice"], stopped["review"]["reason"]) == (
        "needs_review",
        None,
        "InvalidDraft",
    )
    [problem] = stopped["review"]["problems"]
    assert (problem["rule"], problem["field"]) == ("vat_id_invalid", "/buyer/vat_id")
    told = (await the_house.shop.get(f"/v1/checkouts/{stopped['id']}")).json()["review"]
    assert told == stopped["review"]
    handle = the_house.client.get_workflow_handle(stopped["workflow"]["id"])
    await handle.execute_update(CheckoutWorkflow.resume)
    done = await the_house.reaches(stopped["id"], "completed")
    assert (await _cart(the_house, done)).subtotals[0].exemption_code == "VATEX-EU-IC"


async def test_register_that_is_down_leaves_the_id_unverified_and_the_checkout_goes_on(the_house: House) -> None:
    vat_id = "ATU33864707"
    the_house.vies.answers[vat_id] = Answer.DOWN

    done = await _bought(the_house, _body(_AUSTRIA, vat_id, tax_class="standard"))

    assert (done["status"], done["tax"]["vat_id"]["status"]) == ("completed", "unverified")
    assert (await _evidence(the_house, done))["failure"] == "MS_UNAVAILABLE"


async def _evidence(house: House, done: dict[str, Any]) -> dict[str, Any]:
    async with house.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT evidence FROM vat_id_checks WHERE checkout_id = :id"), {"id": done["id"]}
        )
        evidence: dict[str, Any] = found.scalar_one()
    return evidence
