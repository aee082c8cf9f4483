"""How much the proofs try: some cases in `make test`, all of them in `make proofs`, which CI runs as well.

`QUITTANCE_TEST_FULL=1` asks for all; QUITTANCE_TEST_<WHAT> sets the number of one proof by itself.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_FULL = os.environ.get("QUITTANCE_TEST_FULL") == "1"


def tries(what: str, *, some: int, all_of_them: int) -> int:
    """How many cases to make up; `what` is the end of the setting's name."""
    return int(os.environ.get(f"QUITTANCE_TEST_{what}") or (all_of_them if _FULL else some))


def spread(cases: Sequence[_T], *, some: int) -> Sequence[_T]:
    """These cases, or about so many of them, evenly spread."""
    return cases if _FULL else cases[:: max(1, len(cases) // some)]
