"""Deliveries: a document on its way to the customer. Sent means that the mail server said so.

A document is mailed once by its run, and again whenever somebody asks for it; each of these is a delivery of its
own, and keeps its own evidence. What mail servers report later (RFC 3464) moves a delivery forward only.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Queued until the mail server accepted the message; error when it refused it for good.

    Delivered and bounced are what the recipient's side reported, where it reports at all.
    """

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    ERROR = "error"


ACCEPTED = frozenset({DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.BOUNCED})
"""The mail server has accepted the message once: it is not handed over again."""

_ALLOWED = {
    DeliveryStatus.QUEUED: {
        DeliveryStatus.SENT,
        DeliveryStatus.ERROR,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.BOUNCED,
    },
    DeliveryStatus.ERROR: {DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.BOUNCED},
    DeliveryStatus.SENT: {DeliveryStatus.DELIVERED, DeliveryStatus.BOUNCED},
    DeliveryStatus.DELIVERED: {DeliveryStatus.BOUNCED},
    DeliveryStatus.BOUNCED: set[DeliveryStatus](),
}
"""A bounce beats everything: a relay may report delivery to a server that later gives the message back. A report can
be quicker than our own record of the hand-over."""


def advance(current: DeliveryStatus, reported: DeliveryStatus) -> DeliveryStatus:
    """The status after what was learned: forward where allowed, unchanged where it is stale."""
    return reported if reported in _ALLOWED[current] else current


FIRST = ""
"""The key of the delivery that a document's own run makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Mail a document. `key` is that of a request to send it again, `recipient` an address other than the buyer's."""

    merchant_id: str
    invoice_id: str
    key: str = FIRST
    recipient: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedDelivery:
    """A delivery that is due, or was: by its `status` it is told whether the message is still to be handed over."""

    delivery_id: str
    message_id: str
    recipient: str
    queued_at: datetime
    status: DeliveryStatus
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What a mail server reports of a message it took over before: delivered, or bounced, in its own words.

    `message_id` is the Message-ID of what we sent, with its angle brackets.
    """

    message_id: str
    status: DeliveryStatus
    answer: str
