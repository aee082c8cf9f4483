"""One link for several checkouts, over HTTP on real parts: paid once, each ends in its own order, invoice and mail."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.conservation import assert_money_is_conserved
from tests.e2e.conftest import fresh_body
from tests.house import House, eventually


@pytest.fixture(autouse=True)
async def conserved(the_house: House) -> AsyncIterator[None]:
    """After every test, money is conserved."""
    yield
    await assert_money_is_conserved(the_house.engine)


async def test_three_checkouts_paid_once_each_end_in_their_own_mailed_invoice(the_house: House) -> None:
    checkouts = [await the_house.open_checkout(fresh_body()) for _ in range(3)]
    entries = [checkout["entry"]["id"] for checkout in checkouts]
    made = await the_house.shop.post("/v1/payment-links", json={"entries": entries, "key": "LINK-E2E"})
    assert made.status_code == 201, made.text
    link: dict[str, Any] = made.json()
    page = await the_house.customer.get(link["url"])
    assert all(checkout["assignment_key"] in page.text for checkout in checkouts)

    own = await the_house.press_pay(checkouts[0])
    onward = await the_house.customer.post(link["url"])
    assert onward.status_code == 303, onward.text
    await the_house.pay(onward.headers["location"])
    done = [await the_house.reaches(checkout["id"], "completed") for checkout in checkouts]

    async with the_house.engine.connect() as connection:
        payable = await connection.execute(text("SELECT status FROM provider_sessions WHERE url = :url"), {"url": own})
        assert payable.scalar_one() == "expired", "its own page could not be paid any more"
    assert len({checkout["invoice"]["number"] for checkout in done}) == 3
    assert [checkout["invoice"]["status"] for checkout in done] == ["paid"] * 3
    [payment] = done[0]["payments"]
    assert payment["amount"] == "2517.00"
    seen = (await the_house.shop.get(f"/v1/payments/{payment['id']}")).json()
    assert sorted(item["entry"] for item in seen["items"]) == sorted(entries)
    assert {item["amount"] for item in seen["items"]} == {"839.00"}
    for checkout in checkouts:
        mails = the_house.mails_to(await recipient(the_house, checkout["id"]))
        assert len(mails) == 1
    again = await the_house.customer.get(link["url"])
    assert 'method="post"' not in again.text


async def recipient(house: House, checkout_id: str) -> str:
    """To whom the invoice of a checkout was mailed."""
    async with house.engine.connect() as connection:
        query = """
            SELECT recipient FROM deliveries JOIN invoice_orders USING (invoice_id) JOIN orders ON orders.id = order_id
            WHERE checkout_id = :id
        """
        found = await connection.execute(text(query), {"id": checkout_id})
        return str(found.scalar_one())


async def test_refund_of_one_of_them_credits_only_its_invoice(the_house: House) -> None:
    checkouts = [await the_house.open_checkout(fresh_body()) for _ in range(2)]
    entries = [checkout["entry"]["id"] for checkout in checkouts]
    link = (await the_house.shop.post("/v1/payment-links", json={"entries": entries})).json()
    onward = await the_house.customer.post(link["url"])
    await the_house.pay(onward.headers["location"])
    first, second = [await the_house.reaches(checkout["id"], "completed") for checkout in checkouts]

    wanted = {"reason": "sent back", "key": "RMA-OF-LINK", "amount": "39.00"}
    asked = await the_house.shop.post(f"/v1/checkouts/{second['id']}/refunds", json=wanted)
    assert asked.status_code == 201, asked.text
    canceled = await the_house.shop.post(
        f"/v1/entries/{first['entry']['id']}/cancel", json={"reason": "damaged", "credit_balance": "direct_refund"}
    )

    assert canceled.status_code == 200, canceled.text
    [our_id] = canceled.json()["settlements"][0]["refunds"]
    for refund in (asked.json()["id"], our_id):
        assert (await refund_done(the_house, refund))["status"] == "refunded"
    assert (await the_house.read(second["id"]))["entry"]["open_amount"] == "800.00"
    [payment] = first["payments"]
    seen = (await the_house.shop.get(f"/v1/payments/{payment['id']}")).json()
    assert (seen["refunded"], seen["assigned"], seen["available"]) == ("878.00", "800.00", "0.00")


async def refund_done(house: House, refund_id: str) -> dict[str, Any]:
    """The refund, once the customer has the money."""

    async def done() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await house.shop.get(f"/v1/refunds/{refund_id}")).json()
        return seen if seen["status"] in {"refunded", "failed"} else None

    return await eventually(done)
