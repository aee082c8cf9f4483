"""The hosted page: one form per outcome, redirects as Stripe's, nobody pays twice."""

import asyncio
import html
import re

import pytest

from tests.sandbox.stripe_box import Box, line

OUTCOMES = (
    "succeed", "decline", "sca_succeed", "sca_fail", "sca_abandon", "delayed_succeed", "delayed_fail", "cancel",
)  # fmt: skip


async def _page(box: Box, session_id: str) -> str:
    return html.unescape((await box.browser.get(f"/c/pay/{session_id}")).text)


async def test_the_page_shows_the_order_and_one_form_per_outcome(stripe_box: Box) -> None:
    session = await stripe_box.session(
        line_items=[line(84900), line(500, quantity=3)], customer_email="jana@example.org"
    )
    page = await _page(stripe_box, session.id)
    assert "TEST" in page
    assert "€864.00" in page
    assert "\u00d7 3" in page
    assert "jana@example.org" in page
    assert sorted(re.findall(r'name="outcome" value="(\w+)"', page)) == sorted(OUTCOMES)
    assert page.count("<form") == len(OUTCOMES)


async def test_the_page_never_asks_for_a_card(stripe_box: Box) -> None:
    answer = await stripe_box.browser.get(f"/c/pay/{(await stripe_box.session()).id}")
    assert "<input" not in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await stripe_box.browser.get("/c/checkout.css")).headers["content-type"].startswith("text/css")


async def test_a_name_in_the_order_cannot_break_the_page(stripe_box: Box) -> None:
    price = {"currency": "eur", "unit_amount": 100, "product_data": {"name": "<b>bold</b>"}}
    session = await stripe_box.session(line_items=[{"quantity": 1, "price_data": price}])
    assert "<b>bold" not in (await stripe_box.browser.get(f"/c/pay/{session.id}")).text


@pytest.mark.parametrize(
    ("outcome", "target"),
    [
        ("succeed", "https://shop.example/ok?s={id}"), ("delayed_succeed", "https://shop.example/ok?s={id}"),
        ("delayed_fail", "https://shop.example/ok?s={id}"), ("cancel", "https://shop.example/cart"),
        ("decline", "/c/pay/{id}"), ("sca_fail", "/c/pay/{id}"), ("sca_abandon", "/c/pay/{id}"),
        ("sca_succeed", "https://shop.example/ok?s={id}"),
    ],
)  # fmt: skip
async def test_the_customer_lands_where_stripe_would_send_them(stripe_box: Box, outcome: str, target: str) -> None:
    session = await stripe_box.session()
    answer = await stripe_box.act(session, outcome)
    assert (answer.status_code, answer.headers["location"]) == (303, target.replace("{id}", session.id))


async def test_a_refused_card_is_explained_on_the_page(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "decline")
    assert "Your card was declined." in await _page(stripe_box, session.id)
    await stripe_box.act(session, "sca_fail")
    assert "failed authentication" in await _page(stripe_box, session.id)


async def test_leaving_the_page_changes_nothing(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "cancel")
    assert (await stripe_box.read(session)).to_dict() == session.to_dict()
    assert await stripe_box.types() == []


async def test_a_double_click_pays_once(stripe_box: Box) -> None:
    session = await stripe_box.session()
    clicks = await asyncio.gather(*(stripe_box.act(session, "succeed") for _ in range(5)))
    assert {click.headers["location"] for click in clicks} == {f"https://shop.example/ok?s={session.id}"}
    assert len((await stripe_box.sdk.v1.charges.list_async()).data) == 1
    assert (await stripe_box.types()).count("checkout.session.completed") == 1


async def test_a_finished_session_says_so_and_offers_nothing(stripe_box: Box) -> None:
    paid, waiting, expired = [await stripe_box.session() for _ in range(3)]
    await stripe_box.act(paid, "succeed")
    await stripe_box.fault(timing={"delayed_method_seconds": 3600})
    await stripe_box.act(waiting, "delayed_succeed")
    await stripe_box.sdk.v1.checkout.sessions.expire_async(expired.id)
    for session, words in ((paid, "payment is done"), (waiting, "on its way"), (expired, "has expired")):
        page = await _page(stripe_box, session.id)
        assert words in page
        assert "<form" not in page


async def test_an_expired_session_takes_no_money(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    answer = await stripe_box.act(session, "succeed")
    assert answer.headers["location"] == f"/c/pay/{session.id}"
    assert (await stripe_box.sdk.v1.payment_intents.list_async()).data == []


async def test_an_unknown_outcome_or_session_is_refused(stripe_box: Box) -> None:
    session = await stripe_box.session()
    assert (await stripe_box.act(session, "steal")).status_code == 422
    assert (await stripe_box.browser.get("/c/pay/cs_test_none")).status_code == 404
    assert (await stripe_box.browser.post("/c/pay/cs_test_none", data={"outcome": "succeed"})).status_code == 404


async def test_the_customer_can_be_played_by_json(stripe_box: Box) -> None:
    session = await stripe_box.session()
    done = await stripe_box.order(f"sessions/{session.id}/pay", outcome="succeed")
    assert (done["taken"], done["redirect"]) == (True, f"https://shop.example/ok?s={session.id}")
    assert done["session"]["payment_status"] == "paid"
    again = await stripe_box.order(f"sessions/{session.id}/pay", outcome="succeed")
    assert again["taken"] is False
