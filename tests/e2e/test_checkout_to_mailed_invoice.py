"""A checkout becomes a paid, mailed invoice: over HTTP, on real parts."""

import asyncio
from collections import Counter
from email import message_from_bytes, policy
from io import BytesIO
from typing import Any

import jwt
import pikepdf
import pytest
from facturx import get_facturx_xml_from_pdf
from sqlalchemy import text

from domain.money import Money
from tests.documents.business_terms import agreed, read
from tests.documents.validation import problems
from tests.e2e.conftest import fresh_body
from tests.house import RESULT_KEY, House, eventually


async def test_paid_checkout_becomes_a_mailed_e_invoice(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))

    done = await the_house.reaches(checkout["id"], "completed")

    assert done["entry"]["status"] == "balanced"
    assert done["entry"]["outstanding_amount"] == "0.00"
    assert done["order"]["number"] == body["assignment_key"]
    assert done["invoice"]["status"] == "paid"
    assert done["invoice"]["total"] == body["total"]
    assert done["invoice"]["delivery"]["status"] == "sent"
    stored = await the_house.shop.get(done["invoice"]["pdf"])
    assert mailed(the_house, body) == {f"{done['invoice']['number']}.pdf": stored.content}, "we mail what we stored"


def mailed(house: House, body: dict[str, Any]) -> dict[str, Any]:
    """The names and contents of what was attached to the one mail to this buyer."""
    [mail] = house.mails_to(body["customer"]["email"])
    raw = house.inbox.raw(mail.id)
    assert raw is not None
    message = message_from_bytes(raw, policy=policy.default)
    return {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}


async def test_stored_xml_is_the_embedded_one_and_valid(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    done = await the_house.reaches(checkout["id"], "completed")

    pdf = (await the_house.shop.get(done["invoice"]["pdf"])).content
    xml = (await the_house.shop.get(done["invoice"]["xml"])).content
    ubl = (await the_house.shop.get(done["invoice"]["xml"], params={"format": "ubl"})).content

    assert [*problems(xml), *problems(ubl)] == []
    assert agreed(read(xml), read(ubl))
    assert get_facturx_xml_from_pdf(pdf, check_xsd=False)[1] == xml
    with pikepdf.open(BytesIO(pdf)) as document:
        assert document.Root.MarkInfo.Marked


async def test_an_authority_with_a_leitweg_id_gets_an_xrechnung(the_house: House, body: dict[str, Any]) -> None:
    body["customer"] |= {"company": "Bezirksamt Mitte", "leitweg_id": "04011000-12345-03"}
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    done = await the_house.reaches(checkout["id"], "completed")

    for syntax in ("cii", "ubl"):
        xml = (await the_house.shop.get(done["invoice"]["xml"], params={"format": syntax})).content
        assert problems(xml) == []
        said = read(xml)
        assert said["BT-10"] == "04011000-12345-03"
        assert said["BT-24"].endswith("xrechnung_3.0")
    pdf = (await the_house.shop.get(done["invoice"]["pdf"])).content
    with pikepdf.open(BytesIO(pdf)) as document:
        assert list(document.attachments) == ["xrechnung.xml"]
    number, xml = done["invoice"]["number"], (await the_house.shop.get(done["invoice"]["xml"])).content
    assert mailed(the_house, body) == {f"{number}.pdf": pdf, f"{number}.xml": xml}


async def test_returning_customer_lands_in_the_shop_with_a_token_it_can_verify_offline(
    the_house: House, body: dict[str, Any]
) -> None:
    checkout = await the_house.open_checkout(body)
    back = await the_house.pay(await the_house.press_pay(checkout))

    landed = await the_house.customer.get(back)

    assert landed.status_code == 303
    target = landed.headers["location"]
    assert target.startswith(body["redirects"]["success"] + "?")
    query = dict(pair.split("=", 1) for pair in target.partition("?")[2].split("&"))
    assert query["checkout"] == checkout["id"]
    claims = jwt.decode(query["result"], RESULT_KEY, algorithms=["HS256"])
    assert claims["checkout"] == checkout["id"]
    assert claims["amount"] == body["total"]


async def test_seven_checkouts_at_once_get_numbers_without_gap_and_one_mail_each(the_house: House) -> None:
    bodies = [fresh_body(total=None, discounts=[], prices=prices) for prices in ["gross", "net"] * 3 + ["gross"]]
    for place, body in enumerate(bodies):
        body["lines"] = [body["lines"][0] | {"unit_price": f"{100 + place}.99"}]

    done = await asyncio.gather(*[_bought(the_house, body) for body in bodies])

    assert [seen["status"] for seen in done] == ["completed"] * 7
    async with the_house.engine.connect() as connection:
        drawn = await connection.execute(
            text("SELECT sequence, finalized_at FROM invoices WHERE kind = 'invoice' ORDER BY sequence")
        )
        rows = drawn.all()
        captured = await connection.execute(text("SELECT checkout_id, captured FROM payments WHERE captured > 0"))
        money = {row.checkout_id: row.captured for row in captured}
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1)), "1..N without gap"
    assert [row.finalized_at for row in rows] == sorted(row.finalized_at for row in rows)
    assert len({seen["invoice"]["number"] for seen in done}) == 7
    for seen, body in zip(done, bodies, strict=True):
        assert Money.parse(seen["invoice"]["total"], "EUR").minor == money[seen["id"]]
        assert len(the_house.mails_to(body["customer"]["email"])) == 1


async def test_same_key_fifty_times_at_once_is_one_checkout(the_house: House, body: dict[str, Any]) -> None:
    answers = await asyncio.gather(*[the_house.shop.post("/v1/checkouts", json=body) for _ in range(50)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["payment_link"]["url"] for answer in answers}) == 1


async def test_same_key_with_another_body_is_refused_with_the_differences(
    the_house: House, body: dict[str, Any]
) -> None:
    await the_house.open_checkout(body)

    other = body | {"total": None, "lines": [body["lines"][0] | {"unit_price": "850.00"}]}
    answer = await the_house.shop.post("/v1/checkouts", json=other)

    assert answer.status_code == 409
    assert answer.json()["differences"] == [
        {"pointer": "/lines/0/unit_price", "accepted": "849.00", "received": "850.00"}
    ]


async def test_same_key_after_completion_still_answers_with_the_checkout(
    the_house: House, body: dict[str, Any]
) -> None:
    done = await _bought(the_house, body)

    again = await the_house.shop.post("/v1/checkouts", json=body)

    assert again.status_code == 200
    assert again.json()["id"] == done["id"]
    assert again.json()["status"] == "completed"


async def test_declined_customer_can_try_again_under_the_same_link(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await the_house.pay(page, "decline")

    async def declined() -> bool:
        return [payment["status"] for payment in (await the_house.read(checkout["id"]))["payments"]] == ["failed"]

    await eventually(declined)
    assert await the_house.press_pay(checkout) == page
    await the_house.pay(page)
    done = await the_house.reaches(checkout["id"], "completed")
    assert [payment["status"] for payment in done["payments"]] == ["collected"]


async def test_fee_that_comes_after_the_run_ended_is_still_booked(the_house: House, body: dict[str, Any]) -> None:
    done = await _bought(the_house, body)

    async def booked() -> bool:
        async with the_house.engine.connect() as connection:
            fee = await connection.execute(
                text("SELECT fee IS NOT NULL FROM payments WHERE checkout_id = :id"), {"id": done["id"]}
            )
            unapplied = await connection.execute(
                text(
                    "SELECT count(*) FROM provider_events WHERE checkout_id = :id AND relevant AND applied_at IS NULL"
                ),
                {"id": done["id"]},
            )
            return bool(fee.scalar_one()) and unapplied.scalar_one() == 0

    await eventually(booked)
    assert (await the_house.read(done["id"]))["status"] == "completed"


@pytest.mark.parametrize("language", ["de", "en"])
async def test_customer_is_written_to_in_his_language(the_house: House, body: dict[str, Any], language: str) -> None:
    body["customer"]["language"] = language

    await _bought(the_house, body)

    [mail] = the_house.mails_to(body["customer"]["email"])
    assert ("Ihre Rechnung" if language == "de" else "Your invoice") in mail.subject


async def _bought(house: House, body: dict[str, Any]) -> dict[str, Any]:
    checkout = await house.open_checkout(body)
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed")
