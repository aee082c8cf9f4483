"""Mailing a document again, links to fetch it, and what mail servers report."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.download_links import DownloadLinks
from domain.views import InvoiceView
from tests.api.conftest import PUBLIC_URL, REPORT_TOKEN, RESULT_KEYS, SUED_KEY, DatabaseAway, Stage, bearer

PDF = b"%PDF-1.7 of the invoice"


@pytest.fixture
async def invoice(stage: Stage) -> InvoiceView:
    checkout = await stage.checkout()
    return stage.world.invoice(checkout.id, number="RE-2026-000001", pdf=PDF, xml=b"<xml/>")


async def test_an_invoice_is_mailed_again_once_per_key(stage: Stage, invoice: InvoiceView) -> None:
    path = f"/v1/invoices/{invoice.id}/deliveries"
    first = await stage.client.post(path, json={"key": "again-1"}, headers=bearer("qk_test_nord"))
    again = await stage.client.post(path, json={"key": "again-1"}, headers=bearer("qk_test_nord"))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert (first.json()["key"], first.json()["status"]) == ("again-1", "queued")
    assert (await stage.get(path)).json() == {"items": [first.json()]}


async def test_an_invoice_is_mailed_to_another_address(stage: Stage, invoice: InvoiceView) -> None:
    path = f"/v1/invoices/{invoice.id}/deliveries"
    body = {"key": "again-1", "email": "office@example.org"}
    sent = await stage.client.post(path, json=body, headers=bearer("qk_test_nord"))
    assert sent.json()["recipient"] == "office@example.org"
    other = await stage.client.post(path, json={**body, "email": "other@example.org"}, headers=bearer("qk_test_nord"))
    assert other.status_code == 409
    assert other.json()["type"] == "urn:quittance:problem:delivery-key-conflict"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/key"),
        ({"key": ""}, "/key"),
        ({"key": "k" * 101}, "/key"),
        ({"key": 7}, "/key"),
        ({"key": "k", "email": "nobody"}, "/email"),
        ({"key": "k", "email": "a@b\r\nBcc: c@d"}, "/email"),
        ({"key": "k", "to": "a@b.de"}, "/to"),
    ],
)
async def test_a_wrong_wish_to_mail_again_is_refused_with_its_place(
    stage: Stage, invoice: InvoiceView, body: dict[str, object], pointer: str
) -> None:
    path = f"/v1/invoices/{invoice.id}/deliveries"
    answer = await stage.client.post(path, json=body, headers=bearer("qk_test_nord"))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert stage.world.deliveries == {}


async def test_another_merchants_invoice_is_neither_mailed_nor_linked(stage: Stage, invoice: InvoiceView) -> None:
    path = f"/v1/invoices/{invoice.id}"
    for resource, body in (("deliveries", {"key": "k"}), ("download-links", {})):
        answer = await stage.client.post(f"{path}/{resource}", json=body, headers=bearer(SUED_KEY))
        assert answer.status_code == 404
    assert (await stage.get(f"{path}/deliveries", key=SUED_KEY)).status_code == 404


async def test_an_invoice_that_is_not_rendered_yet_is_neither_mailed_nor_linked(stage: Stage) -> None:
    checkout = await stage.checkout()
    bare = stage.world.invoice(checkout.id, number="RE-2026-000002", pdf=None, xml=None)
    for resource, body in (("deliveries", {"key": "k"}), ("download-links", {})):
        path = f"/v1/invoices/{bare.id}/{resource}"
        answer = await stage.client.post(path, json=body, headers=bearer("qk_test_nord"))
        assert answer.status_code == 404


async def test_whoever_has_the_link_gets_the_stored_bytes(stage: Stage, invoice: InvoiceView) -> None:
    path = f"/v1/invoices/{invoice.id}/download-links"
    made = await stage.client.post(path, json={"expires_in_seconds": 3600}, headers=bearer("qk_test_nord"))
    assert made.status_code == 201
    assert datetime.fromisoformat(made.json()["expires_at"]) > datetime.now(UTC) + timedelta(minutes=59)
    fetched = await stage.client.get(made.json()["url"])
    assert (fetched.status_code, fetched.content) == (200, PDF)
    assert fetched.headers["content-disposition"] == 'inline; filename="RE-2026-000001.pdf"'
    assert fetched.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("seconds", [0, 59, 366 * 24 * 3600 + 1, -1])
async def test_a_link_lives_between_a_minute_and_a_year(stage: Stage, invoice: InvoiceView, seconds: int) -> None:
    path = f"/v1/invoices/{invoice.id}/download-links"
    answer = await stage.client.post(path, json={"expires_in_seconds": seconds}, headers=bearer("qk_test_nord"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/expires_in_seconds"


async def test_a_link_that_has_expired_says_so(stage: Stage, invoice: InvoiceView) -> None:
    links = DownloadLinks(issuer=PUBLIC_URL, keys=RESULT_KEYS)
    token = links.sign("nordwerk", invoice.id, datetime.now(UTC) - timedelta(seconds=1))
    answer = await stage.client.get(f"/d/{token}")
    assert answer.status_code == 410
    assert answer.json()["type"] == "urn:quittance:problem:link-expired"


def _forged(invoice: InvoiceView) -> dict[str, str]:
    claims = {
        "iss": PUBLIC_URL,
        "aud": "download",
        "merchant": "nordwerk",
        "sub": invoice.id,
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    right = RESULT_KEYS["nordwerk"]
    return {
        "another merchant's key": jwt.encode(claims, RESULT_KEYS["suedwerk"], algorithm="HS256"),
        "no signature": jwt.encode(claims, "", algorithm="none"),
        "a result token": jwt.encode({**claims, "aud": "result"}, right, algorithm="HS256"),
        "no audience": jwt.encode({k: v for k, v in claims.items() if k != "aud"}, right, algorithm="HS256"),
        "no end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, right, algorithm="HS256"),
        "another issuer": jwt.encode({**claims, "iss": "https://evil.example"}, right, algorithm="HS256"),
        "an unknown merchant": jwt.encode({**claims, "merchant": "nobody"}, right, algorithm="HS256"),
        "another's invoice": jwt.encode({**claims, "merchant": "suedwerk"}, RESULT_KEYS["suedwerk"], algorithm="HS256"),
        "garbage": "a.b.c",
    }


async def test_a_made_up_link_leads_nowhere(stage: Stage, invoice: InvoiceView) -> None:
    for what, token in _forged(invoice).items():
        assert (await stage.client.get(f"/d/{token}")).status_code == 404, what


async def test_a_bounce_is_on_record_when_it_is_answered(stage: Stage, invoice: InvoiceView) -> None:
    await stage.client.post(
        f"/v1/invoices/{invoice.id}/deliveries", json={"key": "again-1"}, headers=bearer("qk_test_nord")
    )
    [mail] = stage.world.deliveries[invoice.id]
    report = f"bounced {mail.message_id} 5.1.1 no such mailbox"
    answer = await stage.client.post("/webhooks/mail", content=report, headers=bearer(REPORT_TOKEN))
    assert answer.status_code == 204
    seen = (await stage.get(f"/v1/invoices/{invoice.id}/deliveries")).json()["items"][0]
    assert (seen["status"], seen["answer"]) == ("bounced", "5.1.1 no such mailbox")


@pytest.mark.parametrize("token", ["", "wrong", "qk_test_nord", "\u00fc"])
async def test_a_report_without_the_token_is_refused(stage: Stage, token: str) -> None:
    headers = [(b"Authorization", f"Bearer {token}".encode())]
    answer = await stage.client.post("/webhooks/mail", content="bounced <a@b> x", headers=headers)
    assert answer.status_code == 401


async def test_a_mail_that_is_no_report_is_refused(stage: Stage) -> None:
    answer = await stage.client.post("/webhooks/mail", content="Hello!", headers=bearer(REPORT_TOKEN))
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:quittance:problem:invalid-report"


async def test_without_the_workflow_service_nothing_is_promised(stage: Stage, invoice: InvoiceView) -> None:
    stage.resends.down = True
    path = f"/v1/invoices/{invoice.id}/deliveries"
    answer = await stage.client.post(path, json={"key": "again-1"}, headers=bearer("qk_test_nord"))
    assert answer.status_code == 503
    stage.resends.down = False
    stage.reader.fault = DatabaseAway()
    assert (await stage.client.post(path, json={"key": "again-1"}, headers=bearer("qk_test_nord"))).status_code == 503
