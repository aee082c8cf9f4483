"""A mail server and a renderer in memory."""

from domain.documents import RenderedInvoice
from domain.errors import MailError
from domain.invoices import Invoice
from domain.ports import OutgoingMail


class FakeMailer:
    """Keeps what was sent. What lies in `answers` is raised first, one a call."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMail] = []
        self.answers: list[MailError] = []

    async def send(self, mail: OutgoingMail) -> str:
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append(mail)
        return f"250 OK: kept as {len(self.sent)}"


class FakeRenderer:
    """Writes the number instead of a document."""

    async def render(self, invoice: Invoice) -> RenderedInvoice:
        number = invoice.number
        return RenderedInvoice(
            pdf=f"%PDF {number}".encode(), xml=f"<{number}/>".encode(), ubl=f"<{number}.ubl/>".encode()
        )
