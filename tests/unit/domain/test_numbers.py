import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.numbers import check_pattern, format_number


@pytest.mark.parametrize(
    ("pattern", "n", "number"),
    [
        ("RE-{year}-{000000}", 42, "RE-2026-000042"),
        ("{year}-{000000}", 1, "2026-000001"),
        ("{0}", 7, "7"),
        ("R{000}", 12345, "R12345"),
        ("{000}/{year}", 5, "005/2026"),
        ("{year}{0000}", 5, "20260005"),
    ],
)
def test_a_pattern_makes_numbers(pattern: str, n: int, number: str) -> None:
    check_pattern(pattern)
    assert format_number(pattern, 2026, n) == number


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "RE",
        "RE-{year}",
        "{000}-{000}",
        "{year}{year}{000}",
        "{}{000}",
        "{month}-{000}",
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
        format_number(pattern, 2026, 1)


@pytest.mark.parametrize(("year", "n"), [(2026, 0), (2026, -1), (26, 1), (10_000, 1)])
def test_there_is_no_number_before_the_first_and_no_year_without_four_digits(year: int, n: int) -> None:
    with pytest.raises(ValueError, match="no number"):
        format_number("{year}-{000}", year, n)


years = st.integers(1000, 9999)
counters = st.integers(1, 10**15)


@given(
    st.sampled_from(["{year}{0}", "{0}{year}", "1{000}0", "RE-{year}-{000000}", "{000}"]),
    st.tuples(years, counters),
    st.tuples(years, counters),
)
def test_two_places_in_a_series_never_have_the_same_number(
    pattern: str, one: tuple[int, int], other: tuple[int, int]
) -> None:
    if "{year}" not in pattern:
        one, other = (2026, one[1]), (2026, other[1])
    assert (format_number(pattern, *one) == format_number(pattern, *other)) == (one == other)
