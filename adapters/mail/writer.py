"""The mail that carries an invoice, worded in the customer's language."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.invoices import Invoice
from domain.ports import WrittenMail
from wording import Wording

_HERE = Path(__file__).parent


class MailWriter:
    """Implements `domain.ports.InvoiceMailWriter`."""

    def __init__(self) -> None:
        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
        )
        self._template = templates.get_template("invoice.html")

    def write(self, invoice: Invoice) -> WrittenMail:
        words = Wording(_HERE / "texts", invoice.language)
        currency, seller = invoice.cart.currency, invoice.seller
        total = words.money(invoice.cart.totals.payable, currency)
        subject = words.say("mail.subject", number=invoice.number, seller=invoice.branding.display_name)
        greeting = words.say("mail.greeting", name=invoice.buyer.name)
        due = words.money(invoice.due, currency)
        settled = words.say(
            "mail.open" if invoice.due else "mail.paid", order=invoice.order_number, total=total, due=due
        )
        attached = words.say("mail.attached", number=invoice.number, date=words.date(invoice.issued_on))
        questions = words.say("mail.questions", email=seller.email)
        closing = words.say("mail.closing")
        address = seller.address
        imprint = f"{seller.name} · {address.line1} · {address.postal_code} {address.city}"
        html = self._template.render(
            language=words.language,
            subject=subject,
            brand=invoice.branding.display_name,
            accent=invoice.branding.accent,
            greeting=greeting,
            settled=settled,
            facts=[
                (words.say("mail.total"), total),
                (words.say("mail.number"), invoice.number),
                (words.say("mail.order"), invoice.order_number),
            ],
            attached=attached,
            questions=questions,
            closing=closing,
            seller=seller.name,
            imprint=imprint,
        )
        text = "\n\n".join([greeting, settled, attached, questions, f"{closing}\n{seller.name}", imprint]) + "\n"
        return WrittenMail(subject=subject, text=text, html=html)
