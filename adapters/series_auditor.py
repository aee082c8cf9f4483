"""An audit of whole series for people and auditors: a report as text or JSON, held against an earlier one.

Whoever owns the database can compute all proofs of a series anew. A report that was put away in time shows it: the
proof it saw at the end of a series must still be there, at its place.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from adapters.postgres.audits import PostgresSeriesAudit
from domain.audit import Finding, FindingKind, Series

STRETCH = 1000
"""Documents between two words of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to audit; everything where nothing is said."""

    merchant_id: str | None = None
    series_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A series, how many documents were checked, and what was found."""

    series_id: str
    merchant_id: str
    kind: str
    documents: int
    checked: int
    last_proof: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit saw, at a moment (UTC)."""

    at: datetime
    series: tuple[Audited, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not any(audited.findings for audited in self.series)

    def as_text(self) -> str:
        """A line for every series, and for every finding what it is and what to do."""
        lines = []
        for audited in self.series:
            found = f"{len(audited.findings)} found" if audited.findings else "sound"
            name = f"{audited.merchant_id} {audited.kind} ({audited.series_id})"
            lines.append(f"{name}: {audited.checked} of {audited.documents} documents checked, {found}")
            lines += [f"  {one.kind}: {one.number}: {one.detail}. {one.remedy}" for one in audited.findings]
        return "\n".join(lines) or "there is no such series"

    def as_json(self) -> str:
        """The report for programs, and for `--against` of a later audit."""
        series = [
            asdict(audited) | {"findings": [asdict(one) | {"remedy": one.remedy} for one in audited.findings]}
            for audited in self.series
        ]
        return json.dumps({"at": self.at.isoformat(), "series": series}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A report that was written as JSON. Raises ValueError for anything else."""
        try:
            content = json.loads(text)
            series = tuple(_audited(one) for one in content["series"])
            return cls(at=datetime.fromisoformat(content["at"]), series=series)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("this is no report of a series audit") from error


def _audited(content: dict[str, Any]) -> Audited:
    findings = tuple(
        Finding(kind=FindingKind(one["kind"]), number=one["number"], detail=one["detail"])
        for one in content["findings"]
    )
    return Audited(**(content | {"findings": findings}))


class SeriesAuditor:
    """Walks series to their ends, in bounded memory however long they are."""

    def __init__(self, audit: PostgresSeriesAudit) -> None:
        self._audit = audit

    async def audit(
        self,
        scope: Scope,
        earlier: Report | None = None,
        *,
        progress: Callable[[str], None],
        now: datetime | None = None,
    ) -> Report:
        """Check every document of every series in scope; held against what an earlier audit saw."""
        now = now or datetime.now(UTC)
        series = await self._audit.every_series(scope.merchant_id, scope.series_id)
        known = {audited.series_id: audited for audited in earlier.series} if earlier else {}
        audited = [await self._walk(one, known.get(one.id), progress, now) for one in series]
        in_scope = [one for one in known.values() if scope.merchant_id in {None, one.merchant_id}]
        gone = [one for one in in_scope if one.series_id not in {each.id for each in series}]
        return Report(at=now, series=(*audited, *(_gone(one) for one in gone if scope.series_id is None)))

    async def _walk(
        self, series: Series, earlier: Audited | None, progress: Callable[[str], None], now: datetime
    ) -> Audited:
        checked, findings, cursor = 0, list[Finding](), None
        while True:
            page = await self._audit.audit(series.merchant_id, series.id, cursor=cursor, limit=STRETCH, now=now)
            if page is None:
                break
            checked, cursor, series = checked + page.checked, page.next_cursor, page.series
            findings += page.findings
            progress(f"{series.merchant_id} {series.kind}: {checked} of {series.documents}")
            if cursor is None:
                break
        if earlier is not None:
            findings += await self._rewritten(earlier)
        return Audited(
            series_id=series.id,
            merchant_id=series.merchant_id,
            kind=series.kind,
            documents=series.documents,
            checked=checked,
            last_proof=series.last_proof,
            findings=tuple(findings),
        )

    async def _rewritten(self, earlier: Audited) -> list[Finding]:
        if earlier.documents == 0 or earlier.last_proof is None:
            return []
        if await self._audit.proof_at(earlier.series_id, earlier.documents) == earlier.last_proof:
            return []
        detail = f"at place {earlier.documents} the earlier audit saw the proof {earlier.last_proof}; it is not there"
        return [Finding(kind=FindingKind.REWRITTEN, number=f"place {earlier.documents}", detail=detail)]


def _gone(earlier: Audited) -> Audited:
    detail = f"the earlier audit saw {earlier.documents} documents of this series; it is not there"
    finding = Finding(kind=FindingKind.REWRITTEN, number=f"place {earlier.documents}", detail=detail)
    return Audited(
        series_id=earlier.series_id,
        merchant_id=earlier.merchant_id,
        kind=earlier.kind,
        documents=0,
        checked=0,
        last_proof=None,
        findings=(finding,),
    )
