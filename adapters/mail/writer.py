"""The mail that carries a document, worded by its kind in the customer's language."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.invoices import CORRECTIONS, Invoice
from domain.ports import WrittenMail
from wording import MAILS, Wording

_HERE = Path(__file__).parent


class MailWriter:
    """Implements `domain.ports.InvoiceMailWriter`."""

    def __init__(self) -> None:
        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
        )
        self._template = templates.get_template("invoice.html")

    def write(self, invoice: Invoice) -> WrittenMail:
        words = Wording(MAILS, invoice.language, invoice.branding.texts)
        section, seller, address = f"mail_{invoice.kind}", invoice.seller, invoice.seller.address
        total = words.money(invoice.cart.totals.payable, invoice.cart.currency)
        subject = words.say(f"{section}.subject", number=invoice.number, seller=invoice.branding.display_name)
        greeting = words.say("mail.greeting", name=invoice.buyer.name)
        opening = _opening(words, section, invoice)
        attached = words.say(f"{section}.attached", number=invoice.number, date=words.date(invoice.issued_on))
        questions = words.say("mail.questions", email=seller.email)
        closing = words.say("mail.closing")
        imprint = f"{seller.name} · {address.line1} · {address.postal_code} {address.city}"
        html = self._template.render(
            language=words.language,
            subject=subject,
            brand=invoice.branding.display_name,
            accent=invoice.branding.accent,
            greeting=greeting,
            opening=opening,
            facts=[
                (words.say(f"{section}.total"), total),
                (words.say(f"{section}.number"), invoice.number),
                (words.say("mail.order"), invoice.order_number),
            ],
            attached=attached,
            questions=questions,
            closing=closing,
            seller=seller.name,
            imprint=imprint,
        )
        text = "\n\n".join([greeting, opening, attached, questions, f"{closing}\n{seller.name}", imprint]) + "\n"
        return WrittenMail(subject=subject, text=text, html=html)


def _opening(words: Wording, section: str, invoice: Invoice) -> str:
    """What the document is about: what was paid, what is open, or what is taken back of which invoice."""
    currency = invoice.cart.currency
    total, due = (words.money(amount, currency) for amount in (invoice.cart.totals.payable, invoice.due))
    if invoice.kind in CORRECTIONS:
        corrected = invoice.particulars.corrects
        return words.say(f"{section}.opening", corrects=corrected.number if corrected else "", total=total)
    return words.say(
        f"{section}.{'open' if invoice.due > 0 else 'paid'}", order=invoice.order_number, total=total, due=due
    )
