"""Reports of mail servers: what became of a message they took over (RFC 3464, in a multipart/report of RFC 6522)."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default

from domain.deliveries import DeliveryReport, DeliveryStatus
from domain.errors import InvalidReport

_OUTCOMES = {"failed": DeliveryStatus.BOUNCED, "delivered": DeliveryStatus.DELIVERED}
"""By `Action` (RFC 3464, 2.3.3). Delayed, relayed and expanded decide nothing yet."""
_LONGEST_ANSWER = 500


def read_reports(raw: bytes) -> tuple[DeliveryReport, ...]:
    """What a report says of each recipient, as far as it decides something. Raises InvalidReport for another mail.

    Of what it tells only the codes and the server's own words are kept; addresses stay where they are.
    """
    mail = message_from_bytes(raw, policy=default)
    if mail.get_content_type() != "multipart/report" or str(mail.get_param("report-type", "")) != "delivery-status":
        raise InvalidReport("not a delivery report: multipart/report with report-type=delivery-status is expected")
    parts = list(mail.walk())
    message_id = _original_message_id(parts)
    if message_id is None:
        raise InvalidReport("the report does not hold the headers of the message it is about")
    return tuple(
        DeliveryReport(message_id=message_id, status=outcome, answer=_answer(fields))
        for fields in _recipients(parts)
        if (outcome := _OUTCOMES.get(_text(fields, "Action").lower()))
    )


def _recipients(parts: list[EmailMessage]) -> Iterator[Message]:
    """The groups of fields that speak of a recipient; the first group speaks of the message."""
    for part in parts:
        groups = part.get_payload()
        if part.get_content_type() == "message/delivery-status" and isinstance(groups, list):
            yield from (group for group in groups if isinstance(group, Message) and "Action" in group)


def _original_message_id(parts: list[EmailMessage]) -> str | None:
    """Of the message that was reported on: it rides along whole, or with its headers alone."""
    for part in parts:
        headers = _headers_within(part)
        if headers is not None:
            return str(headers.get("Message-ID", "")).strip() or None
    return None


def _headers_within(part: EmailMessage) -> Message | None:
    content = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(content, list):
        return next((inner for inner in content if isinstance(inner, Message)), None)
    if part.get_content_type() == "text/rfc822-headers":
        text = part.get_payload(decode=True)
        return message_from_bytes(text, policy=default) if isinstance(text, bytes) else None
    return None


def _answer(fields: Message) -> str:
    words = f"{_text(fields, 'Status')} {_text(fields, 'Diagnostic-Code')}".strip()
    return words[:_LONGEST_ANSWER] or "no reason was given"


def _text(fields: Message, name: str) -> str:
    return " ".join(str(fields.get(name, "")).split())
