"""Document numbers: a pattern per series turns a counter into what stands on the document (BT-1).

A pattern is fixed text with exactly one counter, a run of zeros in braces that gives its least width, and
at most one `{year}`: `RE-{year}-{000000}` makes `RE-2026-000042`. Two counters of one year never give the
same number, as everything around the counter has a fixed length.
"""

import re

from domain.errors import InvalidInput, Violation

_PLACE = re.compile(r"\{([^{}]*)\}")
_FIXED_TEXT = re.compile(r"[A-Za-z0-9._/-]*")
_LONGEST = 40
_WIDEST_COUNTER = 12


def check_pattern(pattern: str) -> None:
    """Raise InvalidInput, pointer `/number_pattern`, with all that is wrong with a number pattern."""
    problems = list(_problems(pattern))
    if problems:
        raise InvalidInput([Violation(pointer="/number_pattern", message=problem) for problem in problems])


def format_number(pattern: str, year: int, n: int) -> str:
    """The `n`-th number of a year. Raises InvalidInput for a bad pattern, ValueError for `n` below 1 or a
    year that has not four digits."""
    check_pattern(pattern)
    if n < 1 or not 1000 <= year <= 9999:
        raise ValueError(f"no number {n} of the year {year}: numbers start at 1, years have four digits")
    return _PLACE.sub(lambda place: str(year) if place[1] == "year" else str(n).zfill(len(place[1])), pattern)


def _problems(pattern: str) -> list[str]:
    if len(pattern) > _LONGEST:
        return [f"must be a text of at most {_LONGEST} characters"]
    places = _PLACE.findall(pattern)
    counters = [place for place in places if place and not place.strip("0")]
    problems = []
    if len(counters) != 1:
        problems.append("must have exactly one counter, a run of zeros in braces such as {000000}")
    if any(len(counter) > _WIDEST_COUNTER for counter in counters):
        problems.append(f"must not have a counter of more than {_WIDEST_COUNTER} zeros")
    if places.count("year") > 1:
        problems.append("must not have {year} twice")
    if len(places) != len(counters) + places.count("year"):
        problems.append("must have nothing but {year} and zeros in braces")
    if not _FIXED_TEXT.fullmatch(_PLACE.sub("", pattern)):
        problems.append("must have only letters A-Z, digits and . _ / - around its places")
    return problems
