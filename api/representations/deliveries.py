"""Deliveries of a document by mail, and links to fetch it."""

from api.representations.base import Moment, Representation
from domain.deliveries import DeliveryStatus
from domain.views import SentDeliveryView


class DeliveryOut(Representation):
    """How far the mail with the document is; `sent` means that the mail server accepted it."""

    status: DeliveryStatus
    at: Moment


class SentDeliveryOut(Representation):
    """One mail with a document. `answer` is what the mail server said last; `key` is null for the first mail."""

    id: str
    key: str | None
    status: DeliveryStatus
    recipient: str
    message_id: str
    answer: str | None
    queued_at: Moment
    updated_at: Moment


class DeliveryList(Representation):
    """The deliveries of a document, newest first."""

    items: list[SentDeliveryOut]


class DownloadLinkOut(Representation):
    """Where a document may be fetched, and how long."""

    url: str
    expires_at: Moment


def delivery(view: SentDeliveryView) -> SentDeliveryOut:
    """A mail as its shop sees it."""
    return SentDeliveryOut(
        id=view.id,
        key=view.key or None,
        status=view.status,
        recipient=view.recipient,
        message_id=view.message_id,
        answer=view.answer,
        queued_at=view.queued_at,
        updated_at=view.updated_at,
    )
