"""The words of the customer's pages."""

import re

from domain.views import PaymentPageView
from wording import FALLBACK, PAGES, Wording, languages


def words(language: str) -> Wording:
    """The words of a page in this language (ISO 639-1)."""
    return Wording(PAGES, language)


def words_of(view: PaymentPageView) -> Wording:
    """The words of a checkout's page, in its language and its merchant's own texts."""
    return Wording(PAGES, view.language, view.branding.texts)


def preferred_language(accept_language: str) -> str:
    """The first language of an `Accept-Language` header that pages can be shown in."""
    wanted = (re.split("[-;]", part.strip().lower())[0] for part in accept_language.split(","))
    return next((language for language in wanted if language in languages(PAGES)), FALLBACK)
