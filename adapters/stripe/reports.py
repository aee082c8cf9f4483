"""What Stripe's objects mean in the house's words."""

from datetime import UTC, datetime

import stripe
from stripe.checkout import Session as StripeSession

from adapters.stripe.amounts import from_stripe, settled_from_stripe
from domain.errors import ProviderUnavailable
from domain.payments import PaymentReport, PaymentStatus, Promise, SessionReport, SessionStatus

CHECKOUT_ID = "quittance_checkout"
"""The metadata key that carries our checkout's id, on sessions and on their payments."""

_PAYMENT_STATUS = {
    "succeeded": PaymentStatus.COLLECTED,
    "processing": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.PENDING,
    "requires_capture": PaymentStatus.PENDING,
    "requires_confirmation": PaymentStatus.PENDING,
    "canceled": PaymentStatus.CANCELED,
}
_PROMISES = {"requires_capture": Promise.AUTHORIZED, "processing": Promise.DELAYED}
_LAPSED = {"expired", "automatic"}
"""Why Stripe itself cancels a payment; of one that was authorized it means that nobody captured it in time."""


def session_report(session: StripeSession) -> SessionReport:
    """What a session says; its payment must have been read with it, by `expand`."""
    intent = session.payment_intent
    if isinstance(intent, str):
        raise ProviderUnavailable("the session was read without its payment")
    return SessionReport(
        session_id=session.id,
        status=SessionStatus(session.status or "open"),
        payment=None if intent is None else payment_report(intent),
    )


def payment_report(intent: stripe.PaymentIntent) -> PaymentReport | None:
    """What a payment says, read with its latest charge and balance transaction; None if nothing was tried yet."""
    failure = intent.last_payment_error
    if intent.status == "requires_payment_method" and failure is None:
        return None
    charge = intent.latest_charge if isinstance(intent.latest_charge, stripe.Charge) else None
    currency = intent.currency.upper()
    collected = intent.status == "succeeded"
    booked = charge.balance_transaction if charge else None
    known = booked if isinstance(booked, stripe.BalanceTransaction) else None
    fee = settled_from_stripe(known.fee, known.currency.upper()) if known else None
    method, detail = _method(charge)
    return PaymentReport(
        reference=intent.id,
        status=_status(intent, charge),
        amount=from_stripe(intent.amount_received if collected else intent.amount, currency),
        currency=currency,
        captured_at=datetime.fromtimestamp(charge.created, UTC) if charge and collected else None,
        method=method,
        detail=detail,
        fee=fee,
        net=settled_from_stripe(known.amount, known.currency.upper()) - fee if known and fee is not None else None,
        settlement_currency=known.currency.upper() if known else None,
        available_on=datetime.fromtimestamp(known.available_on, UTC).date() if known else None,
        failure=_reason(failure) or intent.cancellation_reason,
        checkout_id=intent.metadata.to_dict().get(CHECKOUT_ID),
        promise=_PROMISES.get(intent.status),
        capture_before=_capture_before(charge) if intent.status == "requires_capture" else None,
    )


def _status(intent: stripe.PaymentIntent, charge: stripe.Charge | None) -> PaymentStatus:
    authorized = charge is not None and charge.paid and not charge.captured
    if intent.status == "canceled" and authorized and intent.cancellation_reason in _LAPSED:
        return PaymentStatus.EXPIRED
    return _PAYMENT_STATUS.get(intent.status, PaymentStatus.FAILED)


def _capture_before(charge: stripe.Charge | None) -> datetime | None:
    details = charge.payment_method_details if charge else None
    card = details.card if details is not None and details.type == "card" else None
    ends = getattr(card, "capture_before", None)
    return datetime.fromtimestamp(ends, UTC) if ends else None


def _method(charge: stripe.Charge | None) -> tuple[str | None, str | None]:
    details = charge.payment_method_details if charge else None
    if details is None:
        return None, None
    card = details.card if details.type == "card" else None
    if card is None or card.last4 is None:
        return details.type, None
    return "card", f"{(card.brand or 'card').title()} •••• {card.last4}"


def _reason(failure: "stripe.PaymentIntent.LastPaymentError | None") -> str | None:
    if failure is None:
        return None
    named = (getattr(failure, name, None) for name in ("decline_code", "code"))  # Stripe leaves out what is not known
    return next((name for name in named if name), failure.type)
