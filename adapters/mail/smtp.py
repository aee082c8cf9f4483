"""Mail by SMTP."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib

from domain.errors import MailDeferred, MailRefused
from domain.ports import OutgoingMail

_ACCEPTED = 250  # RFC 5321, 4.3.2: the only reply by which a server takes a message over


class SmtpMailer:
    """Implements `domain.ports.Mailer`. `start_tls` None means: if the server offers it.

    `delivery_reports` asks a server that offers it (RFC 3461) to report delivery, not failure alone.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        start_tls: bool | None = None,
        timeout: float = 30.0,
        delivery_reports: bool = False,
    ) -> None:
        self._host = host
        self._port = port
        self._username = username
        self._password = password
        self._start_tls = start_tls
        self._timeout = timeout
        self._delivery_reports = delivery_reports

    async def send(self, mail: OutgoingMail) -> str:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            start_tls=self._start_tls,
            timeout=self._timeout,
        )
        try:
            mime = message(mail)
        except ValueError as error:
            raise MailRefused(f"not a mail: {error}") from error
        try:
            async with client:
                mail_options, rcpt_options = self._wishes(client)
                _, answer = await client.send_message(mime, mail_options=mail_options, rcpt_options=rcpt_options)
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            raise _refusal(error.code, error.message) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise _refusal(first.code, first.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDeferred(f"{type(error).__name__}: {error}") from error
        return f"{_ACCEPTED} {answer}"

    def _wishes(self, client: aiosmtplib.SMTP) -> tuple[list[str], list[str]]:
        """Options for message and recipient. Reports come with the headers alone: the document would only come back."""
        if self._delivery_reports and client.supports_extension("dsn"):
            return ["RET=HDRS"], ["NOTIFY=SUCCESS,FAILURE"]
        return [], []


def message(mail: OutgoingMail) -> EmailMessage:
    """The MIME message: text, HTML beside it, and the attachments. Raises ValueError for what no header can hold."""
    mime = EmailMessage(policy=SMTP)
    mime["Message-ID"] = mail.message_id
    mime["Date"] = mail.date
    mime["From"] = Address(display_name=mail.sender_name, addr_spec=mail.sender)
    mime["To"] = Address(display_name=mail.recipient_name, addr_spec=mail.recipient)
    mime["Subject"] = mail.subject
    mime["Auto-Submitted"] = "auto-generated"
    mime.set_content(mail.text)
    mime.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        maintype, subtype = attachment.media_type.split("/", 1)
        mime.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.name)
    return mime


def _refusal(code: int, answer: str) -> MailDeferred | MailRefused:
    said = f"{code} {answer}"
    return MailRefused(said) if 500 <= code < 600 else MailDeferred(said)
