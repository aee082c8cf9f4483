"""What each step of the run takes and gives. Ids and amounts; personal data only where a step creates it.

Every step may be asked again with the same input, after a crash or a lost answer, and then gives the same
result without a second effect.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.errors import BrokenRule
from domain.late_money import Misfit
from domain.payments import PaymentReport, Promise, SessionStatus, SettledBy
from domain.vat_ids import VatEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEntry:
    """Open the receivable of one purchase. `opened_by` tells the request that started the run from repeats.

    `vat_evidence` is what the register said of the buyer's VAT id; None if it was not asked.
    """

    merchant_id: str
    workflow_id: str
    opened_by: str
    request: CheckoutRequest
    vat_evidence: VatEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The receivable, and the checkout it belongs to. `amount` in minor units."""

    checkout_id: str
    entry_id: str
    merchant_id: str
    assignment_key: str
    status: CheckoutStatus
    amount: int
    currency: str
    opened_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLink:
    """Issue the payment link of an entry; it is good until `expires_at` (UTC)."""

    merchant_id: str
    checkout_id: str
    entry_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLink:
    """An issued link. Its secret token stays in the database."""

    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Open a payable session at the provider: the `attempt`-th of the checkout, payable until `expires_at`.

    Of a link for several entries, if `link_id` names one; then checkout and entry are the first of them.
    """

    merchant_id: str
    checkout_id: str
    entry_id: str
    attempt: int
    expires_at: datetime
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session at the provider, and the page where the customer pays."""

    session_id: str
    url: str
    attempt: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSession:
    """Write down a session that was opened, for an entry or for all entries of a link."""

    merchant_id: str
    checkout_id: str
    entry_id: str
    session: Session
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOpenSessions:
    """Which sessions of an entry, or of the entries of a link, can be paid now."""

    merchant_id: str
    entry_id: str
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayableSession:
    """A session noted as open, and the checkout whose money it brings."""

    session_id: str
    checkout_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSessions:
    """What the books know of a checkout's sessions: the last attempt's number, and the one that is open."""

    attempts: int
    open: Session | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Ask the provider what it says now of a session, or of a payment."""

    merchant_id: str
    session_id: str | None = None
    payment_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the provider said. `session_status` is None when a payment was asked for."""

    session_id: str | None = None
    session_status: SessionStatus | None = None
    payment: PaymentReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFindings:
    """Apply what the provider said, and mark the messages that made us look as applied."""

    merchant_id: str
    checkout_id: str
    findings: tuple[Findings, ...]
    event_ids: tuple[str, ...] = ()
    settled_by: SettledBy
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A pending payment whose money will come without the customer doing more. `amount` in minor units.

    `capture` is how much of an authorization the shop wants captured, None until it has said so. `capture_before`
    (UTC) is when the authorization ends at the latest.
    """

    reference: str
    promise: Promise
    amount: int
    currency: str
    capture: int | None = None
    capture_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the money of a checkout stands. `captured` counts money in the entry's currency, minor units.

    `covered` is True when what was captured is enough for what is owed; `misfit` says how money does not fit,
    None when all of it does. `promised` is the money the entry waits for; `needless` names (by the provider's id)
    authorizations that nobody waits for. `stir` names runs (workflow ids) of other checkouts whose entries hold money
    that they may not have heard of.
    """

    status: CheckoutStatus
    captured: int
    covered: bool
    misfit: Misfit | None = None
    promised: tuple[Promised, ...] = ()
    needless: tuple[str, ...] = ()
    stir: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCheckout:
    """A step that needs no more than to know the checkout, or the link that is looked after beside it."""

    merchant_id: str
    checkout_id: str
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End a checkout without money: expired, or canceled with a reason, by somebody."""

    merchant_id: str
    checkout_id: str
    status: CheckoutStatus
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A checkout that ended without enough money. `freed_in` are the other checkouts whose money lay on its entry."""

    freed_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Put a case before a person: why, and what can be chosen. `problems` are the rules a draft broke."""

    merchant_id: str
    checkout_id: str
    reason: str
    options: tuple[str, ...]
    problems: tuple[BrokenRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrder:
    """What was sold."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The entry after the available money was assigned to it. `outstanding` in minor units.

    `misfit` says how money that is left does not fit, None when nothing is left. `unsettled` names payments (by the
    provider's id) whose fee the merchant waits for: until it is known nothing is assigned.
    """

    balanced: bool
    outstanding: int
    misfit: Misfit | None = None
    unsettled: tuple[str, ...] = ()
    collective: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizedInvoice:
    """A document with a number, that will never change, and the credit notes over what was granted before it."""

    invoice_id: str
    number: str
    credit_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvoice:
    """The invoice in force over an order, and whether the mail server has accepted it."""

    invoice_id: str
    number: str
    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfInvoice:
    """A step that needs no more than to know the invoice."""

    merchant_id: str
    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocuments:
    """The hashes of an invoice's stored documents, lower-case hex SHA-256."""

    pdf_sha256: str
    xml_sha256: str
    ubl_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A mail on its way. `answer` is what the mail server said."""

    status: DeliveryStatus
    answer: str | None = None
