# ruff: noqa: RUF001 -- typographic signs are what the page shows
"""The customer's pages: every state in their language, the way to the provider and back, and no card anywhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

import api
from api.accent import FALLBACK, AccentStyle, contrast
from domain.checkout import CheckoutStatus
from domain.payments import AttemptStatus, Promise
from domain.views import CheckoutView
from tests.api.conftest import PROVIDER_ORIGIN, PUBLIC_URL, RESULT_KEYS, SUED_KEY, DatabaseAway, Stage, a_checkout

PAID = ["captured", "ordered", "balanced", "invoiced", "completed"]


def page_path(checkout: CheckoutView) -> str:
    assert checkout.payment_link is not None
    return f"/pay/{checkout.payment_link.token}"


async def a_page(stage: Stage, language: str = "de", **changes: Any) -> tuple[CheckoutView, str]:
    """A started checkout of a customer with this language, and the path of its page."""
    customer = a_checkout()["customer"] | {"language": language}
    checkout = await stage.checkout(customer=customer, **changes)
    return checkout, page_path(checkout)


def text_of(answer: httpx.Response) -> str:
    """What a person reads: the page without tags, spaces collapsed."""
    shown = re.sub(r"<style.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", shown)


class Tags(HTMLParser):
    """Collects the tags of a page and checks that they close."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


# The page that can be paid


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "de",
            [
                "Ihre Bestellung bei Nordwerk",
                "Bestellung SO-88213",
                "Schreibtisch",
                "160 x 80 cm",
                "1 × 849,00 €",
                "Sommer −10,00 €",
                "Gesamtbetrag 839,00 €",
                "enthält 19 % USt 133,96 €",
                "839,00 € bezahlen",
                "Zahlbar bis 1. Dezember 2025, 10:30 MEZ",
                "Nordwerk Möbel GmbH",
                "Testbetrieb",
            ],
        ),
        (
            "en",
            [
                "Your order from Nordwerk",
                "Order SO-88213",
                "1 × €849.00",
                "Total €839.00",
                "includes 19% VAT €133.96",
                "Pay €839.00",
                "Payable until 1 December 2025, 10:30",
                "Test mode",
            ],
        ),
        (
            "fr",
            [
                "Votre commande chez Nordwerk",
                "Commande SO-88213",
                "dont TVA 19 % 133,96 €",
                "Payer 839,00 €",
                "À régler avant le 1 décembre 2025, 10:30 UTC+01:00",
                "Mode test",
            ],
        ),
        ("pl", ["Your order from Nordwerk", "Pay €839.00"]),
    ],
)
async def test_the_page_shows_the_cart_in_the_customers_language(stage: Stage, language: str, words: list[str]) -> None:
    _, path = await a_page(stage, language)
    answer = await stage.client.get(path)
    assert answer.status_code == 200
    shown = text_of(answer)
    for wanted in words:
        assert wanted in shown, shown
    assert Tags(answer.text).all("html")[0]["lang"] == ("en" if language == "pl" else language)


async def test_prices_without_tax_are_shown_with_the_tax_that_is_added(stage: Stage) -> None:
    lines = [
        {"name": "Beratung", "quantity": "2.5", "unit": "HUR", "unit_price": "120.00", "tax_rate": "19"},
        {"name": "Buch", "quantity": "1", "unit_price": "12.34", "tax_rate": "7"},
    ]
    _, path = await a_page(stage, prices="net", lines=lines, discounts=[], total=None)
    shown = text_of(await stage.client.get(path))
    for wanted in ("2,5 Std. × 120,00 €", "Zwischensumme 312,34 €", "19 % USt 57,00 €", "7 % USt 0,86 €", "370,20 €"):
        assert wanted in shown, shown


async def test_a_currency_without_decimals_is_shown_without(stage: Stage) -> None:
    line = {"name": "Tee", "quantity": "1", "unit_price": "500", "tax_rate": "10"}
    _, path = await a_page(stage, "en", currency="JPY", total="500", lines=[line], discounts=[])
    assert "JP¥500" in text_of(await stage.client.get(path))


async def test_the_page_has_one_form_one_button_and_no_field_at_all(stage: Stage) -> None:
    _, path = await a_page(stage)
    tags = Tags((await stage.client.get(path)).text)
    assert tags.all("form") == [{"method": "post", "action": path}]
    assert len(tags.all("button")) == 1
    for absent in ("input", "select", "textarea", "script", "iframe", "object"):
        assert not tags.all(absent)
    assert all(image["alt"] for image in tags.all("img"))
    assert not any(name.startswith("on") or name == "style" for _, found in tags.tags for name in found)


async def test_what_the_shop_wrote_is_shown_and_never_becomes_markup(stage: Stage) -> None:
    line = a_checkout()["lines"][0] | {"name": '<script>alert("x")</script>', "description": "{{ 7 * 7 }}"}
    _, path = await a_page(stage, lines=[line])
    answer = await stage.client.get(path)
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "{{ 7 * 7 }}" in answer.text


async def test_pages_let_nothing_in_and_leave_no_trace(stage: Stage) -> None:
    _, path = await a_page(stage)
    for answer in (await stage.client.get(path), await stage.client.get("/pay/nobody")):
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["form-action"] == f"'self' {PROVIDER_ORIGIN}"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["img-src"] == "'self' data:"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_policy_lets_through_exactly_the_merchants_colour(stage: Stage) -> None:
    _, path = await a_page(stage)
    answer = await stage.client.get(path)
    style = re.findall(r"<style>(.*?)</style>", answer.text)
    assert style == [AccentStyle.of("#0f5c4d").css]
    assert AccentStyle.of("#0f5c4d").source in answer.headers["content-security-policy"]


async def test_the_style_sheet_is_ours_and_there(stage: Stage) -> None:
    _, path = await a_page(stage)
    sheets = [
        link["href"]
        for link in Tags((await stage.client.get(path)).text).all("link")
        if link["rel"] == "stylesheet" and link["href"]
    ]
    answer = await stage.client.get(sheets[0])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("accent", ["#0f5c4d", "#facc15", "#ffffff", "#000000", "#808080", "#1d4fc4"])
def test_text_on_the_accent_colour_is_readable(accent: str) -> None:
    css = AccentStyle.of(accent).css
    found = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", css))
    assert found["accent"] == accent
    assert contrast(found["accent"], found["on-accent"]) >= 4.5
    assert contrast(found["accent-text"], "#ffffff") >= 4.5


@pytest.mark.parametrize("accent", ["red", "#fff", "#12345g", "#000000}body{display:none", "url(x)"])
def test_an_accent_that_is_no_plain_colour_is_not_used(accent: str) -> None:
    assert f"--accent:{FALLBACK};" in AccentStyle.of(accent).css


# States


@pytest.mark.parametrize(
    ("status", "language", "words"),
    [
        *((status, "de", "Vielen Dank, Ihre Zahlung ist eingegangen") for status in PAID),
        *((status, "en", "Thank you, your payment has arrived") for status in PAID),
        ("expired", "de", "Dieser Zahlungslink ist abgelaufen"),
        ("expired", "en", "This payment link has expired"),
        ("canceled", "de", "Diese Bestellung wurde storniert"),
        ("canceled", "en", "This order was canceled"),
        ("needs_review", "de", "Wir prüfen Ihre Zahlung"),
        ("needs_review", "en", "We are looking into your payment"),
        ("completed", "fr", "Merci, votre paiement est bien arrivé"),
        ("expired", "fr", "Ce lien de paiement a expiré"),
    ],
)
async def test_a_checkout_that_cannot_be_paid_says_why(stage: Stage, status: str, language: str, words: str) -> None:
    checkout, path = await a_page(stage, language)
    stage.world.change(checkout.id, CheckoutStatus(status))
    for answer in (await stage.client.get(path), await stage.client.post(path)):
        assert answer.status_code == 200
        assert words in text_of(answer)
        assert not Tags(answer.text).all("form")
    assert not stage.runs.sessions


@pytest.mark.parametrize(
    ("accept", "words"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "Diesen Zahlungslink gibt es nicht"),
        ("pl, de;q=0.5", "Diesen Zahlungslink gibt es nicht"),
        ("fr, de;q=0.5", "Ce lien de paiement n’existe pas"),
        ("en-US,de", "This payment link does not exist"),
        ("", "This payment link does not exist"),
        ("\x7f;;q=,,", "This payment link does not exist"),
    ],
)
@pytest.mark.parametrize("path", ["/pay/nobody", "/pay/nobody/return", "/pay/nobody/cancel", "/pay/a/b/c", "/pay/%00"])
async def test_an_unknown_link_is_a_page_too(stage: Stage, path: str, accept: str, words: str) -> None:
    answer = await stage.client.get(path, headers={"Accept-Language": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert words in text_of(answer)


@pytest.mark.parametrize(("fault", "status"), [(DatabaseAway(), 503), (RuntimeError("secret"), 500)])
async def test_a_fault_behind_the_page_is_a_page_and_tells_nothing(stage: Stage, fault: Exception, status: int) -> None:
    _, path = await a_page(stage)
    stage.reader.fault = fault
    answer = await stage.client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("status", "words"), [("expired", "has expired"), ("completed", "Thank you")])
async def test_a_run_that_ends_meanwhile_is_told_by_what_it_wrote_down(stage: Stage, status: str, words: str) -> None:
    for number, way in enumerate(("", "/return")):
        checkout, path = await a_page(stage, "en", redirects=None, assignment_key=f"SO-{number}")
        stage.runs.ends[checkout.workflow_id] = CheckoutStatus(status)
        answer = await stage.client.request("GET" if way else "POST", f"{path}{way}")
        assert answer.status_code == 200
        assert words in text_of(answer)


# To the provider


async def test_paying_leads_to_the_one_provider_session_however_often_pressed(stage: Stage) -> None:
    checkout, path = await a_page(stage)
    answers = [await stage.client.post(path) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {f"{PROVIDER_ORIGIN}/c/0"}
    assert stage.runs.sessions == [checkout.workflow_id]


@pytest.mark.parametrize(("language", "words"), [("de", "Erneut versuchen"), ("en", "Try again")])
async def test_without_the_workflow_service_the_customer_is_asked_to_try_again(
    stage: Stage, language: str, words: str
) -> None:
    _, path = await a_page(stage, language)
    stage.runs.down = True
    answer = await stage.client.post(path)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert words in text_of(answer)
    assert {"class": "button", "href": path} in Tags(answer.text).all("a")


# Back from the provider


def result_of(answer: httpx.Response, key: str = RESULT_KEYS["nordwerk"]) -> tuple[str, dict[str, Any]]:
    """The address the customer is sent to, without our parameters, and the verified claims of the result."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    query = parse_qs(parts.query)
    claims = jwt.decode(
        query["result"][0],
        key,
        algorithms=["HS256"],
        issuer=PUBLIC_URL,
        options={"require": ["exp", "iat", "iss"]},
    )
    assert query["checkout"] == [claims["checkout"]]
    return f"{parts.scheme}://{parts.netloc}{parts.path}", claims


async def test_a_payment_that_the_provider_confirms_leads_to_the_shop_with_a_signed_result(stage: Stage) -> None:
    checkout, path = await a_page(stage)
    stage.runs.provider_says[checkout.workflow_id] = CheckoutStatus.CAPTURED
    address, claims = result_of(await stage.client.get(f"{path}/return"))
    assert address == "https://shop.example/ok"
    assert claims["checkout"] == checkout.id
    assert claims["assignment_key"] == "SO-88213"
    assert claims["status"] == "captured"
    assert (claims["amount"], claims["currency"]) == ("839.00", "EUR")
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert stage.runs.asked == [checkout.workflow_id]


async def test_a_result_is_not_accepted_with_another_merchants_key(stage: Stage) -> None:
    checkout, path = await a_page(stage)
    stage.world.change(checkout.id, CheckoutStatus.COMPLETED)
    answer = await stage.client.get(f"{path}/return")
    assert result_of(answer)[1]["status"] == "completed"
    with pytest.raises(jwt.InvalidSignatureError):
        result_of(answer, key=RESULT_KEYS["suedwerk"])


@pytest.mark.parametrize("status", ["expired", "canceled"])
async def test_a_payment_that_came_to_nothing_leads_to_the_shops_error_handling(stage: Stage, status: str) -> None:
    checkout, path = await a_page(stage)
    stage.runs.provider_says[checkout.workflow_id] = CheckoutStatus(status)
    address, claims = result_of(await stage.client.get(f"{path}/return"))
    assert address == "https://shop.example/failed"
    assert claims["status"] == status


async def test_a_redirect_keeps_the_query_the_shop_gave_it(stage: Stage) -> None:
    redirects = a_checkout()["redirects"] | {"success": "https://shop.example/ok?lang=de&a=b%20c"}
    checkout, path = await a_page(stage, redirects=redirects)
    stage.world.change(checkout.id, CheckoutStatus.COMPLETED)
    location = (await stage.client.get(f"{path}/return")).headers["location"]
    assert location.startswith(f"https://shop.example/ok?lang=de&a=b%20c&checkout={checkout.id}&result=ey")


async def test_a_payment_under_review_is_explained_before_the_customer_leaves(stage: Stage) -> None:
    checkout, path = await a_page(stage, "en")
    stage.world.change(checkout.id, CheckoutStatus.NEEDS_REVIEW)
    answer = await stage.client.get(f"{path}/return")
    assert answer.status_code == 200
    assert "Please do not pay a second time" in text_of(answer)
    link = Tags(answer.text).all("a")[0]["href"]
    assert link is not None
    assert link.startswith("https://shop.example/failed?checkout=")


@pytest.mark.parametrize(("status", "words"), [("captured", "Thank you"), ("expired", "has expired")])
async def test_without_redirects_the_result_is_our_own_page(stage: Stage, status: str, words: str) -> None:
    checkout, path = await a_page(stage, "en", redirects=None)
    stage.runs.provider_says[checkout.workflow_id] = CheckoutStatus(status)
    answer = await stage.client.get(f"{path}/return")
    assert answer.status_code == 200
    assert words in text_of(answer)
    assert "shop.example" not in answer.text


@pytest.mark.parametrize(("language", "words"), [("de", "Wir warten auf"), ("en", "We are waiting for")])
async def test_a_payment_that_is_not_confirmed_yet_is_waited_for(stage: Stage, language: str, words: str) -> None:
    _, path = await a_page(stage, language)
    answer = await stage.client.get(f"{path}/return")
    assert answer.status_code == 200
    assert words in text_of(answer)
    refresh = next(meta for meta in Tags(answer.text).all("meta") if meta.get("http-equiv") == "refresh")
    assert refresh["content"] == f"2; url={path}/return?look=1"


async def test_the_waiting_page_comes_back_by_itself_for_a_while_and_then_lets_the_customer_go(stage: Stage) -> None:
    _, path = await a_page(stage, "en")
    answer = await stage.client.get(f"{path}/return?look=44")
    assert "url=" in answer.text
    answer = await stage.client.get(f"{path}/return?look=45")
    assert "http-equiv" not in answer.text
    assert "You can close this page" in text_of(answer)


@pytest.mark.parametrize("look", ["-1", "x", "1e9", "²", "9" * 50, ""])
async def test_a_tampered_count_starts_again(stage: Stage, look: str) -> None:
    _, path = await a_page(stage)
    answer = await stage.client.get(f"{path}/return", params={"look": look})
    assert "look=1" in answer.text


async def test_without_the_workflow_service_the_returning_customer_waits_or_goes_by_what_is_known(
    stage: Stage,
) -> None:
    checkout, path = await a_page(stage)
    stage.runs.down = True
    assert "http-equiv" in (await stage.client.get(f"{path}/return")).text
    stage.world.change(checkout.id, CheckoutStatus.CAPTURED)
    assert result_of(await stage.client.get(f"{path}/return"))[1]["status"] == "captured"


# The four results: success, failure, canceled, still pending


async def test_authorized_money_is_a_success_whose_token_says_that_it_is_not_captured(stage: Stage) -> None:
    checkout, path = await a_page(stage)
    stage.world.promise(checkout.id, Promise.AUTHORIZED)
    address, claims = result_of(await stage.client.get(f"{path}/return"))
    assert address == "https://shop.example/ok"
    assert (claims["status"], claims["outcome"]) == ("awaiting_payment", "authorized")


async def test_a_payment_that_takes_days_leads_where_the_shop_wants_such_customers(stage: Stage) -> None:
    redirects = a_checkout()["redirects"] | {"pending": "https://shop.example/pending?a=b"}
    checkout, path = await a_page(stage, redirects=redirects)
    stage.world.promise(checkout.id, Promise.DELAYED)
    answer = await stage.client.get(f"{path}/return")
    assert answer.headers["location"].startswith(f"https://shop.example/pending?a=b&checkout={checkout.id}&result=ey")
    assert result_of(answer)[1]["outcome"] == "pending"


async def test_a_payment_that_takes_days_is_explained_before_the_customer_leaves(stage: Stage) -> None:
    checkout, path = await a_page(stage, "en")
    stage.world.promise(checkout.id, Promise.DELAYED)
    for answer in (
        await stage.client.get(f"{path}/return"),
        await stage.client.get(path),
        await stage.client.post(path),
    ):
        assert answer.status_code == 200
        assert "Your payment is not confirmed yet" in text_of(answer)
        assert "http-equiv" not in answer.text
        link = Tags(answer.text).all("a")[0]["href"]
        assert link is not None
        assert link.startswith("https://shop.example/ok?checkout=")
    assert not stage.runs.sessions


@pytest.mark.parametrize(
    ("promise", "words"),
    [(Promise.AUTHORIZED, "Your payment is authorized"), (Promise.DELAYED, "Your payment is not confirmed yet")],
)
async def test_without_redirects_promised_money_is_shown_on_our_own_page(
    stage: Stage, promise: Promise, words: str
) -> None:
    checkout, path = await a_page(stage, "en", redirects=None)
    stage.world.promise(checkout.id, promise)
    answer = await stage.client.get(f"{path}/return")
    assert answer.status_code == 200
    assert words in text_of(answer)
    assert not Tags(answer.text).all("form")


@pytest.mark.parametrize("status", [AttemptStatus.FAILED, AttemptStatus.EXPIRED, AttemptStatus.CANCELED])
async def test_an_attempt_that_came_to_nothing_leads_to_the_shops_error_handling_and_leaves_the_link_good(
    stage: Stage, status: AttemptStatus
) -> None:
    checkout, path = await a_page(stage)
    stage.world.attempted(checkout.id, status)
    address, claims = result_of(await stage.client.get(f"{path}/return"))
    assert address == "https://shop.example/failed"
    assert (claims["status"], claims["outcome"]) == ("awaiting_payment", "failure")
    assert (await stage.client.post(path)).status_code == 303


async def test_without_redirects_a_failed_attempt_leads_back_to_the_payment_page(stage: Stage) -> None:
    checkout, path = await a_page(stage, "en", redirects=None)
    stage.world.attempted(checkout.id, AttemptStatus.FAILED, "card_declined")
    answer = await stage.client.get(f"{path}/return")
    assert "Your payment did not work" in text_of(answer)
    assert Tags(answer.text).all("a")[0]["href"] == path


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("captured", "success"), ("completed", "success"), ("expired", "failure"), ("canceled", "failure")],
)
async def test_a_token_says_what_came_of_the_payment(stage: Stage, status: str, outcome: str) -> None:
    checkout, path = await a_page(stage)
    stage.world.change(checkout.id, CheckoutStatus(status))
    assert result_of(await stage.client.get(f"{path}/return"))[1]["outcome"] == outcome


async def test_a_customer_who_presses_pay_while_the_shop_cancels_is_asked_to_come_again(stage: Stage) -> None:
    checkout, path = await a_page(stage, "en")
    stage.runs.refuses_paying = True
    answer = await stage.client.post(path)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    stage.world.promise(checkout.id, Promise.DELAYED)
    assert (await stage.client.post(path)).status_code == 200


async def test_giving_up_leads_to_the_shops_cart(stage: Stage) -> None:
    _, path = await a_page(stage)
    answer = await stage.client.get(f"{path}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example/cart")


async def test_giving_up_without_a_cart_or_after_paying_leads_to_the_payment_page(stage: Stage) -> None:
    _, path = await a_page(stage, redirects=None, assignment_key="SO-1")
    assert (await stage.client.get(f"{path}/cancel")).headers["location"] == path
    checkout, path = await a_page(stage, assignment_key="SO-2")
    stage.world.change(checkout.id, CheckoutStatus.CAPTURED)
    assert (await stage.client.get(f"{path}/cancel")).headers["location"] == path


async def test_pages_are_in_their_own_merchants_colours(stage: Stage) -> None:
    checkout = await stage.checkout(key=SUED_KEY)
    answer = await stage.client.get(page_path(checkout))
    assert "Südwerk AG" in answer.text
    assert "#facc15" in answer.text
    assert "Nordwerk" not in text_of(answer)


# No card data, ever


def test_no_template_and_no_schema_has_a_place_for_card_data(stage: Stage) -> None:
    house = Path(api.__file__).parent
    templates = "".join(path.read_text(encoding="utf-8") for path in (house / "templates").glob("*.html"))
    assert "<form" in templates
    assert "<input" not in templates
    forbidden = re.compile(r"card|cvc|cvv|\bpan\b|iban|expiry_month|cc-number|autocomplete", re.IGNORECASE)
    assert not forbidden.search(re.sub(r'class="[^"]*"', "", templates))
    names = {
        name
        for schema in stage.app.openapi()["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    assert "unit_price" in names
    assert not [name for name in names if forbidden.search(name)]
