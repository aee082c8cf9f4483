"""Entry, payment link, order, balance, invoice number: the steps that only write to the books."""

from temporalio import activity

from activities.failures import translated
from domain.captures import AskCapture, AskedCapture, DropCapture
from domain.ports import CheckoutBook, InvoiceBook, OrderBook, PaymentBook
from domain.steps import (
    Balance,
    Close,
    Closed,
    CreateEntry,
    Entry,
    FinalizedInvoice,
    FindOpenSessions,
    IssueLink,
    KnownSessions,
    OfCheckout,
    PayableSession,
    PaymentLink,
    RecordFindings,
    RecordSession,
    Review,
    SalesOrder,
    SentInvoice,
    Standing,
)


class BookActivities:
    """Short database steps. Each is one transaction, and finds its own effect when it runs again."""

    def __init__(
        self, checkouts: CheckoutBook, payments: PaymentBook, orders: OrderBook, invoices: InvoiceBook
    ) -> None:
        self._checkouts = checkouts
        self._payments = payments
        self._orders = orders
        self._invoices = invoices

    @activity.defn
    @translated
    async def create_entry(self, step: CreateEntry) -> Entry:
        """Open the receivable."""
        return await self._checkouts.create_entry(step)

    @activity.defn
    @translated
    async def issue_payment_link(self, step: IssueLink) -> PaymentLink:
        """Issue the link a customer pays under."""
        return await self._checkouts.issue_payment_link(step)

    @activity.defn
    @translated
    async def record_session(self, step: RecordSession) -> bool:
        """Write down the provider session that was opened, unless another can be paid for the same entry."""
        return await self._payments.record_session(step)

    @activity.defn
    @translated
    async def find_open_sessions(self, step: FindOpenSessions) -> tuple[PayableSession, ...]:
        """Find the sessions in which somebody could pay for an entry."""
        return await self._payments.open_sessions(step)

    @activity.defn
    @translated
    async def known_sessions(self, step: OfCheckout) -> KnownSessions:
        """Find the sessions of a checkout whose run was lost."""
        return await self._payments.known_sessions(step)

    @activity.defn
    @translated
    async def record_findings(self, step: RecordFindings) -> Standing:
        """Apply what the provider says now."""
        return await self._payments.record_findings(step)

    @activity.defn
    @translated
    async def ask_capture(self, step: AskCapture) -> AskedCapture:
        """Write down what the shop wants captured."""
        return await self._payments.ask_capture(step)

    @activity.defn
    @translated
    async def drop_capture(self, step: DropCapture) -> None:
        """Forget a capture that the provider refused."""
        await self._payments.drop_capture(step)

    @activity.defn
    @translated
    async def create_sales_order(self, step: OfCheckout) -> SalesOrder:
        """Create the order of a paid checkout."""
        return await self._orders.create_sales_order(step)

    @activity.defn
    @translated
    async def balance_entry(self, step: OfCheckout) -> Balance:
        """Assign the captured money to the entry."""
        return await self._payments.balance_entry(step)

    @activity.defn
    @translated
    async def create_invoice(self, step: OfCheckout) -> FinalizedInvoice:
        """Build, number and finalize the invoice."""
        return await self._invoices.create_invoice(step)

    @activity.defn
    @translated
    async def find_invoice(self, step: OfCheckout) -> SentInvoice | None:
        """See whether an invoice run has invoiced the purchase."""
        return await self._invoices.find_invoice(step)

    @activity.defn
    @translated
    async def close_checkout(self, step: Close) -> Closed:
        """End a checkout that brought no money."""
        return await self._checkouts.close(step)

    @activity.defn
    @translated
    async def put_under_review(self, step: Review) -> None:
        """Put the case before a person."""
        await self._checkouts.review(step)

    @activity.defn
    @translated
    async def resume_from_review(self, step: OfCheckout) -> None:
        """Go on after a person decided."""
        await self._checkouts.resume(step)
