"""Stripe's webhooks: is it Stripe's own, is it fresh, and whose business is it?"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import stripe

from adapters.stripe.refunds import REFUND_ID
from adapters.stripe.reports import CHECKOUT_ID
from domain.errors import InvalidWebhook
from domain.payments import EventSubject, ProviderEvent

TOLERANCE_SECONDS = 300
RELEVANT = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.amount_capturable_updated",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.succeeded",
        "charge.updated",
        "charge.failed",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "payout.paid",
        "payout.failed",
        "payout.reconciliation_completed",
    }
)


_SUBJECTS = {"refund": EventSubject.REFUND, "dispute": EventSubject.DISPUTE, "payout": EventSubject.PAYOUT}


class StripeWebhooks:
    """Implements `api.ports.Webhooks`. While a secret rotates, each of a merchant's secrets is good."""

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        self._secrets = secrets

    def verify(self, merchant_id: str, body: bytes, signature: str | None) -> ProviderEvent:
        try:
            payload = body.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidWebhook("the body is not UTF-8") from None
        if not any(_signed(payload, signature, secret) for secret in self._secrets.get(merchant_id, ())):
            raise InvalidWebhook("the signature is missing, wrong, or older than five minutes")
        return _event(payload)


def _signed(payload: str, signature: str | None, secret: str) -> bool:
    if not signature or not signature.isascii() or not secret:
        return False
    try:
        stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def _event(payload: str) -> ProviderEvent:
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError):
        raise InvalidWebhook("the body is not JSON") from None
    return read_event(event, payload)


def read_event(event: Any, payload: str) -> ProviderEvent:
    """What an event of Stripe is about. Raises InvalidWebhook when it is not a snapshot event."""
    if not isinstance(event, dict) or event.get("object") != "event":
        raise InvalidWebhook("not a snapshot event: subscribe the endpoint to snapshot events")
    try:
        subject = event["data"]["object"]
        kind, event_id, name = _text(subject["object"]), _text(event["id"]), _text(event["type"])
    except (KeyError, TypeError):
        raise InvalidWebhook("the event has no id, type or object") from None
    if kind is None or event_id is None or name is None:
        raise InvalidWebhook("the event's id, type or object is not text")
    return ProviderEvent(
        provider="stripe",
        event_id=event_id,
        type=name,
        relevant=name in RELEVANT,
        subject=_SUBJECTS.get(kind, EventSubject.PAYMENT),
        reference=_text(subject.get("id")),
        refund_id=_text(_metadata(subject).get(REFUND_ID)),
        checkout_id=_text(_metadata(subject).get(CHECKOUT_ID)),
        session_id=_text(subject.get("id")) if kind == "checkout.session" else None,
        payment_reference=_payment_reference(kind, subject),
        raw=payload,
    )


def _metadata(subject: dict[str, Any]) -> dict[str, Any]:
    metadata = subject.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _payment_reference(kind: str, subject: dict[str, Any]) -> str | None:
    return _text(subject.get("id") if kind == "payment_intent" else subject.get("payment_intent"))


def _text(value: object) -> str | None:
    """A text that says something and that a database can keep: no NUL, no unpaired surrogate."""
    return value if isinstance(value, str) and value and value.isprintable() else None
