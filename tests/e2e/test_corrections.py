"""Corrections, deposits and the audit over HTTP, on real parts: numbered, written, mailed, and all of it provable."""

import secrets
from typing import Any

from tests.checkout_bodies import good_body
from tests.e2e.conftest import fresh_body
from tests.house import House, eventually


async def bought(house: House, **changes: Any) -> dict[str, Any]:
    """A completed checkout."""
    checkout = await house.open_checkout(fresh_body(**changes))
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed")


async def correct(house: House, checkout: dict[str, Any], resource: str, **body: Any) -> dict[str, Any]:
    """The shop corrects the invoice; answers the correction."""
    wanted = {"reason": "sent back", "key": f"C-{secrets.token_hex(5)}", **body}
    answer = await house.shop.post(f"/v1/invoices/{checkout['invoice']['id']}/{resource}", json=wanted)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def series_are_sound(house: House) -> None:
    """Audit every series of the shop to its end."""
    for series in (await house.shop.get("/v1/series")).json()["items"]:
        cursor: str | None = ""
        while cursor is not None:
            page = (await house.shop.get(f"/v1/series/{series['id']}/audit?limit=50{cursor}")).json()
            assert page["findings"] == []
            cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"


async def test_corrections_are_documents_of_their_own_mailed_and_shown_both_ways(the_house: House) -> None:
    body = fresh_body()
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    checkout = await the_house.reaches(checkout["id"], "completed")

    note = await correct(the_house, checkout, "credit-notes", lines=[{"position": 1, "amount": "39.00"}])

    assert (note["kind"], note["total"], note["corrects"]) == ("credit_note", "39.00", checkout["invoice"]["id"])
    await _arrives(the_house, body, note["number"])
    corrected = (await the_house.shop.get(f"/v1/invoices/{checkout['invoice']['id']}")).json()
    assert [(one["id"], one["number"]) for one in corrected["corrected_by"]] == [(note["id"], note["number"])]
    seen = (await the_house.shop.get(f"/v1/invoices/{note['id']}")).json()
    assert (seen["delivery"]["status"], seen["reason"]) == ("sent", "sent back")
    assert (await the_house.shop.get(seen["pdf"])).content.startswith(b"%PDF")


async def test_canceled_invoice_is_out_of_force_and_its_cancelation_is_mailed(the_house: House) -> None:
    body = fresh_body()
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    checkout = await the_house.reaches(checkout["id"], "completed")

    cancelation = await correct(the_house, checkout, "cancel")

    assert (cancelation["kind"], cancelation["total"], cancelation["number"][:3]) == ("cancelation", "839.00", "ST-")
    await _arrives(the_house, body, cancelation["number"])
    seen = await the_house.read(checkout["id"])
    assert (seen["invoice"], seen["entry"]["status"]) == (None, "canceled")
    canceled = (await the_house.shop.get("/v1/invoices?status=canceled&kind=invoice")).json()["items"]
    assert checkout["invoice"]["id"] in [one["id"] for one in canceled]


async def test_final_invoice_deducts_a_deposit_and_the_customer_pays_the_rest(the_house: House) -> None:
    [line] = good_body()["lines"]
    deposit = await bought(
        the_house, document="deposit", lines=[line | {"unit_price": "300.00"}], discounts=[], total="300.00"
    )

    final = await the_house.open_checkout(fresh_body(deducts=[deposit["assignment_key"]]))
    page = (await the_house.customer.get(final["payment_link"]["url"], headers={"Accept-Language": "en"})).text
    await the_house.pay(await the_house.press_pay(final))
    final = await the_house.reaches(final["id"], "completed")
    again = await the_house.shop.post("/v1/checkouts", json=fresh_body(deducts=[deposit["assignment_key"]]))

    assert deposit["invoice"]["kind"] == "deposit"
    assert "539,00" in page
    assert (final["total"], final["entry"]["initial_amount"]) == ("839.00", "539.00")
    assert [payment["amount"] for payment in final["payments"]] == ["539.00"]
    assert (final["invoice"]["status"], final["invoice"]["deducts"]) == ("paid", [deposit["invoice"]["number"]])
    assert again.status_code == 422
    assert [error["pointer"] for error in again.json()["errors"]] == ["/deducts/0"]
    await series_are_sound(the_house)


async def test_final_invoice_that_deposits_cover_completely_is_sent_without_a_payment(the_house: House) -> None:
    deposit = await bought(the_house, document="deposit")

    final = await the_house.open_checkout(fresh_body(deducts=[deposit["assignment_key"]]))
    done = await the_house.reaches(final["id"], "completed")
    page = await the_house.customer.get(final["payment_link"]["url"])
    press = await the_house.customer.post(final["payment_link"]["url"])

    assert (done["total"], done["entry"]["initial_amount"], done["entry"]["status"]) == ("839.00", "0.00", "balanced")
    assert done["payments"] == []
    assert (done["invoice"]["status"], done["invoice"]["deducts"]) == ("paid", [deposit["invoice"]["number"]])
    assert done["invoice"]["total"] == "839.00"
    for answer in (page, press):
        assert (answer.status_code, "Es ist nichts mehr zu zahlen" in answer.text) == (200, True)
    await series_are_sound(the_house)


async def _arrives(house: House, body: dict[str, Any], number: str) -> None:
    """Wait until the customer has the document in his mailbox."""

    async def there() -> bool:
        mails = house.mails_to(body["customer"]["email"])
        return any(name == f"{number}.pdf" for mail in mails for name, _, _ in mail.attachments)

    await eventually(there)
