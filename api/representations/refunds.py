"""Refunds."""

from api.representations.base import Amount, Moment, Representation, amount
from domain.refunds import RefundOrigin, RefundStatus
from domain.views import RefundView


class CreditNoteOut(Representation):
    """A document that takes back what a refund gave back; read it as an invoice."""

    id: str
    number: str


class RefundOut(Representation):
    """Money given back. `key` is the shop's, null for a refund that was made otherwise; `failure` says why the
    money did not go, or came back."""

    id: str
    checkout: str | None
    payment: str
    key: str | None
    status: RefundStatus
    origin: RefundOrigin
    amount: Amount
    currency: str
    reason: str | None
    failure: str | None
    approved_by: str | None
    credit_notes: list[CreditNoteOut]
    created_at: Moment
    updated_at: Moment


def refund(view: RefundView) -> RefundOut:
    """A refund as its shop sees it."""
    return RefundOut(
        id=view.id,
        checkout=view.checkout_id,
        payment=view.payment_id,
        key=view.key,
        status=view.status,
        origin=view.origin,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        reason=view.reason,
        failure=view.failure,
        approved_by=view.approved_by,
        credit_notes=[CreditNoteOut(id=note.id, number=note.number) for note in view.credit_notes],
        created_at=view.created_at,
        updated_at=view.updated_at,
    )
