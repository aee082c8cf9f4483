"""Cases."""

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Page, Representation, amount
from domain.cases import CaseStatus
from domain.views import CaseView


class CaseOut(Representation):
    """A finding that a policy or a person decides. `overdue` when nobody decided by `due_at`."""

    model_config = ConfigDict(title="Case")

    id: str
    kind: str
    status: CaseStatus
    checkout: str | None
    payment: str | None
    provider_reference: str | None
    amount: Amount | None
    currency: str | None
    detail: str | None
    options: list[str]
    opened_at: Moment
    due_at: Moment | None
    overdue: bool
    decision: str | None
    reason: str | None
    decided_by: str | None
    decided_at: Moment | None
    settled_at: Moment | None


class CaseList(Page[CaseOut]):
    """A page of cases, newest first. `next_cursor` is null on the last page."""


def case(view: CaseView) -> CaseOut:
    """A case."""
    about_money = view.amount is not None and view.currency is not None
    return CaseOut(
        id=view.id,
        kind=view.kind,
        status=view.status,
        checkout=view.checkout_id,
        payment=view.payment_id,
        provider_reference=view.payment_reference,
        amount=amount(view.amount or 0, view.currency or "") if about_money else None,
        currency=view.currency,
        detail=view.detail,
        options=list(view.options),
        opened_at=view.opened_at,
        due_at=view.due_at,
        overdue=view.overdue,
        decision=view.decision,
        reason=view.reason,
        decided_by=view.decided_by,
        decided_at=view.decided_at,
        settled_at=view.settled_at,
    )
