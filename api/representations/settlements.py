"""What was done with entries: reduced, canceled, settled with available money."""

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Representation, amount
from domain.ledger_views import SettlementView
from domain.settlements import ReductionKind, SettlementKind


class MoveOut(Representation):
    """Money that was assigned."""

    payment: str
    entry: str
    amount: Amount


class SettlementOut(Representation):
    """A reduction, a cancelation, or money assigned. `refunds` give back what was set free."""

    model_config = ConfigDict(title="Settlement")

    id: str
    kind: SettlementKind
    key: str | None
    entry: str | None
    reduction: ReductionKind | None
    amount: Amount
    currency: str
    reason: str | None
    by: str
    moves: list[MoveOut]
    refunds: list[str]
    credit_note: str | None
    created_at: Moment


def settlement(view: SettlementView) -> SettlementOut:
    """What was done with entries."""
    return SettlementOut(
        id=view.id,
        kind=view.kind,
        key=view.key,
        entry=view.entry_id,
        reduction=view.reduction,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        reason=view.reason,
        by=view.done_by,
        moves=[
            MoveOut(payment=move.payment_id, entry=move.entry_id, amount=amount(move.amount, view.currency))
            for move in view.moves
        ],
        refunds=list(view.refunds),
        credit_note=view.credit_note_id,
        created_at=view.created_at,
    )
