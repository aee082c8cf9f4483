"""Captures of authorized payments: what is asked of Stripe, and whether it was done."""

from collections.abc import Awaitable, Callable

import stripe
from stripe.params import PaymentIntentCaptureParams

from adapters.stripe.amounts import to_stripe
from domain.captures import CaptureOrder


def capture_params(order: CaptureOrder) -> PaymentIntentCaptureParams:
    """What to ask for. Stripe knows the currency from the payment, and releases what is not captured."""
    return {"amount_to_capture": to_stripe(order.amount, order.currency)}


async def was_captured(read: Callable[[], Awaitable[stripe.PaymentIntent]]) -> stripe.PaymentIntent | None:
    """The payment, if nothing of it waits for a capture any more."""
    intent = await read()
    return None if intent.status == "requires_capture" else intent
