"""Cases: what was found and must be decided, by a policy or by a person. The steps that deal with them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.late_money import Decision
from domain.payments import SettledBy
from domain.refunds import RefundReport
from domain.steps import Findings


class CaseStatus(StrEnum):
    """Open until it is decided, decided until that is carried out, then settled."""

    OPEN = "open"
    DECIDED = "decided"
    SETTLED = "settled"


SYSTEM = "system"
"""Decides when there is nothing left to decide."""
POLICY = "policy"
"""Decides as the merchant's configuration says."""
STEP_FAILED = "step_failed"
"""The kind of a case about a step that retries cannot mend."""
RETRY = "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A finding. `fact` names it once and for all; `workflow_id` is the run that waits for the decision.

    `data` may hold `amount` (minor units) with `currency`, and `detail`, words for people. Undecided at
    `due_at`, the case is overdue.
    """

    merchant_id: str
    checkout_id: str | None = None
    payment_id: str | None = None
    fact: str
    kind: str
    options: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    workflow_id: str | None = None
    opened_at: datetime
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCase:
    """A person's decision: `by` says who, `reason` why."""

    merchant_id: str
    case_id: str
    decision: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCase:
    """A step that needs no more than to know the case."""

    merchant_id: str
    case_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOut:
    """Find the money of a checkout, or of one payment unknown to us, that does not fit, and what to do with it."""

    merchant_id: str
    checkout_id: str | None
    payment_reference: str | None
    workflow_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A decision to carry out. `amount` in minor units is what a refund gives back.

    `refund_reference` is the provider's id of a refund that was ordered and is on its way.
    """

    case_id: str
    kind: str
    decision: Decision
    payment_reference: str
    amount: int
    currency: str
    refund_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """What is to be done next about money that does not fit, and what is waited for.

    `waiting` counts undecided cases, `remind_at` is when the next of them is overdue. `needless` names (by the
    provider's id) authorizations that nobody waits for: they are to be released.
    """

    task: Task | None
    on_their_way: tuple[Task, ...]
    waiting: int
    remind_at: datetime | None
    needless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefund:
    """Write down what became of the refund that a case decided."""

    merchant_id: str
    case_id: str
    refund: RefundReport
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePayment:
    """Find the checkout of a payment that was reported without one; without any, write the payment down.

    Findings without a payment tell of no money: nothing is to be done.
    """

    merchant_id: str
    findings: Findings
    event_ids: tuple[str, ...]
    settled_by: SettledBy


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedPayment:
    """Whose a payment is; None when it is nobody's we know."""

    checkout_id: str | None = None
    workflow_id: str | None = None
