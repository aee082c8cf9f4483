"""The fonts documents are set in: the bundled ones (`fonts/README.md`), then those of a directory of the operator's.

A character is drawn in the first family that has it: Inter, then the others in alphabetical order, the operator's
last. What none has is never drawn as an empty box but refused by name.
"""

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from domain.errors import DocumentError, MissingGlyphs

FAMILY = "Inter"
BUNDLED = Path(__file__).parent / "fonts"
_LAYOUT = {"\n"}
"""Characters that steer the layout of the page's source and are never drawn."""
_SUFFIXES = {".ttf", ".otf"}
_RESTRICTED = 0x0002  # OpenType, OS/2.fsType: must not be embedded
_FAMILY_NAMES = (16, 1)  # OpenType, name table: typographic family, family


class UnusableFont(DocumentError, ValueError):
    """A file of the operator's font directory cannot be used. The message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """One font file: a family in one weight (1 to 1000), and the characters it can draw."""

    path: Path
    family: str
    weight: int
    characters: frozenset[str]


class FontLibrary:
    """All fonts documents may use. Raises UnusableFont, and OSError for a directory that cannot be read.

    A family can draw a character when all its weights can: a name may be written in any of them.
    """

    def __init__(self, directory: Path | None = None) -> None:
        bundled = sorted(_fonts_in(BUNDLED), key=lambda font: (font.family != FAMILY, font.family))
        added = sorted(_fonts_in(directory), key=lambda font: font.family) if directory else []
        names = {font.family for font in bundled}
        self._fonts = (*bundled, *(font for font in added if font.family not in names))
        self.families = tuple(dict.fromkeys(font.family for font in self._fonts))
        self.paths = frozenset(font.path.resolve() for font in self._fonts)
        self._drawable = frozenset(_LAYOUT).union(
            *(
                frozenset.intersection(*(font.characters for font in family))
                for _, family in groupby(self._fonts, key=lambda font: font.family)
            )
        )

    def undrawable(self, text: str) -> str:
        """The characters of a text that would be drawn as empty boxes, each once; empty if there is none."""
        return "".join(sorted(set(text) - self._drawable))

    def check(self, text: str) -> None:
        """Raises MissingGlyphs when the text has a character that would be drawn as an empty box."""
        missing = self.undrawable(text)
        if missing:
            raise MissingGlyphs(missing)

    def stylesheet(self) -> str:
        """CSS that declares every font and sets pages in them."""
        faces = "".join(
            f"@font-face {{ font-family: {_quoted(font.family)}; font-weight: {font.weight};"
            f" src: url({_quoted(font.path.resolve().as_uri())}) }}\n"
            for font in self._fonts
        )
        families = ", ".join(map(_quoted, self.families))
        return f"{faces}@page {{ font-family: {families} }}\nhtml {{ font-family: {families} }}\n"


def _fonts_in(directory: Path) -> list[Font]:
    paths = sorted(path for path in directory.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise UnusableFont(f"{directory} has no font: a directory with .ttf or .otf files is expected")
    return [_read(path) for path in paths]


@cache
def _read(path: Path) -> Font:
    try:
        with path.open("rb") as file, TTFont(file, lazy=True) as font:
            if "fvar" in font:
                raise UnusableFont(f"{path.name} is a variable font: only fonts of one weight can be used")
            if font["OS/2"].fsType & _RESTRICTED:
                raise UnusableFont(f"{path.name} must not be embedded, says its licence field (fsType)")
            family = next(name for number in _FAMILY_NAMES if (name := font["name"].getDebugName(number)))
            characters = frozenset(map(chr, font.getBestCmap()))
            return Font(path=path, family=family, weight=font["OS/2"].usWeightClass, characters=characters)
    except (TTLibError, KeyError, StopIteration) as error:
        raise UnusableFont(f"{path.name} is not a usable font: {error}") from error


def _quoted(text: str) -> str:
    """A CSS string."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
