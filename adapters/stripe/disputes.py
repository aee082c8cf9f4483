"""What Stripe's disputes mean in the house's words."""

from datetime import UTC, datetime

import stripe

from adapters.stripe.amounts import from_stripe, settled_from_stripe
from adapters.stripe.reports import CHECKOUT_ID
from domain.disputes import DisputeReport, DisputeStatus

DISPUTED_PAYMENT = ["payment_intent"]
_STATUS = {
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "warning_closed": DisputeStatus.WITHDRAWN,
    "prevented": DisputeStatus.WITHDRAWN,
}
"""Everything else is some stage of an open one."""


def dispute_report(dispute: stripe.Dispute) -> DisputeReport:
    """What a dispute says; its payment must have been read with it, by `expand`."""
    intent = dispute.payment_intent
    payment = intent if isinstance(intent, stripe.PaymentIntent) else None
    booked = dispute.balance_transactions
    due = dispute.evidence_details.due_by
    currency = dispute.currency.upper()
    return DisputeReport(
        reference=dispute.id,
        payment_reference=payment.id if payment else None,
        status=_STATUS.get(dispute.status, DisputeStatus.OPENED),
        amount=from_stripe(dispute.amount, currency),
        currency=currency,
        withdrawn=sum(entry.amount for entry in booked) < 0,
        reason=dispute.reason,
        opened_at=datetime.fromtimestamp(dispute.created, UTC),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        fee=sum(settled_from_stripe(entry.fee, entry.currency.upper()) for entry in booked) if booked else None,
        checkout_id=payment.metadata.to_dict().get(CHECKOUT_ID) if payment else None,
    )
