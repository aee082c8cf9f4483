"""The fonts documents are set in: Inter in three weights, bundled (`fonts/README.md`)."""

from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

from domain.errors import MissingGlyphs

FAMILY = "Inter"
DIRECTORY = Path(__file__).parent / "fonts"
_LAYOUT = {"\n"}
"""Characters that steer the layout of the page's source and are never drawn."""


@cache
def drawable() -> frozenset[str]:
    """Every character all bundled fonts have a glyph for."""
    coverages = []
    for path in sorted(DIRECTORY.glob("*.ttf")):
        with TTFont(path, lazy=True) as font:
            coverages.append(frozenset(map(chr, font.getBestCmap())))
    return frozenset.intersection(*coverages)


def undrawable(text: str) -> str:
    """The characters of a text that would be drawn as empty boxes, each once; empty if there is none."""
    return "".join(sorted(set(text) - drawable() - _LAYOUT))


def check(text: str) -> None:
    """Raises MissingGlyphs when the text has a character that would be drawn as an empty box."""
    missing = undrawable(text)
    if missing:
        raise MissingGlyphs(missing)
