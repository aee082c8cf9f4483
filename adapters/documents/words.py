"""The words of documents, from `texts/*.toml`."""

from pathlib import Path

from wording import Wording, languages

TEXTS = Path(__file__).parent / "texts"
LANGUAGES = languages(TEXTS)
"""The languages (ISO 639-1) documents can be written in."""


def words(language: str) -> Wording:
    """The words of a document in this language."""
    return Wording(TEXTS, language)
