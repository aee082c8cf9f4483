"""The mail server and its inbox: accepted means kept, and what can go wrong with mail can be made to."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from fastapi import FastAPI

from sandbox.mail import routes
from sandbox.mail.faults import Faults
from sandbox.mail.smtp import listening
from sandbox.mail.store import MailStore

PDF = b"%PDF-1.7 not much of one\n"
PICTURE = b"\x89PNG\r\n\x1a\n"


@dataclass
class Inbox:
    directory: Path
    port: int
    http: httpx.AsyncClient

    async def send(self, message: EmailMessage) -> str:
        _, answer = await aiosmtplib.send(message, hostname="127.0.0.1", port=self.port, start_tls=False)
        return answer

    @property
    def files(self) -> list[Path]:
        return sorted(self.directory.glob("*.eml"))


@pytest.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[Inbox]:
    store, faults = MailStore(tmp_path), Faults()
    app = FastAPI()
    app.include_router(routes.router(store, faults))
    transport = httpx.ASGITransport(app)
    async with (
        listening(store, faults, port=0) as port,
        httpx.AsyncClient(transport=transport, base_url="http://inbox/mail") as http,
    ):
        yield Inbox(tmp_path, port, http)


def invoice_mail(to: str = "jana@example.org") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Meridian <rechnung@meridian-werkstatt.example>"
    mail["To"] = f"Jana Köhler <{to}>"
    mail["Subject"] = "Ihre Rechnung RE-2026-000001 für „Kontor“"
    mail["Message-ID"] = "<one@meridian-werkstatt.example>"
    mail.set_content("Guten Tag,\n.\nvielen Dank.")
    mail.add_alternative('<p>Guten Tag</p><img src="cid:logo"><script>alert(1)</script>', subtype="html")
    html = mail.get_body(("html",))
    assert html is not None
    html.add_related(PICTURE, "image", "png", cid="<logo>", filename="logo.png")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="RE-2026-000001 ü.pdf")
    return mail


async def test_an_accepted_mail_is_on_disk_byte_for_byte(inbox: Inbox) -> None:
    mail = invoice_mail()
    answer = await inbox.send(mail)
    assert [path.stem for path in inbox.files] == [answer.rpartition(" ")[2]]
    kept = inbox.files[0].read_bytes()
    listed = (await inbox.http.get("/messages")).json()
    raw = await inbox.http.get(f"/messages/{listed[0]['id']}/raw")
    assert raw.content == kept
    assert b"\r\n.\r\n" in base64_free(kept)


def base64_free(raw: bytes) -> bytes:
    return raw.split(b"Content-Type: text/html", maxsplit=1)[0]


async def test_the_list_tells_subject_recipients_and_files(inbox: Inbox) -> None:
    await inbox.send(invoice_mail())
    (mail,) = (await inbox.http.get("/messages")).json()
    assert mail["message_id"] == "<one@meridian-werkstatt.example>"
    assert mail["to"] == ["jana@example.org"]
    assert mail["subject"] == "Ihre Rechnung RE-2026-000001 für „Kontor“"
    assert {"name": "RE-2026-000001 ü.pdf", "type": "application/pdf", "size": len(PDF)} in mail["attachments"]


async def test_attachments_come_out_as_they_went_in(inbox: Inbox) -> None:
    await inbox.send(invoice_mail())
    (listed,) = (await inbox.http.get("/messages")).json()
    mail = (await inbox.http.get(f"/messages/{listed['id']}")).json()
    contents = {a["type"]: (await inbox.http.get(f"http://inbox{a['url']}")).content for a in mail["attachments"]}
    assert contents == {"image/png": PICTURE, "application/pdf": PDF}


async def test_a_mail_is_shown_without_letting_its_scripts_run(inbox: Inbox) -> None:
    await inbox.send(invoice_mail())
    (listed,) = (await inbox.http.get("/messages")).json()
    page = await inbox.http.get(f"/read/{listed['id']}")
    body = await inbox.http.get(f"/messages/{listed['id']}/html")
    assert "<script>" not in page.text
    assert 'sandbox="allow-popups"' in page.text
    assert body.headers["content-security-policy"].startswith("sandbox allow-popups; default-src 'none'")
    assert f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}" in body.text


async def test_the_inbox_page_lists_subjects_safely(inbox: Inbox) -> None:
    mail = EmailMessage()
    mail["From"] = mail["To"] = "a@example.org"
    mail["Subject"] = "<script>alert(1)</script>"
    await inbox.send(mail)
    page = (await inbox.http.get("http://inbox/mail")).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


async def test_newer_mails_come_first_and_all_survive_a_restart(inbox: Inbox) -> None:
    for number in range(3):
        mail = invoice_mail()
        mail.replace_header("Message-ID", f"<{number}@example.org>")
        await inbox.send(mail)
    assert [mail.message_id for mail in MailStore(inbox.directory).summaries()] == [
        "<2@example.org>",
        "<1@example.org>",
        "<0@example.org>",
    ]


@pytest.mark.parametrize("unknown", ["nothing", "..%2F..%2Fetc%2Fpasswd", "20260101T000000000000-00000000"])
async def test_a_mail_that_is_not_there_is_not_found(inbox: Inbox, unknown: str) -> None:
    assert (await inbox.http.get(f"/messages/{unknown}/raw")).status_code == 404
    assert (await inbox.http.get(f"/read/{unknown}")).status_code == 404


async def test_a_recipient_can_be_refused_for_a_while(inbox: Inbox) -> None:
    fault = {"moment": "recipient", "answer": "451 4.2.1 mailbox busy", "times": 1, "recipient": "jana@example.org"}
    assert (await inbox.http.post("/faults", json=fault)).status_code == 201
    await inbox.send(invoice_mail("somebody@example.org"))
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await inbox.send(invoice_mail())
    assert refused.value.recipients[0].code == 451
    await inbox.send(invoice_mail())
    assert len(inbox.files) == 2


async def test_a_mail_can_be_refused_for_good(inbox: Inbox) -> None:
    await inbox.http.post("/faults", json={"answer": "554 5.7.1 spam", "times": 2})
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPDataError, match="spam"):
            await inbox.send(invoice_mail())
    assert not inbox.files
    await inbox.send(invoice_mail())
    assert len(inbox.files) == 1


async def test_the_line_can_drop_before_a_mail_is_kept(inbox: Inbox) -> None:
    await inbox.http.post("/faults", json={"answer": "close"})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await inbox.send(invoice_mail())
    assert not inbox.files


async def test_the_line_can_drop_after_a_mail_is_kept(inbox: Inbox) -> None:
    await inbox.http.post("/faults", json={"moment": "accepted", "answer": "close"})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await inbox.send(invoice_mail())
    assert len(inbox.files) == 1


async def test_faults_can_be_seen_and_taken_back(inbox: Inbox) -> None:
    await inbox.http.post("/faults", json={"answer": "451 later", "times": 5})
    assert [fault["times"] for fault in (await inbox.http.get("/faults")).json()] == [5]
    assert (await inbox.http.delete("/faults")).status_code == 204
    await inbox.send(invoice_mail())
    assert len(inbox.files) == 1


@pytest.mark.parametrize("answer", ["250 fine", "451", "451 a\r\n250 fine", "whatever"])
async def test_only_failures_can_be_told(inbox: Inbox, answer: str) -> None:
    assert (await inbox.http.post("/faults", json={"answer": answer})).status_code == 422
