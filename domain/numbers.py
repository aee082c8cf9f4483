"""Document numbers: a pattern per series turns a counter into what stands on the document (BT-1).

A pattern is fixed text with exactly one counter, a run of zeros in braces that gives its least width, and at most
one `{year}`, one `{month}` and one `{entity}` (the merchant's short name of the legal entity that sells):
`RE-{year}-{000000}` makes `RE-2026-000042`. Everything around the counter has a fixed length, so two counters of
one period never give the same number; and a counter that starts again names in its number when it did.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.errors import InvalidInput, Violation

_PLACE = re.compile(r"\{([^{}]*)\}")
_FIXED_TEXT = re.compile(r"[A-Za-z0-9._/-]*")
_LONGEST = 40
_WIDEST_COUNTER = 12
_NAMED_PLACES = ("year", "month", "entity")
_LEGAL_ENTITY = re.compile(r"[A-Z0-9]{1,10}")
_DIGITS = frozenset("0123456789")


class Reset(StrEnum):
    """When a series starts counting again."""

    NEVER = "never"
    YEARLY = "yearly"
    MONTHLY = "monthly"

    def period(self, day: date) -> str:
        """What a number drawn on this day, in the seller's calendar, counts in: `all`, `2026` or `2026-11`."""
        match self:
            case Reset.NEVER:
                return "all"
            case Reset.YEARLY:
                return f"{day.year}"
            case Reset.MONTHLY:
                return f"{day.year}-{day.month:02}"


_NAMED_BY = {Reset.NEVER: (), Reset.YEARLY: ("year",), Reset.MONTHLY: ("year", "month")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How a series counts. `start` is the first number a fresh series draws, and every period after a reset
    begins with 1."""

    pattern: str
    reset: Reset
    start: int = 1


def following(numbering: Numbering, last: tuple[str, int] | None, day: date) -> tuple[str, int]:
    """Period and counter of the next number, after `last` (None for a fresh series).

    A series that changed when it counts again begins anew with `start`.
    """
    period = numbering.reset.period(day)
    if last is None or len(last[0]) != len(period):
        return period, numbering.start
    return period, last[1] + 1 if last[0] == period else 1


def check_pattern(pattern: str) -> None:
    """Raise InvalidInput, pointer `/number_pattern`, with all that is wrong with a number pattern."""
    problems = list(_problems(pattern))
    if problems:
        raise InvalidInput([Violation(pointer="/number_pattern", message=problem) for problem in problems])


def implied_reset(pattern: str) -> Reset:
    """When a series counts again of which nothing but the pattern is said."""
    places = _PLACE.findall(pattern)
    if "year" not in places:
        return Reset.NEVER
    return Reset.MONTHLY if "month" in places else Reset.YEARLY


def numbering_problems(numbering: Numbering, legal_entity: str) -> Iterator[str]:
    """What is wrong with how a series counts, in words. `legal_entity` is empty for a merchant that names none."""
    places = _PLACE.findall(numbering.pattern)
    yield from _problems(numbering.pattern)
    for place in _NAMED_BY[numbering.reset]:
        if place not in places:
            yield f"must name {{{place}}}: counting starts again {numbering.reset}, and numbers would come twice"
    if numbering.start < 1:
        yield "must start with 1 or more"
    if legal_entity and "entity" not in places:
        yield "must name {entity}: another legal entity of the merchant would give the same numbers"
    if "entity" in places and not _LEGAL_ENTITY.fullmatch(legal_entity):
        yield "names {entity}, so legal_entity must be given: 1 to 10 of the characters A-Z 0-9"


def may_collide(left: str, right: str, legal_entity: str) -> bool:
    """Whether two patterns can give the same number, whatever the day and the counters."""
    ours, theirs = _atoms(left, legal_entity), _atoms(right, legal_entity)
    seen: set[tuple[int, int]] = set()
    open_states = [(0, 0)]
    while open_states:
        state = open_states.pop()
        if state in seen:
            continue
        seen.add(state)
        open_states += _steps(ours, theirs, *state)
    return (len(ours), len(theirs)) in seen


def collisions(patterns: Mapping[str, str], legal_entity: str) -> Iterator[tuple[str, str]]:
    """The pairs of named patterns that can give the same number."""
    names = list(patterns)
    for place, left in enumerate(names):
        for right in names[place + 1 :]:
            if may_collide(patterns[left], patterns[right], legal_entity):
                yield left, right


def format_number(pattern: str, day: date, n: int, legal_entity: str = "") -> str:
    """The `n`-th number of the day's period. Raises InvalidInput for a bad pattern, ValueError for `n` below 1 or a
    year that has not four digits."""
    check_pattern(pattern)
    if n < 1 or day.year < 1000:
        raise ValueError(f"no number {n} of the year {day.year}: numbers start at 1, years have four digits")
    named = {"year": str(day.year), "month": f"{day.month:02}", "entity": legal_entity}
    return _PLACE.sub(lambda place: named.get(place[1]) or str(n).zfill(len(place[1])), pattern)


@dataclass(frozen=True, slots=True)
class _Atom:
    """Characters that may stand at a place of a number; `repeated` if any number of them may."""

    characters: frozenset[str]
    repeated: bool = False


def _atoms(pattern: str, legal_entity: str) -> list[_Atom]:
    atoms: list[_Atom] = []
    lengths = {"year": 4, "month": 2}
    for part in re.split(r"(\{[^{}]*\})", pattern):
        place = part[1:-1] if part.startswith("{") else None
        if place is None or place == "entity":
            atoms += [_Atom(frozenset(character)) for character in (part if place is None else legal_entity)]
        elif place in lengths:
            atoms += [_Atom(_DIGITS)] * lengths[place]
        else:
            atoms += [*[_Atom(_DIGITS)] * len(place), _Atom(_DIGITS, repeated=True)]
    return atoms


def _steps(ours: list[_Atom], theirs: list[_Atom], i: int, j: int) -> list[tuple[int, int]]:
    """Where reading one more character of a common number, or no more of a repeated place, can lead."""
    steps = []
    if i < len(ours) and ours[i].repeated:
        steps.append((i + 1, j))
    if j < len(theirs) and theirs[j].repeated:
        steps.append((i, j + 1))
    if i < len(ours) and j < len(theirs) and ours[i].characters & theirs[j].characters:
        steps.append((i + (not ours[i].repeated), j + (not theirs[j].repeated)))
    return steps


def _problems(pattern: str) -> list[str]:
    if len(pattern) > _LONGEST:
        return [f"must be a text of at most {_LONGEST} characters"]
    places = _PLACE.findall(pattern)
    counters = [place for place in places if place and not place.strip("0")]
    named = [place for place in places if place in _NAMED_PLACES]
    problems = []
    if len(counters) != 1:
        problems.append("must have exactly one counter, a run of zeros in braces such as {000000}")
    if any(len(counter) > _WIDEST_COUNTER for counter in counters):
        problems.append(f"must not have a counter of more than {_WIDEST_COUNTER} zeros")
    problems += [f"must not have {{{name}}} twice" for name in _NAMED_PLACES if named.count(name) > 1]
    if len(places) != len(counters) + len(named):
        problems.append("must have nothing but {year}, {month}, {entity} and zeros in braces")
    if not _FIXED_TEXT.fullmatch(_PLACE.sub("", pattern)):
        problems.append("must have only letters A-Z, digits and . _ / - around its places")
    return problems
