"""The words of the customer's pages, from `texts/*.toml`."""

import re
from pathlib import Path

from wording import FALLBACK, Wording, languages

TEXTS = Path(__file__).parent / "texts"


def words(language: str) -> Wording:
    """The words of a page in this language (ISO 639-1)."""
    return Wording(TEXTS, language)


def preferred_language(accept_language: str) -> str:
    """The first language of an `Accept-Language` header that pages can be shown in."""
    wanted = (re.split("[-;]", part.strip().lower())[0] for part in accept_language.split(","))
    return next((language for language in wanted if language in languages(TEXTS)), FALLBACK)
