"""Number series, and what an audit finds in them."""

from pydantic import ConfigDict

from api.representations.base import Moment, Page, Representation
from domain.audit import AuditPage, FindingKind, Series


class SeriesOut(Representation):
    """A number series. `documents` counts all that were ever finalized in it; `last_proof` is the end of its chain."""

    model_config = ConfigDict(title="Series")

    id: str
    kind: str
    legal_entity: str | None
    period: str
    last_number: int
    last_drawn_at: Moment | None
    documents: int
    last_proof: str | None


class SeriesList(Page[SeriesOut]):
    """A page of number series. `next_cursor` is null on the last page."""


class FindingOut(Representation):
    """Something that is not as it was finalized, about the document `number`, and what to do about it."""

    kind: FindingKind
    number: str
    detail: str
    remedy: str


class AuditOut(Representation):
    """What a stretch of a series was found to be. `next_cursor` is null when it was the last."""

    model_config = ConfigDict(title="Audit")

    series: SeriesOut
    checked: int
    findings: list[FindingOut]
    next_cursor: str | None


def series(view: Series) -> SeriesOut:
    """A number series."""
    return SeriesOut(
        id=view.id,
        kind=view.kind,
        legal_entity=view.legal_entity or None,
        period=view.period,
        last_number=view.last_number,
        last_drawn_at=view.last_drawn_at,
        documents=view.documents,
        last_proof=view.last_proof,
    )


def audit(page: AuditPage) -> AuditOut:
    """What an audit found."""
    return AuditOut(
        series=series(page.series),
        checked=page.checked,
        findings=[
            FindingOut(kind=one.kind, number=one.number, detail=one.detail, remedy=one.remedy) for one in page.findings
        ],
        next_cursor=page.next_cursor,
    )
