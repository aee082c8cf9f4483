"""Delivery reports are asked for where the server offers them (RFC 3461) and the configuration wants them."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.mail.smtp import SmtpMailer
from domain.ports import OutgoingMail

MAIL = OutgoingMail(
    message_id="<inv_1@quittance.example>",
    date=datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC),
    sender_name="Meridian",
    sender="rechnung@meridian.example",
    recipient_name="Jana",
    recipient="jana@example.org",
    subject="Rechnung",
    text="Rechnung",
    html="<p>Rechnung</p>",
)


async def envelope(*, offered: bool, wanted: bool) -> list[str]:
    """The MAIL and RCPT commands that a server heard."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example\r\n")
        while line := (await reader.readline()).decode().strip():
            heard.append(line)
            if line == "DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250-mx.example\r\n250 DSN\r\n" if offered and line.startswith("EHLO") else b"250 fine\r\n")
            if line == "QUIT":
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await SmtpMailer(host="127.0.0.1", port=port, delivery_reports=wanted).send(MAIL)
    return [line for line in heard if line.startswith(("MAIL", "RCPT"))]


async def test_reports_are_asked_for_with_headers_alone() -> None:
    mail, recipient = await envelope(offered=True, wanted=True)
    assert mail.startswith("MAIL FROM:<rechnung@meridian.example>")
    assert mail.endswith("RET=HDRS")
    assert recipient == "RCPT TO:<jana@example.org> NOTIFY=SUCCESS,FAILURE"


@pytest.mark.parametrize(("offered", "wanted"), [(True, False), (False, True), (False, False)])
async def test_a_server_is_never_asked_for_what_is_not_wanted_or_offered(offered: bool, wanted: bool) -> None:
    mail, recipient = await envelope(offered=offered, wanted=wanted)
    assert "RET" not in mail
    assert recipient == "RCPT TO:<jana@example.org>"
