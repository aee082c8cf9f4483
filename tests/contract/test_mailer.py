"""What every mailer does: `domain.ports.Mailer`. The real one talks SMTP to the sandbox's mail server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol

import pytest

from adapters.mail.smtp import SmtpMailer
from domain.errors import MailDeferred, MailRefused
from domain.ports import Attachment, Mailer, OutgoingMail
from sandbox.mail.faults import Fault, Faults, Moment
from sandbox.mail.smtp import listening
from sandbox.mail.store import MailStore
from tests.fakes.post import FakeMailer

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\r\n.\r\n" + bytes(range(256)) * 300
MAIL = OutgoingMail(
    message_id="<inv_1@quittance.example>",
    date=datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC),
    sender_name="Meridian Werkstatt GmbH",
    sender="rechnung@meridian.example",
    recipient_name="Jana Köhler, Atelier „Nordlicht“",
    recipient="jana@example.org",
    subject="Ihre Rechnung RE-2026-000001 von Meridian: vielen Dank für Ihre Bestellung, die wir gern ausführten",
    text="Guten Tag Jana Köhler,\n\n.\n..\nFrom hier an: 839,00 €\n" + "lang " * 300 + "\n",
    html='<p>Guten Tag, <b>839,00\N{NO-BREAK SPACE}€</b></p>\n.\n<p title="„x“">' + "lang " * 300 + "</p>\n",
    attachments=(Attachment(name="RE-2026-000001.pdf", media_type="application/pdf", content=PDF),),
)


class Side(Protocol):
    """A mailer, and the mail server behind it."""

    @property
    def mailer(self) -> Mailer:
        """The mailer."""

    def fail(self, answer: str, moment: Moment = Moment.MESSAGE) -> None:
        """Have the server answer the next mail so; `close` drops the connection."""

    def arrived(self) -> list[OutgoingMail]:
        """What the server accepted, oldest first, read back."""


class Fake:
    """The fake: what it is told to raise is what the server would have answered."""

    def __init__(self) -> None:
        self.mailer = FakeMailer()

    def fail(self, answer: str, moment: Moment = Moment.MESSAGE) -> None:
        self.mailer.answers.append((MailRefused if answer.startswith("5") else MailDeferred)(answer))

    def arrived(self) -> list[OutgoingMail]:
        return self.mailer.sent


@dataclass
class Smtp:
    """The real one."""

    mailer: SmtpMailer
    store: MailStore
    faults: Faults

    def fail(self, answer: str, moment: Moment = Moment.MESSAGE) -> None:
        self.faults.add(Fault(moment=moment, answer=answer))

    def arrived(self) -> list[OutgoingMail]:
        mails = [self.store.raw(summary.id) for summary in reversed(self.store.summaries())]
        return [_read_back(message_from_bytes(raw or b"", policy=default)) for raw in mails]


def _read_back(mime: EmailMessage) -> OutgoingMail:
    """The mail as its reader's program sees it, by the standard library alone; MIME ends lines with CRLF."""
    text, html = mime.get_body(("plain",)), mime.get_body(("html",))
    assert text is not None
    assert html is not None
    (sender,), (recipient,) = mime["From"].addresses, mime["To"].addresses
    return OutgoingMail(
        message_id=mime["Message-ID"].strip(),
        date=parsedate_to_datetime(mime["Date"]),
        sender_name=sender.display_name,
        sender=sender.addr_spec,
        recipient_name=recipient.display_name,
        recipient=recipient.addr_spec,
        subject=mime["Subject"],
        text=text.get_content().replace("\r\n", "\n"),
        html=html.get_content().replace("\r\n", "\n"),
        attachments=tuple(
            Attachment(name=part.get_filename() or "", media_type=part.get_content_type(), content=part.get_content())
            for part in mime.iter_attachments()
        ),
    )


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[Smtp]:
    store, faults = MailStore(tmp_path), Faults()
    async with listening(store, faults, port=0) as port:
        yield Smtp(SmtpMailer(host="127.0.0.1", port=port), store, faults)


@pytest.fixture(params=["fake", "smtp"])
def side(request: pytest.FixtureRequest) -> Side:
    made: Side = Fake() if request.param == "fake" else request.getfixturevalue("smtp")
    return made


async def test_a_mail_arrives_as_it_was_written(side: Side) -> None:
    await side.mailer.send(MAIL)
    assert side.arrived() == [MAIL]


async def test_the_servers_answer_is_the_evidence(side: Side) -> None:
    assert (await side.mailer.send(MAIL)).startswith("250 OK: kept as ")


async def test_sending_again_repeats_message_id_and_date_so_that_the_copy_is_known(side: Side) -> None:
    await side.mailer.send(MAIL)
    await side.mailer.send(MAIL)
    first, second = side.arrived()
    assert (first.message_id, first.date) == (second.message_id, second.date)


@pytest.mark.parametrize("moment", [Moment.RECIPIENT, Moment.MESSAGE])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("421 4.3.2 going down", MailDeferred),
        ("451 4.3.0 try later", MailDeferred),
        ("452 4.2.2 mailbox full", MailDeferred),
        ("550 5.1.1 no such mailbox", MailRefused),
        ("554 5.7.1 looks like spam", MailRefused),
    ],
)
async def test_4xx_is_for_later_and_5xx_for_good_and_the_answer_is_told(
    side: Side, moment: Moment, answer: str, error: type[MailDeferred | MailRefused]
) -> None:
    side.fail(answer, moment)
    with pytest.raises(error) as refused:
        await side.mailer.send(MAIL)
    assert refused.value.answer == answer
    assert side.arrived() == []
    await side.mailer.send(MAIL)
    assert side.arrived() == [MAIL]


@pytest.mark.parametrize("moment", [Moment.RECIPIENT, Moment.MESSAGE])
async def test_a_connection_that_breaks_is_for_later(side: Side, moment: Moment) -> None:
    side.fail("close", moment)
    with pytest.raises(MailDeferred):
        await side.mailer.send(MAIL)
    await side.mailer.send(MAIL)
    assert side.arrived() == [MAIL]


# What only happens on a wire


async def test_a_mail_that_was_kept_before_the_connection_broke_is_for_later_too(smtp: Smtp) -> None:
    smtp.fail("close", Moment.ACCEPTED)
    with pytest.raises(MailDeferred):
        await smtp.mailer.send(MAIL)
    await smtp.mailer.send(MAIL)
    first, second = smtp.arrived()
    assert first == second == MAIL


async def test_the_message_has_alternatives_of_text_and_html_beside_its_attachment(smtp: Smtp) -> None:
    await smtp.mailer.send(MAIL)
    (summary,) = smtp.store.summaries()
    raw = smtp.store.raw(summary.id) or b""
    mime = message_from_bytes(raw, policy=default)
    assert mime.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in mime.iter_parts()] == ["multipart/alternative", "application/pdf"]
    (alternatives, pdf) = mime.iter_parts()
    assert [part.get_content_type() for part in alternatives.iter_parts()] == ["text/plain", "text/html"]
    assert pdf.get_content_disposition() == "attachment"
    assert mime["Auto-Submitted"] == "auto-generated"
    assert not mime.defects
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1
    assert raw.replace(b"\r\n", b"").isascii()


@pytest.mark.parametrize("name", ["Jana\r\nBcc: other@example.org", "Jana\nKöhler"])
async def test_a_name_cannot_smuggle_in_a_header(smtp: Smtp, name: str) -> None:
    with pytest.raises(MailRefused):
        await smtp.mailer.send(replace(MAIL, recipient_name=name))
    assert smtp.arrived() == []


async def test_a_server_that_is_not_there_is_for_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(MailDeferred):
        await SmtpMailer(host="127.0.0.1", port=port).send(MAIL)


@pytest.mark.parametrize("greeting", [b"", b"554 5.3.2 no service here\r\n", b"421 busy\r\n", b"220 hello\r\n"])
async def test_a_server_that_will_not_or_does_not_talk_is_for_later(greeting: bytes) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await ending.wait()
        writer.close()

    ending = asyncio.Event()
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        stack.callback(ending.set)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MailDeferred):
            await SmtpMailer(host="127.0.0.1", port=port, timeout=0.2).send(MAIL)
