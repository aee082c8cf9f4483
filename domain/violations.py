"""Collects what is wrong with a request, so that a shop learns all of it at once."""

from decimal import Decimal

from domain.decimals import parse_decimal
from domain.errors import InvalidAmount, Violation
from domain.texts import card_problem, text_problem

MOST_REPORTED = 50
"""So many violations are reported at most; a request with more has one cause that shows in the first."""


class Violations:
    """Broken rules by JSON Pointer. The checks take anything, so that no wrong type escapes as an exception."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def found_at(self, pointer: str) -> bool:
        """Whether anything is wrong at or below a place."""
        return any(one.pointer == pointer or one.pointer.startswith(f"{pointer}/") for one in self.found)

    def add(self, pointer: str, problem: str | None) -> None:
        """Note a problem, if there is one, as long as there is room."""
        if problem and len(self.found) < MOST_REPORTED:
            self.found.append(Violation(pointer=pointer, message=problem))

    def check_identifier(self, pointer: str, value: object, *, most: int, optional: bool = False) -> None:
        """A short printable text made by machines, of 1 to `most` characters. None is fine if optional."""
        if not (optional and value is None):
            self.add(pointer, text_problem(value, most=most))

    def check_text(self, pointer: str, value: object, *, most: int, optional: bool = False) -> None:
        """As an identifier, but written by people, who must not have put a payment card's number in."""
        if not (optional and value is None):
            self.add(pointer, text_problem(value, most=most) or card_problem(value))

    def decimal(self, pointer: str, value: object, *, integer_digits: int, decimals: int) -> Decimal | None:
        """The number of a decimal string, or None and a violation."""
        try:
            return parse_decimal(value, integer_digits=integer_digits, decimals=decimals)
        except InvalidAmount as error:
            self.add(pointer, str(error))
            return None


def escaped(key: str) -> str:
    """A key as one step of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
