"""The invoice as one HTML page, ready to be typeset."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from adapters.documents import logo
from adapters.documents.wording import Wording
from domain.invoices import Invoice

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("invoice.html")


def write(invoice: Invoice) -> str:
    """The page in the invoice's language. Raises UnsafeLogo."""
    wording = Wording(invoice.language, invoice.cart.currency)
    return _template().render(
        invoice=invoice,
        language=wording.language,
        logo=logo.data_uri(invoice.branding.logo),
        timestamp=f"{invoice.finalized_at:%Y-%m-%dT%H:%M:%SZ}",
        lines_total=sum(line.amount for line in invoice.cart.lines),
        iban=_in_fours,
        say=wording.say,
        money=wording.money,
        price=wording.price,
        quantity=wording.quantity,
        rate=wording.rate,
        date=wording.date,
        country=wording.country,
        method=wording.method,
    )


def _in_fours(iban: str) -> str:
    """An IBAN as people write it, ISO 13616."""
    compact = iban.replace(" ", "")
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))
