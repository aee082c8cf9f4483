"""What each step of a settlement, and of a link for several entries, takes and gives.

Every step may be asked again with the same input, and then gives the same result without a second effect.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.checkout import Redirects
from domain.errors import Violation
from domain.settlements import Request
from domain.steps import OfInvoice


class Obstacle(StrEnum):
    """Why something was not done, beside what is wrong with the request."""

    INVALID = "invalid"
    NO_ENTRY = "no_entry"
    NO_PAYMENT = "no_payment"
    NO_LINK = "no_link"
    CANCELED = "canceled"
    NEEDED = "needed"
    NOT_CORRECTABLE = "not_correctable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Nothing was done. `reference` names the thing that stands in the way, or says why, where there is one."""

    kind: Obstacle
    reference: str = ""
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoSettlement:
    """Do what was asked for, once: `by` whom, under a `settlement_id` that follows from the key."""

    merchant_id: str
    settlement_id: str
    opened_by: str
    by: str
    request: Request
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """Who has to hear of it: runs to look at their money again, runs that end, refunds that go their way, checkouts
    whose money has to be sorted out, and the buyer whose invoice, of `credited_checkout`, is credited."""

    stir: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    refunds: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    credit_note: OfInvoice | None = None
    credited_checkout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was done is in the books, or why nothing was done."""

    opened_by: str | None = None
    consequences: Consequences = Consequences()
    hindrance: Hindrance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """A payment link for several entries, as a shop asks for it. `key` is its own idempotency key, if it has one."""

    entries: tuple[str, ...]
    expires_in_seconds: int
    redirects: Redirects | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLink:
    """Issue a link for several entries, good until `expires_at` (UTC)."""

    merchant_id: str
    link_id: str
    workflow_id: str
    opened_by: str
    request: LinkRequest
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLink:
    """A step that needs no more than to know the link."""

    merchant_id: str
    link_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedLink:
    """The link is in the books, or why it is not. `lead` is the checkout its payments are kept with."""

    link_id: str = ""
    lead: str = ""
    opened_by: str | None = None
    expires_at: datetime | None = None
    hindrance: Hindrance | None = None
