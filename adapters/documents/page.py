"""The invoice as one HTML page, ready to be typeset."""

from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from adapters.documents import logo
from adapters.documents.words import words
from domain.invoices import Invoice
from wording import Wording

TEMPLATES = Path(__file__).parent / "templates"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("invoice.html")


def write(invoice: Invoice) -> str:
    """The page in the invoice's language. Raises UnsafeLogo."""
    wording, currency = words(invoice.language), invoice.cart.currency
    return _template().render(
        invoice=invoice,
        language=wording.language,
        logo=logo.data_uri(invoice.branding.logo),
        timestamp=f"{invoice.finalized_at:%Y-%m-%dT%H:%M:%SZ}",
        lines_total=sum(line.amount for line in invoice.cart.lines),
        iban=_in_fours,
        say=wording.say,
        money=partial(wording.money, currency=currency),
        price=partial(wording.price, currency=currency),
        quantity=wording.quantity,
        rate=wording.rate,
        date=wording.date,
        country=wording.country,
        method=partial(_method, wording),
    )


def _method(wording: Wording, method: str, detail: str | None) -> str:
    """A payment method in words, with what tells it from others, which stays on one line."""
    name = wording.say_or(f"methods.{method}", method.replace("_", " ").title())
    return f"{name} ({detail.replace(' ', _NO_BREAK_SPACE)})" if detail else name


def _in_fours(iban: str) -> str:
    """An IBAN as people write it, ISO 13616."""
    compact = iban.replace(" ", "")
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))
