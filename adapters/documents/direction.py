"""Texts from people in pages: each with the direction of its own script, so that none disturbs its surroundings."""

import re
import unicodedata

from markupsafe import Markup, escape

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_STRONG = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def isolated(text: str) -> Markup:
    """The text as markup. One with letters of a right-to-left script is isolated and runs as its first letter does
    (Unicode Standard Annex 9, rules P2 and P3); markup stays as it is."""
    if isinstance(text, Markup):
        return text
    if not _RIGHT_TO_LEFT.search(text):
        return escape(text)
    return Markup('<bdi dir="{}">{}</bdi>').format(_direction(text), text)


def _direction(text: str) -> str:
    classes = (unicodedata.bidirectional(character) for character in text)
    return next((_STRONG[found] for found in classes if found in _STRONG), "ltr")
