"""Where a page of a list ends: opaque to shops, a moment and an id to us."""

import base64
from datetime import UTC, datetime

from domain.errors import InvalidInput, Violation

_NOT_OURS = Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")
_MOST_DIGITS = 18
"""Of a `bigint` without risk."""


def cursor_of(at: datetime, row_id: str) -> str:
    """The cursor after which the next page begins."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {row_id}".encode()).decode()


def after(cursor: str) -> tuple[datetime, str]:
    """The moment and id a cursor stands for. Raises InvalidInput when it is none of ours."""
    try:
        moment, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().rsplit(" ", 1)
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or "\0" in row_id:
            raise ValueError
        return at.astimezone(UTC), row_id
    except (ValueError, OverflowError):  # an overflow is a moment before the year 1 or after 9999
        raise InvalidInput([_NOT_OURS]) from None


def number_after(cursor: str) -> int:
    """The number a cursor stands for, where rows are numbered. Raises InvalidInput when it is none of ours."""
    _, number = after(cursor)
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise InvalidInput([_NOT_OURS])
    return int(number)
