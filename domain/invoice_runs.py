"""Invoice runs: what is asked for, how far one is, and what became of each order.

A run first plans: every billable order up to a day that passes the filter is noted. Then it bills what is planned,
then it sends what it billed. Everything is kept in the books, so a run that dies goes on where it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256

from domain.billing import RunMode
from domain.currencies import is_currency
from domain.errors import Difference, InvalidInput
from domain.particulars import LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE, MOST_METADATA
from domain.violations import Violations, escaped

KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
"""What shops name runs by; match with `fullmatch`."""
RUN_ID_PREFIX = "irn_"
LONGEST_CUSTOMER = 254


class RunPhase(StrEnum):
    """How far a run is. A dry run has nothing to send."""

    PLANNING = "planning"
    BILLING = "billing"
    SENDING = "sending"
    COMPLETED = "completed"


class RunOrderStatus(StrEnum):
    """What became of an order in a run.

    Planned: still to be billed. Billable: a dry run would bill it. Billed: its invoice is finalized, and sent when the
    mail server has it; unsent when that failed for good. Failed: it broke a rule, which stands at the order. Skipped:
    it was not billable any more when its turn came.
    """

    PLANNED = "planned"
    BILLABLE = "billable"
    BILLED = "billed"
    SENT = "sent"
    UNSENT = "unsent"
    FAILED = "failed"
    SKIPPED = "skipped"


INVOICED = frozenset({RunOrderStatus.BILLED, RunOrderStatus.SENT, RunOrderStatus.UNSENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a run looks at; all that is given must fit. `customer` is a customer number or mail address,
    `ordered_until` a day of the seller's calendar, `metadata` what the checkout was given."""

    customer: str | None = None
    assignment_key_prefix: str | None = None
    currency: str | None = None
    ordered_until: date | None = None
    metadata: dict[str, str] = field(default_factory=dict)


EVERYTHING = OrderFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRunRequest:
    """A run, as a shop states it. `key` is its own idempotency key.

    `until` is the last day that is billed, of the seller's calendar: an order's day is that of its service, else the
    day it was ordered; None is today. A dry run draws no number and changes no order.
    """

    key: str
    mode: RunMode
    until: date | None = None
    filter: OrderFilter = EVERYTHING
    dry_run: bool = False


def check(request: InvoiceRunRequest) -> None:
    """Raise InvalidInput with all that is wrong, with JSON Pointers into the body of `POST /v1/invoice-runs`."""
    violations, wanted = Violations(), request.filter
    if not KEY.fullmatch(request.key):
        violations.add("/key", "must be 1 to 100 letters, digits or . _ : -")
    violations.check_identifier("/filter/customer", wanted.customer, most=LONGEST_CUSTOMER, optional=True)
    if wanted.assignment_key_prefix is not None and not KEY.fullmatch(wanted.assignment_key_prefix):
        violations.add("/filter/assignment_key_prefix", "must be 1 to 100 letters, digits or . _ : -")
    if wanted.currency is not None and not is_currency(wanted.currency):
        violations.add("/filter/currency", 'must be the code of an ISO 4217 currency in upper case such as "EUR"')
    if len(wanted.metadata) > MOST_METADATA:
        violations.add("/filter/metadata", f"must not have more than {MOST_METADATA} entries")
    for key, value in wanted.metadata.items():
        violations.check_identifier("/filter/metadata", key, most=LONGEST_METADATA_KEY)
        pointer = f"/filter/metadata/{escaped(key)}"
        violations.check_identifier(pointer, value, most=LONGEST_METADATA_VALUE)
    if violations.found:
        raise InvalidInput(violations.found)


def differences(accepted: InvoiceRunRequest, received: InvoiceRunRequest) -> tuple[Difference, ...]:
    """The fields in which two requests under one key ask for different runs."""
    return tuple(_differences(accepted, received))


def _differences(accepted: InvoiceRunRequest, received: InvoiceRunRequest) -> Iterator[Difference]:
    for pointer, ours, theirs in (
        ("/mode", accepted.mode, received.mode),
        ("/until", _said(accepted.until), _said(received.until)),
        ("/dry_run", accepted.dry_run, received.dry_run),
        ("/filter/customer", accepted.filter.customer, received.filter.customer),
        (
            "/filter/assignment_key_prefix",
            accepted.filter.assignment_key_prefix,
            received.filter.assignment_key_prefix,
        ),
        ("/filter/currency", accepted.filter.currency, received.filter.currency),
        ("/filter/ordered_until", _said(accepted.filter.ordered_until), _said(received.filter.ordered_until)),
        ("/filter/metadata", accepted.filter.metadata, received.filter.metadata),
    ):
        if ours != theirs:
            yield Difference(pointer=pointer, accepted=ours, received=theirs)


def _said(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def run_id(merchant_id: str, key: str) -> str:
    """The id of a merchant's run of this key: always the same, so that asking again finds it."""
    return RUN_ID_PREFIX + sha256(f"{merchant_id}/{key}".encode()).hexdigest()[:24]


# The steps of a run


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoiceRun:
    """Write a run down, or find it. `opened_by` tells the request that started it from repeats."""

    merchant_id: str
    run_id: str
    workflow_id: str
    opened_by: str
    request: InvoiceRunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class OfInvoiceRun:
    """A step that needs no more than to know the run; it takes on at most `most` of what is to be done."""

    merchant_id: str
    run_id: str
    most: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStanding:
    """How far a run is; `orders` counts what became of the orders."""

    phase: RunPhase
    opened_by: str
    dry_run: bool
    orders: dict[RunOrderStatus, int]

    def count(self, *statuses: RunOrderStatus) -> int:
        """How many orders have one of these statuses."""
        return sum(self.orders.get(status, 0) for status in statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedNote:
    """A credit note over a credit that was granted before the invoice: its document, and whose credit that was."""

    invoice_id: str
    checkout_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Invoices of a run that nobody has sent yet, with the credit notes that go with them, by invoice."""

    invoice_ids: tuple[str, ...]
    credit_notes: dict[str, tuple[GrantedNote, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSent:
    """What became of sending invoices: by id, None for sent, else the error that ended it."""

    merchant_id: str
    run_id: str
    outcomes: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The workflow ids of checkouts that wait for their invoice."""

    workflow_ids: tuple[str, ...]
