"""The stand-in's API behaves as Stripe's: keys, parameters, money rules, lists, expansion."""

import base64
import time
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.stripe_box import KEY, OTHER_KEY, Box, line, sdk


async def _refused(box: Box, **params: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await box.session(**params)
    return refusal.value


async def test_a_new_session_is_open_and_says_where_to_pay(stripe_box: Box) -> None:
    session = await stripe_box.session(2500, metadata={"entry": "ent_1"}, client_reference_id="SO-1")
    assert session.url == f"{stripe_box.url}/c/pay/{session.id}"
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (2500, "eur")
    assert session.payment_intent is None
    assert session.expires_at == session.created + 24 * 3600
    assert (await stripe_box.read(session)).to_dict() == session.to_dict()


async def test_line_items_come_back_in_the_order_given(stripe_box: Box) -> None:
    names = [f"Line {number}" for number in range(12)]
    items = [
        {"quantity": 2, "price_data": {"currency": "eur", "unit_amount": 100, "product_data": {"name": name}}}
        for name in names
    ]
    session = await stripe_box.session(line_items=items)
    lines = [item async for item in _pages(stripe_box, session.id)]
    assert [item.description for item in lines] == names
    assert sum(item.amount_total for item in lines) == session.amount_total == 2400
    expanded = await stripe_box.sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["line_items"]})
    assert expanded.line_items is not None
    assert [item.description for item in expanded.line_items.data] == names[:10]


async def _pages(box: Box, session_id: str) -> Any:
    page = await box.sdk.v1.checkout.sessions.line_items.list_async(session_id, {"limit": 5})
    async for item in page.auto_paging_iter():
        yield item


async def test_a_paid_session_shows_its_payment_with_charge_and_fee(stripe_box: Box) -> None:
    intent = await stripe_box.paid(10000, payment_intent_data={"metadata": {"entry": "ent_1"}})
    assert (intent.status, intent.amount_received) == ("succeeded", 10000)
    assert intent.metadata["entry"] == "ent_1"
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    entry = charge.balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert entry.fee + entry.net == entry.amount == 10000
    assert (entry.fee, entry.source) == (175, charge.id)


async def test_the_fee_is_unknown_until_charge_updated(stripe_box: Box) -> None:
    await stripe_box.fault(timing={"balance_seconds": 3600})
    session = await stripe_box.session()
    await stripe_box.act(session, "succeed")
    charge = (await stripe_box.payment_of(session)).latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.balance_transaction is None
    assert "charge.updated" not in await stripe_box.types()
    await stripe_box.move_clock(3600)
    charge = (await stripe_box.payment_of(session)).latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.balance_transaction is not None
    updated = (await stripe_box.events(type="charge.updated"))[0].to_dict()
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}


@pytest.mark.parametrize("key", ["", "sk_test_wrong_1234"])
async def test_a_missing_or_wrong_key_is_a_401(stripe_box: Box, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = await stripe_box.browser.get("/v1/events", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Stripe"'
    message = answer.json()["error"]["message"]
    assert message.startswith("Invalid API Key provided: sk_test_" if key else "You did not provide an API key.")
    assert "wrong" not in message


async def test_the_sdk_sees_a_wrong_key_as_an_authentication_error(stripe_box: Box) -> None:
    async with sdk(stripe_box.url, "sk_test_wrong") as stranger:
        with pytest.raises(stripe.AuthenticationError):
            await stranger.v1.events.list_async()


async def test_a_key_may_come_as_basic_user_name(stripe_box: Box) -> None:
    token = base64.b64encode(f"{KEY}:".encode()).decode()
    assert (await stripe_box.browser.get("/v1/events", headers={"Authorization": f"Basic {token}"})).status_code == 200
    answer = await stripe_box.browser.get("/v1/events", headers={"Authorization": "Basic %%%"})
    assert answer.status_code == 401


async def test_one_account_sees_nothing_of_another(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    async with sdk(stripe_box.url, OTHER_KEY) as other:
        for listed in (other.v1.checkout.sessions, other.v1.payment_intents, other.v1.charges, other.v1.events):
            assert (await listed.list_async()).data == []
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await other.v1.payment_intents.retrieve_async(intent.id)
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


async def test_every_answer_carries_a_request_id_and_the_api_version(stripe_box: Box) -> None:
    for path in ("/v1/events", "/v1/nonsense"):
        answer = await stripe_box.browser.get(path, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["stripe-version"] == stripe.api_version


async def test_another_api_version_is_refused_rather_than_played_wrongly(stripe_box: Box) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": "2020-08-27"}
    answer = await stripe_box.browser.get("/v1/events", headers=headers)
    assert answer.status_code == 400
    assert "2020-08-27" in answer.json()["error"]["message"]


async def test_an_unknown_address_or_method_is_a_404(stripe_box: Box) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    for method, path in (("GET", "/v1/customers"), ("DELETE", "/v1/checkout/sessions")):
        answer = await stripe_box.browser.request(method, path, headers=headers)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path})")


PARAMETERS: dict[str, tuple[dict[str, Any], str | None, str, str]] = {
    "unknown": ({"nonsense": "1"}, "parameter_unknown", "nonsense", "Received unknown parameter: nonsense"),
    "unknown inside": (
        {"payment_intent_data": {"nonsense": "1"}},
        "parameter_unknown",
        "payment_intent_data[nonsense]",
        "Received unknown parameter: payment_intent_data[nonsense]",
    ),
    "missing inside": (
        {"line_items": [{"quantity": 1, "price_data": {"unit_amount": 100, "product_data": {"name": "x"}}}]},
        "parameter_missing",
        "line_items[0][price_data][currency]",
        "Missing required param: line_items[0][price_data][currency].",
    ),
    "no number": ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at", "Invalid integer: soon"),
    "wrong choice": ({"submit_type": "beg"}, None, "submit_type", "Invalid submit_type: must be one of"),
    "too long": ({"client_reference_id": "x" * 201}, None, "client_reference_id", "must be at most 200 characters"),
    "empty": ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id", "empty string"),
    "no address": ({"success_url": "shop"}, "url_invalid", "success_url", "Not a valid URL"),
    "no mailbox": ({"customer_email": "jana"}, "email_invalid", "customer_email", "Invalid email address: jana"),
    "101 lines": ({"line_items": [line(100)] * 101}, None, "line_items", "line_items"),
    "not played": ({"customer": "cus_1"}, None, "customer", "does not play this parameter"),
    "too much metadata": ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata", "at most 50"),
    "two currencies": ({"line_items": [line(100), line(100, "usd")]}, None, "line_items", "same currency"),
    "no currency": (
        {"line_items": [line(100, "xxx")]},
        None,
        "line_items[0][price_data][currency]",
        "Invalid currency",
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
async def test_a_wrong_parameter_is_named_as_stripe_names_it(stripe_box: Box, case: str) -> None:
    params, code, param, message = PARAMETERS[case]
    refusal = await _refused(stripe_box, **params)
    assert (refusal.http_status, refusal.code, refusal.param) == (400, code, param)
    assert message in str(refusal)
    assert (await stripe_box.sdk.v1.checkout.sessions.list_async()).data == []


async def test_a_session_without_lines_is_refused(stripe_box: Box) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stripe_box.sdk.v1.checkout.sessions.create_async(
            {"mode": "payment", "success_url": "https://shop.example"}
        )
    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", "line_items")


@pytest.mark.parametrize(("seconds", "accepted"), [(1790, False), (1802, True), (86395, True), (86500, False)])
async def test_a_session_may_last_from_30_minutes_to_24_hours(stripe_box: Box, seconds: int, accepted: bool) -> None:
    expires_at = int(time.time()) + seconds
    if accepted:
        assert (await stripe_box.session(expires_at=expires_at)).expires_at == expires_at
    else:
        assert (await _refused(stripe_box, expires_at=expires_at)).param == "expires_at"


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"), (50, "eur", ""), (29, "gbp", "amount_too_small"), (30, "gbp", ""),
        (49, "jpy", "amount_too_small"), (50, "jpy", ""), (199, "pln", "amount_too_small"),
        (1499, "czk", "amount_too_small"),
        (99_999_999, "eur", ""), (100_000_000, "eur", "amount_too_large"),
    ],
)  # fmt: skip
async def test_a_total_outside_stripes_limits_is_refused(
    stripe_box: Box, amount: int, currency: str, code: str
) -> None:
    if code:
        assert (await _refused(stripe_box, amount=amount, currency=currency)).code == code
    else:
        assert (await stripe_box.session(amount, currency)).amount_total == amount


@pytest.mark.parametrize(
    ("amount", "currency", "accepted"),
    [
        (1505, "kwd", False), (1510, "kwd", True), (550, "isk", False), (500, "isk", True),
        (10050, "ugx", False), (10000, "ugx", True),
    ],
)  # fmt: skip
async def test_amounts_finer_than_the_currency_allows_are_refused(
    stripe_box: Box, amount: int, currency: str, accepted: bool
) -> None:
    if accepted:
        assert (await stripe_box.session(amount, currency)).amount_total == amount
    else:
        assert "divisible by" in str(await _refused(stripe_box, amount=amount, currency=currency))


async def test_a_fraction_of_a_cent_is_rounded_per_line(stripe_box: Box) -> None:
    price = {"currency": "eur", "unit_amount_decimal": "33.335", "product_data": {"name": "Screw"}}
    session = await stripe_box.session(line_items=[{"quantity": 3, "price_data": price}])
    assert session.amount_total == 100


async def test_lists_come_newest_first_in_pages_both_ways(stripe_box: Box) -> None:
    made = [(await stripe_box.session()).id for _ in range(5)][::-1]
    sessions = stripe_box.sdk.v1.checkout.sessions
    first = await sessions.list_async({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2], True)
    last = await sessions.list_async({"limit": 3, "starting_after": made[1]})
    assert ([one.id for one in last.data], last.has_more) == (made[2:], False)
    back = await sessions.list_async({"limit": 2, "ending_before": made[3]})
    assert ([one.id for one in back.data], back.has_more) == (made[1:3], True)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await sessions.list_async({"starting_after": "cs_test_none"})
    assert refusal.value.code == "resource_missing"


async def test_events_are_found_by_type_and_by_time(stripe_box: Box) -> None:
    await stripe_box.paid()
    await stripe_box.move_clock(1000)
    late = await stripe_box.paid()
    succeeded = await stripe_box.events(type="payment_intent.succeeded")
    assert len(succeeded) == 2
    assert {event.type for event in await stripe_box.events(type="charge.*")} == {"charge.succeeded", "charge.updated"}
    both = await stripe_box.events(types=["charge.updated", "payment_intent.created"])
    assert {event.type for event in both} == {"charge.updated", "payment_intent.created"}
    recent = await stripe_box.events(type="payment_intent.succeeded", created={"gte": late.created})
    assert [event.data.object["id"] for event in recent] == [late.id]
    exact = await stripe_box.events(type="payment_intent.succeeded", created=succeeded[0].created)
    assert exact[0].id == succeeded[0].id
    assert (await stripe_box.sdk.v1.events.retrieve_async(late_id := recent[0].id)).id == late_id


async def test_only_fields_that_name_an_object_can_be_expanded(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    with pytest.raises(stripe.InvalidRequestError, match=r"This property cannot be expanded \(metadata\)"):
        await stripe_box.sdk.v1.payment_intents.retrieve_async(intent.id, {"expand": ["metadata"]})
    found = await stripe_box.sdk.v1.payment_intents.list_async({"expand": ["data.latest_charge"]})
    assert isinstance(found.data[0].latest_charge, stripe.Charge)


async def test_an_open_session_can_be_expired_once(stripe_box: Box) -> None:
    session = await stripe_box.session()
    expired = await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match=r'Only Checkout Sessions with a status in \["open"\]'):
        await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (await stripe_box.types()).count("checkout.session.expired") == 1


async def test_a_session_expires_by_the_clock(stripe_box: Box) -> None:
    session = await stripe_box.session(expires_at=int(time.time()) + 3600)
    await stripe_box.move_clock(3599 - 60)
    assert (await stripe_box.read(session)).status == "open"
    await stripe_box.move_clock(61)
    assert (await stripe_box.read(session)).status == "expired"
    assert await stripe_box.types() == ["checkout.session.expired"]


async def test_what_was_asked_is_listed_without_keys(stripe_box: Box) -> None:
    await stripe_box.session(metadata={"entry": "ent_1"})
    async with sdk(stripe_box.url, "sk_test_wrong") as stranger:
        with pytest.raises(stripe.AuthenticationError):
            await stranger.v1.events.list_async()
    made, stranger_asked = await stripe_box.log("requests")
    assert (made["method"], made["path"], made["status"]) == ("POST", "/v1/checkout/sessions", 200)
    assert made["params"]["metadata"] == {"entry": "ent_1"}
    assert made["idempotency_key"]
    assert (stranger_asked["status"], stranger_asked["account"]) == (401, None)
    assert KEY not in str([made, stranger_asked])


async def test_a_body_that_is_no_form_is_refused(stripe_box: Box) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    answers: list[httpx.Response] = [
        await stripe_box.browser.post("/v1/refunds", json={"charge": "ch_1"}, headers=headers),
        await stripe_box.browser.post("/v1/refunds", data={"a[": "1"}, headers=headers),
        await stripe_box.browser.post("/v1/refunds", data={"metadata": "1", "metadata[a]": "2"}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
