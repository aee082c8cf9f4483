"""Texts of a merchant's own that stand in place of ours: which there are, and what they may hold."""

from functools import cache
from string import Formatter

from wording import DOCUMENTS, FALLBACK, MAILS, PAGES, product_texts

LONGEST = 500
_OPEN_SECTIONS = ("methods.", "exemptions.")
"""Sections for codes of others; a merchant may have words for one that we have none for."""


@cache
def known() -> dict[str, str]:
    """Every text of documents, mails and pages, in English, by dotted key."""
    return {key: text for texts in (DOCUMENTS, MAILS, PAGES) for key, text in product_texts(texts, FALLBACK).items()}


def problem(key: str, text: str) -> str | None:
    """What is wrong with a merchant's text in place of the one of this key, or None."""
    if key not in known() and not key.startswith(_OPEN_SECTIONS):
        return "is not a text of ours"
    if len(text) > LONGEST:
        return f"must not be longer than {LONGEST} characters"
    places = _places(known().get(key, ""))
    try:
        unknown = _places(text) - places
    except ValueError as error:
        return f"has braces that do not match: {error}"
    if unknown:
        allowed = ", ".join(f"{{{place}}}" for place in sorted(places)) or "none"
        return f"has a place that cannot be filled; places of this text: {allowed}"
    return None


def _places(text: str) -> set[str]:
    """The `{places}` of a text as they are written, with whatever is written behind the name."""
    return {
        name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
        for _, name, form, conversion in Formatter().parse(text)
        if name is not None
    }
