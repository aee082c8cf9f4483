from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.numbers import (
    Numbering,
    Reset,
    check_pattern,
    following,
    format_number,
    implied_reset,
    may_collide,
    numbering_problems,
)

DAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("pattern", "n", "number"),
    [
        ("RE-{year}-{000000}", 42, "RE-2026-000042"),
        ("{year}-{000000}", 1, "2026-000001"),
        ("{0}", 7, "7"),
        ("R{000}", 12345, "R12345"),
        ("{000}/{year}", 5, "005/2026"),
        ("{year}{0000}", 5, "20260005"),
        ("{entity}/{year}{month}-{000}", 5, "NORD/202603-005"),
    ],
)
def test_a_pattern_makes_numbers(pattern: str, n: int, number: str) -> None:
    check_pattern(pattern)
    assert format_number(pattern, DAY, n, "NORD") == number


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "RE",
        "RE-{year}",
        "{000}-{000}",
        "{year}{year}{000}",
        "{}{000}",
        "{day}-{000}",
        "{month}{month}{000}",
        "{001}",
        "{000",
        "000}",
        "{{000}}",
        "RE {000}",
        "RÉ-{000}",
        "{000}\n",
        "{Year}-{000}",
        "{" + "0" * 13 + "}",
        "R" * 40 + "{0}",
        "{n:03}",
    ],
)
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_pattern(pattern)
    assert {violation.pointer for violation in refused.value.violations} == {"/number_pattern"}
    with pytest.raises(InvalidInput):
        format_number(pattern, DAY, 1)


@pytest.mark.parametrize(("year", "n"), [(2026, 0), (2026, -1), (26, 1)])
def test_there_is_no_number_before_the_first_and_no_year_without_four_digits(year: int, n: int) -> None:
    with pytest.raises(ValueError, match="no number"):
        format_number("{year}-{000}", date(year, 1, 1), n)


days = st.dates(date(1000, 1, 1), date(9999, 12, 31))
counters = st.integers(1, 10**15)


@given(
    st.sampled_from(["{year}{0}", "{0}{year}", "1{000}0", "RE-{year}-{000000}", "{000}", "{0}{month}{year}"]),
    st.tuples(days, counters),
    st.tuples(days, counters),
)
def test_two_places_in_a_series_never_have_the_same_number(
    pattern: str, one: tuple[date, int], other: tuple[date, int]
) -> None:
    reset = implied_reset(pattern)
    same_place = (reset.period(one[0]), one[1]) == (reset.period(other[0]), other[1])
    assert (format_number(pattern, *one) == format_number(pattern, *other)) == same_place


RESETS = {
    "never, and names the year all the same": ("R{year}-{000}", Reset.NEVER, []),
    "yearly": ("R{year}-{000}", Reset.YEARLY, []),
    "yearly, and names the month all the same": ("R{year}{month}-{000}", Reset.YEARLY, []),
    "monthly": ("R{year}{month}-{000}", Reset.MONTHLY, []),
    "yearly without the year": ("R-{000}", Reset.YEARLY, ["{year}"]),
    "monthly without the month": ("R{year}-{000}", Reset.MONTHLY, ["{month}"]),
    "monthly without the year": ("R{month}-{000}", Reset.MONTHLY, ["{year}"]),
    "monthly without either": ("R-{000}", Reset.MONTHLY, ["{year}", "{month}"]),
}


@pytest.mark.parametrize(("pattern", "reset", "missing"), RESETS.values(), ids=RESETS)
def test_a_series_that_counts_again_must_name_when_it_did(pattern: str, reset: Reset, missing: list[str]) -> None:
    problems = list(numbering_problems(Numbering(pattern=pattern, reset=reset), ""))
    assert [place for place in missing for problem in problems if f"must name {place}" in problem] == missing
    assert len(problems) == len(missing)


def test_legal_entities_must_be_told_apart_by_their_numbers() -> None:
    entity, none = "{entity}-{000}", "R-{000}"
    numberings = {pattern: Numbering(pattern=pattern, reset=Reset.NEVER) for pattern in (entity, none)}
    assert list(numbering_problems(numberings[entity], "NORD")) == []
    assert list(numbering_problems(numberings[none], "")) == []
    assert "must name {entity}" in "".join(numbering_problems(numberings[none], "NORD"))
    assert "legal_entity must be given" in "".join(numbering_problems(numberings[entity], ""))


@pytest.mark.parametrize(
    ("left", "right", "collide"),
    [
        ("RE-{year}-{000}", "GS-{year}-{000}", False),
        ("{year}-{000000}", "GS-{year}-{000000}", False),
        ("RE-{year}-{000}", "RE-{year}-{000000}", True),
        ("{year}{000}", "{0000000}", True),
        ("2026-{000}", "{year}-{000}", True),
        ("1{000}", "2{000}", False),
        ("1{0}", "{0}1", True),
        ("{year}-{month}{00}", "{year}-{0}", True),
        ("{entity}{0}", "NORD1{0}", True),
        ("{entity}{0}", "SUED{0}", False),
    ],
)
def test_patterns_that_can_give_the_same_number_are_found(left: str, right: str, collide: bool) -> None:
    assert may_collide(left, right, "NORD") is collide
    assert may_collide(right, left, "NORD") is collide


def test_a_series_begins_with_its_start_and_later_periods_with_one() -> None:
    monthly = Numbering(pattern="{year}{month}-{0}", reset=Reset.MONTHLY, start=700)
    assert following(monthly, None, DAY) == ("2026-03", 700)
    assert following(monthly, ("2026-03", 700), DAY) == ("2026-03", 701)
    assert following(monthly, ("2026-02", 712), DAY) == ("2026-03", 1)


def test_a_series_that_changes_when_it_counts_again_begins_with_its_start() -> None:
    never = Numbering(pattern="{0}", reset=Reset.NEVER, start=100)
    assert following(never, ("2026", 42), DAY) == ("all", 100)
