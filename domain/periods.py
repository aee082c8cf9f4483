"""Booking periods: months of a merchant's calendar. What belongs in a closed one is booked in the next that is open."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from domain.errors import InvalidInput, Violation


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month, written `2026-11`."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The month a day is in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month a text such as `2026-11` names. Raises InvalidInput for anything else."""
        try:
            first = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise InvalidInput([Violation(pointer="/month", message="must be a month such as 2026-11")]) from None
        return cls.of(first)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def booking_date(document_date: date, closed: Collection[str]) -> date:
    """The day a fact is booked on: its own, or the first day of the next month that is not closed."""
    month = Month.of(document_date)
    if str(month) not in closed:
        return document_date
    while str(month) in closed:
        month = month.next
    return month.first_day


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePeriod:
    """Close a month, or open it again: who, why, and when (UTC)."""

    merchant_id: str
    month: Month
    closed: bool
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """A month that was closed, or reopened: by whom, why and when (UTC)."""

    month: str
    closed: bool
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPage:
    """A page of closings and reopenings, newest first."""

    items: tuple[PeriodView, ...]
    next_cursor: str | None
