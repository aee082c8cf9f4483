"""VAT ids: what the register of the member states (VIES) said of one, and what we ask it about.

The register may be away for hours, so its silence is an answer too: `unverified`, which counts as valid until it
speaks, is asked again by the sweep, and never stops a checkout.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class VatIdStatus(StrEnum):
    """What is known of a VAT id."""

    VALID = "valid"
    INVALID = "invalid"
    UNVERIFIED = "unverified"


class InvalidVatIdPolicy(StrEnum):
    """What a merchant does when the register does not know a buyer's VAT id: charge tax as of a private customer, or
    keep to the reverse charge and have a person decide before the invoice."""

    CHARGE = "charge"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class VatEvidence:
    """What the register said of `vat_id`, when (UTC, by its own clock), to whom (`requester`, the seller's VAT id) and
    under which number (`request_id`), which proves the question. `name` and `address` are what it disclosed.

    Unverified, there is no answer, and `failure` says why in the register's words.
    """

    vat_id: str
    status: VatIdStatus
    requester: str | None = None
    request_id: str | None = None
    answered_at: datetime | None = None
    name: str | None = None
    address: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedVatId:
    """A checkout whose buyer's VAT id nobody has confirmed yet."""

    merchant_id: str
    checkout_id: str
    vat_id: str
    requester: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVatEvidence:
    """Write down what the register said when it was asked again."""

    merchant_id: str
    checkout_id: str
    evidence: VatEvidence
    at: datetime


INVALID_VAT_ID = "vat_id_invalid"
"""The kind of the case, and the rule a draft breaks, when a reversed charge rests on an id that is none."""

FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=6)


def retry_after(tries: int) -> timedelta:
    """How long to wait before the register is asked again: doubled with each try, up to six hours."""
    return min(FIRST_RETRY * int(2 ** min(tries, 10)), LONGEST_RETRY)
