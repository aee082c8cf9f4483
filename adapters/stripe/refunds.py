"""What Stripe's refunds mean in the house's words."""

import stripe
from stripe.params import RefundCreateParams

from adapters.stripe.amounts import from_stripe, to_stripe
from adapters.stripe.reports import CHECKOUT_ID
from domain.refunds import RefundOrder, RefundReport, RefundStatus

REFUND_ID = "quittance_refund"
"""The metadata key that carries our own id of a refund."""

_STATUS = {
    "succeeded": RefundStatus.REFUNDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}
"""Everything else is on its way."""


def refund_params(order: RefundOrder) -> RefundCreateParams:
    """What to ask for. Stripe knows the currency from the payment."""
    metadata = {REFUND_ID: order.refund_id}
    if order.checkout_id is not None:
        metadata[CHECKOUT_ID] = order.checkout_id
    return {
        "payment_intent": order.payment_reference,
        "amount": to_stripe(order.amount, order.currency),
        "metadata": metadata,
    }


def refund_report(refund: stripe.Refund) -> RefundReport:
    """What a refund says."""
    currency = refund.currency.upper()
    intent = refund.payment_intent
    return RefundReport(
        reference=refund.id,
        status=_STATUS.get(refund.status or "", RefundStatus.PENDING),
        amount=from_stripe(refund.amount, currency),
        currency=currency,
        failure=getattr(refund, "failure_reason", None),
        refund_id=(refund.metadata.to_dict() if refund.metadata else {}).get(REFUND_ID),
        payment_reference=intent.id if isinstance(intent, stripe.PaymentIntent) else intent,
    )
