"""Scripts: which fonts somebody must add so that a text can be drawn."""

import unicodedata
from collections.abc import Iterable

_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "KANGXI", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")
_LETTERS_AND_MARKS = ("L", "M", "Nd")
_END_OF_SCRIPT = {
    *("LETTER", "CAPITAL", "SMALL", "SYLLABLE", "CHARACTER", "VOWEL", "CONSONANT", "SIGN", "MARK", "DIGIT"),
    *("SYLLABICS", "LIGATURE", "INDEPENDENT", "DEPENDENT", "SUBJOINED", "TONE", "COMBINING"),
}


def font_set(character: str) -> str | None:
    """A free font that has the script of a character; None for symbols, which no script's font has for sure."""
    name = unicodedata.name(character, "")
    if name.startswith(_CJK):
        return "Noto Sans CJK"
    words = name.split()
    ends = [at for at, word in enumerate(words) if word in _END_OF_SCRIPT]
    if not unicodedata.category(character).startswith(_LETTERS_AND_MARKS) or not ends or ends[0] == 0:
        return None
    return f"Noto Sans {' '.join(words[: ends[0]]).title()}"


def missing_fonts(characters: Iterable[str]) -> str:
    """What to do about characters no font has, as a sentence."""
    sets = sorted({name for character in characters if (name := font_set(character))})
    if not sets:
        return "no font set is known to have them: leave them out"
    return f"add a font set that has them to the font directory, such as {', '.join(sets)}"
