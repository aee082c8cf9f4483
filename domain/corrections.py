"""Corrections of finalized documents: what a shop asks for, and the steps that carry it out.

A cancelation takes a whole invoice back, and the order can be billed again. A credit note takes a part back: lines, by
quantity or amount, an amount spread over the rates, or all that is left. Both are documents with numbers of their own.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from domain.errors import Difference, Violation
from domain.invoices import InvoiceKind
from domain.refund_requests import KEY, LONGEST_REASON
from domain.steps import OfInvoice
from domain.violations import Violations

MOST_LINES = 1000
NOT_SENT = "document_not_sent"
"""The kind of a case about a correction that could not be written or mailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCredit:
    """What to credit of a line of the invoice: a `quantity`, or an `amount` with tax in major units, both decimal
    strings; neither is all that is left of it."""

    position: int
    quantity: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRequest:
    """A correction, as a shop states it. `key` is its own idempotency key.

    A credit note of neither `lines` nor `amount` (with tax, major units, a decimal string) is over all that is left.
    """

    kind: InvoiceKind
    invoice_id: str
    key: str
    reason: str
    amount: str | None = None
    lines: tuple[LineCredit, ...] = ()


def check(request: CorrectionRequest) -> tuple[Violation, ...]:
    """All that is wrong, as far as it can be known without the books."""
    violations = Violations()
    if not KEY.fullmatch(request.key):
        violations.add("/key", "must be 1 to 100 letters, digits or . _ : -")
    violations.check_text("/reason", request.reason, most=LONGEST_REASON)
    if request.amount is not None and request.lines:
        violations.add("/amount", "must be null where lines are credited")
    if len(request.lines) > MOST_LINES:
        violations.add("/lines", f"must not have more than {MOST_LINES} items")
    seen: set[int] = set()
    for index, line in enumerate(request.lines):
        if line.position in seen:
            violations.add(f"/lines/{index}/position", "must not be named twice")
        seen.add(line.position)
        if line.quantity is not None and line.amount is not None:
            violations.add(f"/lines/{index}/amount", "must be null where a quantity is credited")
    return tuple(violations.found)


def differences(accepted: CorrectionRequest, received: CorrectionRequest) -> tuple[Difference, ...]:
    """The fields in which two requests under one key differ."""
    return tuple(
        Difference(pointer=f"/{name}", accepted=ours, received=theirs)
        for name in ("kind", "invoice_id", "reason", "amount", "lines")
        for ours, theirs in [(_plain(getattr(accepted, name)), _plain(getattr(received, name)))]
        if ours != theirs
    )


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [{"position": line.position, "quantity": line.quantity, "amount": line.amount} for line in value]
    return value


def correction_id(merchant_id: str, key: str) -> str:
    """Our id of the correction with this key: the same whoever asks, so two requests meet in one correction."""
    return f"cor_{sha256(f'{merchant_id}/{key}'.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCorrection:
    """Finalize a correction and move the money it sets free. `opened_by` tells this request from repeats."""

    merchant_id: str
    correction_id: str
    opened_by: str
    request: CorrectionRequest


class RefusalKind(StrEnum):
    """Why a correction was not issued; then nothing was written down."""

    INVALID = "invalid"
    NO_INVOICE = "no_invoice"
    NOT_CORRECTABLE = "not_correctable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A correction that was not issued. `detail` is why the invoice cannot be corrected so, in words."""

    kind: RefusalKind
    violations: tuple[Violation, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCorrection:
    """A finalized correction, or why there is none. `checkouts` are those of its orders, `loose_in` those whose money
    it set free."""

    document: OfInvoice | None = None
    checkouts: tuple[str, ...] = ()
    number: str | None = None
    opened_by: str | None = None
    loose_in: tuple[str, ...] = ()
    refusal: Refusal | None = None
