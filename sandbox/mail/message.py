"""A stored mail, taken apart for people and programs."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a mail; `size` is in bytes."""

    name: str
    type: str
    size: int
    content_id: str | None
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as its reader sees it. `html` and `text` are None where the mail has no such part."""

    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    date: str
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


def read(raw: bytes) -> Mail:
    """Take a mail apart. Whatever is missing or malformed in it reads as empty."""
    parsed = message_from_bytes(raw, policy=default)
    attachments = tuple(_attachments(parsed))
    html = _content(parsed, "html")
    return Mail(
        message_id=str(parsed.get("Message-ID", "")).strip(),
        sender=str(parsed.get("From", "")),
        to=tuple(_recipients(parsed)),
        subject=str(parsed.get("Subject", "")),
        date=str(parsed.get("Date", "")),
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        text=_content(parsed, "plain"),
        html=None if html is None else _with_pictures(html, attachments),
        attachments=attachments,
    )


def _recipients(parsed: EmailMessage) -> Iterator[str]:
    for header in (parsed["To"], parsed["Cc"]):
        for address in getattr(header, "addresses", ()):
            yield address.addr_spec


def _content(parsed: EmailMessage, subtype: str) -> str | None:
    body = parsed.get_body(preferencelist=("html",) if subtype == "html" else ("plain",))
    return None if body is None else str(body.get_content())


def _attachments(parsed: EmailMessage) -> Iterator[Attachment]:
    bodies = {id(parsed.get_body(("html",))), id(parsed.get_body(("plain",)))}
    for part in parsed.walk():
        if part.is_multipart() or id(part) in bodies:
            continue
        content = part.get_payload(decode=True)
        identity = part.get("Content-ID")
        yield Attachment(
            name=part.get_filename() or "unnamed",
            type=part.get_content_type(),
            size=len(content) if isinstance(content, bytes) else 0,
            content_id=str(identity).strip("<> ") if identity else None,
            content=content if isinstance(content, bytes) else b"",
        )


def _with_pictures(html: str, attachments: tuple[Attachment, ...]) -> str:
    """Put pictures that come along with the mail into the text, as mail programs do."""
    pictures = {a.content_id: a for a in attachments if a.content_id and a.type.startswith("image/")}

    def data_url(match: re.Match[str]) -> str:
        picture = pictures.get(match[1])
        return f"data:{picture.type};base64,{base64.b64encode(picture.content).decode()}" if picture else match[0]

    return re.sub(r"cid:([^\"'\s)>]+)", data_url, html)
