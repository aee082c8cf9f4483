"""A document of any kind as one HTML page, ready to be typeset."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from adapters.documents import blocks, logo, tables
from adapters.documents.conformance import embedding
from adapters.documents.direction import isolated
from adapters.documents.words import words_of
from domain.checkout import Address
from domain.invoices import CORRECTIONS, Invoice, InvoiceKind
from wording import FALLBACK, Wording

TEMPLATES = Path(__file__).parent / "templates"
LONG_CLOSING = 1200
"""Characters of notes and texts below the totals, from which on they may run over to a page of their own."""
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of the information block. A `whole` value is not broken."""

    label: str
    value: str
    whole: bool = False


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["isolated"] = isolated
    return environment.get_template("document.html")


def section(invoice: Invoice) -> str:
    """The section of the texts that names this kind of document; an invoice that deducts deposits is a final one."""
    final = invoice.kind is InvoiceKind.INVOICE and invoice.particulars.deductions
    return "final_invoice" if final else invoice.kind.value


def write(invoice: Invoice) -> str:
    """The page in the document's language and its merchant's words. Raises UnsafeLogo."""
    wording, cart = words_of(invoice), invoice.cart
    groups = tables.groups(cart, wording)
    free = blocks.filled(invoice.branding.blocks, (wording.language, FALLBACK), _values(invoice, wording))
    return _template().render(
        invoice=invoice,
        section=section(invoice),
        correction=invoice.kind in CORRECTIONS,
        language=wording.language,
        logo=logo.data_uri(invoice.branding.logo),
        timestamp=f"{invoice.finalized_at:%Y-%m-%dT%H:%M:%SZ}",
        facts=list(_facts(invoice, wording)),
        groups=groups,
        columns=tables.columns(groups, wording),
        lines_total=sum(line.amount for line in cart.lines),
        deducted=tables.deducted(invoice.particulars.deductions),
        notices=tables.notices(wording, cart.subtotals),
        profile=embedding(invoice).level,
        blocks=free,
        long_closing=_length_below_totals(invoice, free) > LONG_CLOSING,
        plain=wording.say,
        say=partial(_say, wording),
        money=partial(wording.money, currency=cart.currency),
        rate=partial(tables.rate, wording),
        tax_label=partial(tables.tax_label, wording),
        date=wording.date,
        country=wording.country,
        method=partial(_method, wording),
        address=partial(_on_one_line, wording),
        iban=_in_fours,
    )


def _say(wording: Wording, key: str, /, **values: str) -> Markup:
    """A text with its places filled in; what people wrote is isolated from the words around it."""
    text = Markup(escape(wording.text(key)))  # noqa: S704  escaped
    return text.format(**{name: isolated(value) for name, value in values.items()})


def _facts(invoice: Invoice, wording: Wording) -> Iterator[Fact]:
    """The information block: what people look for first, and then what their books ask for."""
    told, say = invoice.particulars, wording.text
    yield Fact(label=say(f"{section(invoice)}.number"), value=invoice.number)
    yield Fact(label=say(f"{section(invoice)}.date"), value=wording.date(invoice.issued_on), whole=True)
    if told.corrects:
        yield Fact(label=say("document.corrects"), value=told.corrects.number)
        yield Fact(label=say("document.corrects_date"), value=wording.date(told.corrects.issued_on), whole=True)
    if told.service_period:
        days = wording.period(told.service_period.start, told.service_period.end)
        yield Fact(label=say("document.period"), value=days, whole=True)
    elif invoice.kind is not InvoiceKind.DEPOSIT:
        yield Fact(label=say("document.delivered"), value=wording.date(invoice.delivered_on), whole=True)
    if told.due_on and invoice.due > 0 and invoice.kind not in CORRECTIONS:
        yield Fact(label=say("document.due_on"), value=wording.date(told.due_on), whole=True)
    yield from _references(invoice, wording)


def _references(invoice: Invoice, wording: Wording) -> Iterator[Fact]:
    told, buyer = invoice.particulars, invoice.buyer
    orders = {line.order_number for line in invoice.cart.lines} - {None}
    references = {
        "customer": buyer.number,
        "order": None if len(orders) > 1 else invoice.order_number,
        "purchase_order": told.purchase_order,
        "buyer_reference": told.buyer_reference,
        "buyer_vat_id": buyer.vat_id,
    }
    return (Fact(label=wording.text(f"document.{name}"), value=value) for name, value in references.items() if value)


def _values(invoice: Invoice, wording: Wording) -> dict[str, str]:
    """What a merchant's blocks may name (`blocks.VALUES`)."""
    told, buyer, currency = invoice.particulars, invoice.buyer, invoice.cart.currency
    due = invoice.due if invoice.kind not in CORRECTIONS else 0
    values = {
        "kind": section(invoice),
        "number": invoice.number,
        "date": wording.date(invoice.issued_on),
        "order": invoice.order_number,
        "customer_number": buyer.number or "",
        "buyer": buyer.name,
        "company": buyer.company or "",
        "total": wording.money(invoice.cart.totals.payable, currency),
        "due": wording.money(due, currency) if due > 0 else "",
        "due_date": wording.date(told.due_on) if told.due_on and due > 0 else "",
        "corrects": told.corrects.number if told.corrects else "",
    }
    return {name: isolated(value) for name, value in values.items()}


def _length_below_totals(invoice: Invoice, free: dict[str, Markup]) -> int:
    """Roughly how much there is below the totals, in characters; a row of the deductions counts as a line."""
    told = invoice.particulars
    return sum(map(len, told.notes)) + len(free["closing_text"]) + 100 * len(tables.deducted(told.deductions))


def _method(wording: Wording, method: str, detail: str | None) -> str:
    """A payment method in words, with what tells it from others, which stays on one line."""
    name = wording.say_or(f"methods.{method}", method.replace("_", " ").title())
    return f"{name} ({detail.replace(' ', _NO_BREAK_SPACE)})" if detail else name


def _on_one_line(wording: Wording, address: Address) -> str:
    parts = (address.line1, address.line2, f"{address.postal_code} {address.city}", wording.country(address.country))
    return ", ".join(part for part in parts if part)


def _in_fours(iban: str) -> str:
    """An IBAN as people write it, ISO 13616."""
    compact = iban.replace(" ", "")
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))
