"""The words of documents."""

from domain.invoices import Invoice
from wording import DOCUMENTS, Wording, languages

LANGUAGES = languages(DOCUMENTS)
"""The languages (ISO 639-1) documents can be written in without the merchant's own texts."""


def words(language: str) -> Wording:
    """The words of a document in this language."""
    return Wording(DOCUMENTS, language)


def words_of(invoice: Invoice) -> Wording:
    """The words of a document, in its language and its merchant's own texts."""
    return Wording(DOCUMENTS, invoice.language, invoice.branding.texts)
