"""What verifies a provider's messages, `api.ports.Webhooks`: signed by the provider, fresh, an event; or refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.stripe.webhooks import StripeWebhooks
from api.ports import Webhooks
from domain.errors import InvalidWebhook
from tests.fakes.inbox import FakeWebhooks, sign

NEW, OLD, OTHER = "whsec_new", "whsec_old", "whsec_other"
SECRETS = {"nordwerk": (NEW, OLD), "suedwerk": (OTHER,), "without": ()}
COMPLETED = "checkout.session.completed"


@dataclass(frozen=True, slots=True)
class Side:
    """What verifies, and how its provider words an event: by id, type, checkout and session."""

    webhooks: Webhooks
    worded: Callable[[Any, Any, Any, Any], Any]

    def body(
        self, event_id: Any = "evt_1", kind: Any = COMPLETED, *, checkout: Any = "chk_1", session: Any = "cs_1"
    ) -> bytes:
        """An event as it travels."""
        return json.dumps(self.worded(event_id, kind, checkout, session)).encode()


def _fake_words(event_id: Any, kind: Any, checkout: Any, session: Any) -> Any:
    return {"id": event_id, "type": kind, "checkout": checkout, "session": session}


def _stripe_words(event_id: Any, kind: Any, checkout: Any, session: Any) -> Any:
    subject = {"object": "checkout.session", "id": session, "metadata": {"quittance_checkout": checkout}}
    return {"object": "event", "id": event_id, "type": kind, "data": {"object": subject}}


SIDES = {
    "fake": Side(FakeWebhooks(SECRETS), _fake_words),
    "stripe": Side(StripeWebhooks(SECRETS), _stripe_words),
}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return SIDES[request.param]


def test_an_event_says_whose_business_it_is_and_keeps_every_byte(side: Side) -> None:
    body = side.body()
    event = side.webhooks.verify("nordwerk", body, sign(NEW, body))
    assert (event.provider, event.event_id, event.type, event.relevant) == ("stripe", "evt_1", COMPLETED, True)
    assert (event.checkout_id, event.session_id, event.payment_reference) == ("chk_1", "cs_1", None)
    assert event.raw.encode() == body


def test_an_event_we_have_no_use_for_is_taken_and_said_to_be_so(side: Side) -> None:
    body = side.body(kind="customer.created")
    assert not side.webhooks.verify("nordwerk", body, sign(NEW, body)).relevant


@pytest.mark.parametrize("missing", [None, 7, ["chk_1"], {}, "chk\0", "chk_\ud800"])
def test_an_event_that_names_no_checkout_in_words_is_taken_without(side: Side, missing: Any) -> None:
    body = side.body(checkout=missing, session=missing)
    event = side.webhooks.verify("nordwerk", body, sign(NEW, body))
    assert (event.checkout_id, event.session_id) == (None, None)


def _stamp(signature: str) -> str:
    return signature.partition(",")[0]


ACCEPTED: dict[str, Callable[[bytes], str]] = {
    "fresh": lambda body: sign(NEW, body),
    "299 s old": lambda body: sign(NEW, body, age=299),
    "from a clock ahead": lambda body: sign(NEW, body, age=-3600),
    "with the secret that is rotated out": lambda body: sign(OLD, body),
    "with two secrets, the other unknown to us": lambda body: (
        f"{sign('whsec_next', body)},{sign(NEW, body).partition(',')[2]}"
    ),
    "with another scheme beside it": lambda body: f"{sign(NEW, body)},v0={'0' * 64}",
    "with a field of the future": lambda body: f"{sign(NEW, body)},v2=abc",
}


@pytest.mark.parametrize("signed", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_signature_of_the_provider_is_accepted(side: Side, signed: Callable[[bytes], str]) -> None:
    body = side.body()
    assert side.webhooks.verify("nordwerk", body, signed(body)).event_id == "evt_1"


REFUSED: dict[str, Callable[[bytes], str | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: "",
    "301 s old": lambda body: sign(NEW, body, age=301),
    "a day old": lambda body: sign(NEW, body, age=86_400),
    "with a wrong secret": lambda body: sign("whsec_wrong", body),
    "with an empty secret": lambda body: sign("", body),
    "with another merchant's secret": lambda body: sign(OTHER, body),
    "of another body": lambda body: sign(NEW, body + b" "),
    "with a changed time": lambda body: f"{_stamp(sign(NEW, body, age=-5))},{sign(NEW, body).partition(',')[2]}",
    "of scheme v0 only": lambda body: sign(NEW, body).replace("v1=", "v0="),
    "without its time": lambda body: sign(NEW, body).partition(",")[2],
    "without its digest": lambda body: _stamp(sign(NEW, body)),
    "with an empty digest": lambda body: f"{_stamp(sign(NEW, body))},v1=",
    "with half a digest": lambda body: sign(NEW, body)[:-32],
    "with a time that is none": lambda body: f"t=now,{sign(NEW, body).partition(',')[2]}",
    "with a time beyond all numbers": lambda body: f"t={'9' * 5000},{sign(NEW, body).partition(',')[2]}",
    "with two times, the later one ours": lambda body: f"{_stamp(sign(NEW, body, age=301))},{sign(NEW, body)}",
    "garbage": lambda _: "garbage",
    "commas and equal signs": lambda _: ",=,==,t=,v1",
    "not in ASCII": lambda body: f"{_stamp(sign(NEW, body))},v1=é",
}


@pytest.mark.parametrize("signed", REFUSED.values(), ids=REFUSED.keys())
def test_every_other_signature_is_refused(side: Side, signed: Callable[[bytes], str | None]) -> None:
    body = side.body()
    with pytest.raises(InvalidWebhook):
        side.webhooks.verify("nordwerk", body, signed(body))


@pytest.mark.parametrize("merchant", ["nobody", "without", "suedwerk", ""])
def test_a_message_to_a_merchant_who_does_not_share_the_secret_is_refused(side: Side, merchant: str) -> None:
    body = side.body()
    with pytest.raises(InvalidWebhook):
        side.webhooks.verify(merchant, body, sign(NEW, body))


def test_a_body_written_otherwise_is_refused_though_it_means_the_same(side: Side) -> None:
    body = side.body()
    with pytest.raises(InvalidWebhook):
        side.webhooks.verify("nordwerk", json.dumps(json.loads(body), indent=1).encode(), sign(NEW, body))


NO_EVENTS: dict[str, Callable[[Side], bytes]] = {
    "nothing": lambda _: b"",
    "not UTF-8": lambda side: side.body().replace(b"evt_1", b"evt_\xff"),
    "not JSON": lambda side: side.body()[:-1],
    "two": lambda side: side.body() * 2,
    "a list": lambda side: b"[" + side.body() + b"]",
    "null": lambda _: b"null",
    "a text": lambda _: b'"evt_1"',
    "a number": lambda _: b"1",
    "an empty object": lambda _: b"{}",
    "nested without end": lambda _: b"[" * 100_000,
    "a thin event": lambda _: b'{"object": "v2.core.event", "id": "evt_1", "related_object": {"id": "cs_1"}}',
    "without id": lambda side: side.body(event_id=None),
    "a number for an id": lambda side: side.body(event_id=1),
    "an empty id": lambda side: side.body(event_id=""),
    "without type": lambda side: side.body(kind=None),
    "a list for a type": lambda side: side.body(kind=[COMPLETED]),
    "NUL in the id": lambda side: side.body(event_id="evt_1\0"),
    "NUL in the type": lambda side: side.body(kind="checkout\0"),
    "half a character in the id": lambda side: side.body(event_id="evt_\ud800"),
    "a NUL byte": lambda side: side.body().replace(b"evt_1", b"evt_1\0"),
}


@pytest.mark.parametrize("body", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_what_is_rightly_signed_and_no_event_is_refused(side: Side, body: Callable[[Side], bytes]) -> None:
    content = body(side)
    with pytest.raises(InvalidWebhook):
        side.webhooks.verify("nordwerk", content, sign(NEW, content))


# What only Stripe says


@pytest.mark.parametrize(
    ("subject", "session", "payment"),
    [
        ({"object": "checkout.session", "id": "cs_1", "payment_intent": "pi_1"}, "cs_1", "pi_1"),
        ({"object": "payment_intent", "id": "pi_1"}, None, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, None, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": None, "metadata": None}, None, None),
    ],
    ids=lambda value: str(value.get("object")) if isinstance(value, dict) else "",
)
def test_stripe_names_session_and_payment_by_the_kind_of_object(
    subject: dict[str, Any], session: str | None, payment: str | None
) -> None:
    side = SIDES["stripe"]
    event = {"object": "event", "id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": subject}}
    body = json.dumps(event).encode()
    found = side.webhooks.verify("nordwerk", body, sign(NEW, body))
    assert (found.session_id, found.payment_reference, found.checkout_id) == (session, payment, None)


def test_an_event_is_not_lost_for_a_nul_in_what_we_do_not_read() -> None:
    side = SIDES["stripe"]
    event = _stripe_words("evt_1", COMPLETED, "chk_1", "cs_1")
    event["data"]["object"]["customer_details"] = {"name": "Jana\0"}
    body = json.dumps(event).encode()
    assert side.webhooks.verify("nordwerk", body, sign(NEW, body)).checkout_id == "chk_1"


@pytest.mark.parametrize("data", [None, [], "x", {}, {"object": None}, {"object": []}, {"object": {"object": 7}}])
def test_an_event_about_nothing_is_refused(data: Any) -> None:
    body = json.dumps({"object": "event", "id": "evt_1", "type": COMPLETED, "data": data}).encode()
    with pytest.raises(InvalidWebhook):
        SIDES["stripe"].webhooks.verify("nordwerk", body, sign(NEW, body))
