"""Deliveries: a document on its way to the customer. Sent means that the mail server said so."""

from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Queued until the mail server accepted the message; error when it refused it for good."""

    QUEUED = "queued"
    SENT = "sent"
    ERROR = "error"
