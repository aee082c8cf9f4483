"""The audit of a number series: every document where it belongs, saying what it said, with its files as they were.

It walks the documents of a series in the order of their places, each beside the one before it, so it needs little
memory however long the series is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain import proofs
from domain.documents import DocumentKind

EXPECTED_FILES = frozenset({DocumentKind.INVOICE_PDF, DocumentKind.INVOICE_XML})
"""The files that every document must have."""
RENDERED_WITHIN = timedelta(hours=1)
"""How long a finalized document may be without its files before that is a finding."""


class FindingKind(StrEnum):
    """What is wrong."""

    GAP = "gap"
    DUPLICATE = "duplicate"
    EDITED = "edited"
    REORDERED = "reordered"
    ADDED = "added"
    REWRITTEN = "rewritten"
    MISSING_FILE = "missing_file"
    CHANGED_FILE = "changed_file"


REMEDIES: Mapping[FindingKind, str] = {
    FindingKind.GAP: "Restore the document from a backup of the database; if none has it, write down why and when.",
    FindingKind.DUPLICATE: "Find out which of the documents was sent (its files, its delivery); restore the series.",
    FindingKind.EDITED: "Compare with the stored PDF and XML and with a backup, and restore what was finalized.",
    FindingKind.REORDERED: "Compare places, numbers and times with a backup, and restore what was finalized.",
    FindingKind.ADDED: "It did not come by finalization: find out who wrote it, and whether it was sent.",
    FindingKind.REWRITTEN: "The series is not the one of the earlier audit: compare with a backup of that time.",
    FindingKind.MISSING_FILE: "Restore the file from a backup of the document store.",
    FindingKind.CHANGED_FILE: "Restore the file from a backup of the document store; the changed one was never sent.",
}
"""What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it was finalized. `number` is the document it is about."""

    kind: FindingKind
    number: str
    detail: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series as its row has it: what it counted last, and how it is chained."""

    id: str
    merchant_id: str
    kind: str
    legal_entity: str
    period: str
    last_number: int
    last_drawn_at: datetime | None
    documents: int
    last_proof: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPage:
    """One page of a list. `next_cursor` is None on the last page."""

    items: tuple[Series, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A document in its chain. `content` is what `domain.proofs` takes."""

    place: int
    period: str
    sequence: int
    number: str
    finalized_at: datetime
    previous_proof: str | None
    proof: str | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """What a stretch of a series was found to be. `next_cursor` is None when it was the last."""

    series: Series
    checked: int
    findings: tuple[Finding, ...]
    next_cursor: str | None


def check_link(before: Link | None, link: Link) -> Iterator[Finding]:
    """What is wrong with a document, beside the one before it in its series (None: it is the first there is)."""
    yield from _places(before, link)
    yield from _order(before, link)
    yield from _content(before, link)


def check_end(series: Series, last: Link | None) -> Iterator[Finding]:
    """What is wrong with the end of a series, against what its row counted."""
    place = 0 if last is None else last.place
    if place < series.documents:
        yield _missing_at_the_end(series, last, series.documents - place)
    elif last is not None and place > series.documents:
        detail = f"stands at place {place}, but the series has drawn {series.documents} numbers only"
        yield Finding(kind=FindingKind.ADDED, number=last.number, detail=detail)
    elif last is not None and last.proof != series.last_proof:
        detail = "is the last of its series, but the series was chained to another proof"
        yield Finding(kind=FindingKind.EDITED, number=last.number, detail=detail)


def missing_files(link: Link, stored: frozenset[DocumentKind], now: datetime) -> Iterator[Finding]:
    """Files that should be on record and are not."""
    if now - link.finalized_at >= RENDERED_WITHIN:
        for kind in sorted(EXPECTED_FILES - stored):
            detail = f"its {kind} is not on record, though it was finalized {link.finalized_at:%Y-%m-%d %H:%M} UTC"
            yield Finding(kind=FindingKind.MISSING_FILE, number=link.number, detail=detail)


def _places(before: Link | None, link: Link) -> Iterator[Finding]:
    missing = link.place - 1 - (0 if before is None else before.place)
    if before is not None and missing < 0:
        detail = f"stands at place {link.place}, as does {before.number}"
        yield Finding(kind=FindingKind.DUPLICATE, number=link.number, detail=detail)
    elif missing > 0:
        first, last = sibling(link, link.sequence - missing), sibling(link, link.sequence - 1)
        if before is not None and before.period != link.period:
            first = last = f"after {before.number}"
        yield _gap(first, last, missing, f"before {link.number}")


def _order(before: Link | None, link: Link) -> Iterator[Finding]:
    if before is None:
        return
    if link.finalized_at < before.finalized_at:
        detail = f"is later in the series than {before.number}, but was finalized before it"
        yield Finding(kind=FindingKind.REORDERED, number=link.number, detail=detail)
    step = link.sequence - before.sequence
    if link.period != before.period or step == link.place - before.place:
        return
    if step == 0:
        detail = f"has the counter of {before.number}"
        yield Finding(kind=FindingKind.DUPLICATE, number=link.number, detail=detail)
    elif step < 0:
        detail = f"follows {before.number}, though its number is smaller"
        yield Finding(kind=FindingKind.REORDERED, number=link.number, detail=detail)
    else:
        missing = step - (link.place - before.place)
        yield _gap(
            sibling(link, link.sequence - missing), sibling(link, link.sequence - 1), missing, f"before {link.number}"
        )


def _content(before: Link | None, link: Link) -> Iterator[Finding]:
    if link.proof is None:
        if link.previous_proof is not None or (before is not None and before.proof is not None):
            yield Finding(kind=FindingKind.EDITED, number=link.number, detail="its proof was taken away")
        return
    if not proofs.holds(link.proof, link.previous_proof, link.content):
        yield Finding(kind=FindingKind.EDITED, number=link.number, detail="does not say what it said when finalized")
    adjacent = link.place == 1 if before is None else link.place == before.place + 1
    if adjacent and link.previous_proof != (None if before is None else before.proof):
        follows = "nothing" if before is None else before.number
        detail = f"was not chained to {follows}, which stands before it"
        yield Finding(kind=FindingKind.REORDERED, number=link.number, detail=detail)


def _missing_at_the_end(series: Series, last: Link | None, missing: int) -> Finding:
    if last is None:
        return _gap(f"counter {series.last_number} of {series.period}", "", missing, "the whole series")
    if last.period != series.period:
        return _gap(f"after {last.number}", f"after {last.number}", missing, "at the end of the series")
    first, end = sibling(last, last.sequence + 1), sibling(last, last.sequence + missing)
    return _gap(first, end, missing, "at the end of the series")


def _gap(first: str, last: str, missing: int, where: str) -> Finding:
    what = "1 document is" if missing == 1 else f"{missing} documents are"
    reach = "" if last in {first, ""} else f", up to {last}"
    return Finding(kind=FindingKind.GAP, number=first, detail=f"{what} missing {where}{reach}")


def sibling(link: Link, sequence: int) -> str:
    """The number another document of the same period has, made like this one's."""
    counter = str(link.sequence)
    at = link.number.rfind(counter)
    if at < 0:
        return f"counter {sequence} of {link.period}"
    head = link.number[:at]
    zeros = len(head) - len(head.rstrip("0"))
    width = len(counter) + zeros
    return f"{head[: len(head) - zeros]}{str(sequence).zfill(width)}{link.number[at + len(counter) :]}"
