"""What the routes need: runs to talk to, things to read, an inbox for facts. `api.main` wires adapters."""

from dataclasses import dataclass
from typing import Protocol

from domain.cases import CaseStatus, DecideCase
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.documents import DocumentRef
from domain.entries import EntryStatus
from domain.errors import QuittanceError
from domain.ledger_views import (
    EntryDetailView,
    EntryPage,
    LinkView,
    OrderDetailView,
    OrderPage,
    PaymentDetailView,
    PaymentPage,
    SettlementView,
    Wanted,
)
from domain.merchants import Merchant
from domain.monitoring import Figures
from domain.payments import PaymentStatus, ProviderEvent
from domain.refund_requests import RefundRequest
from domain.settlement_steps import LinkRequest
from domain.settlements import Request
from domain.views import (
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    InboxEntry,
    InvoiceView,
    PaymentPageView,
    PayoutPage,
    PayoutView,
    RefundView,
)


class RunsUnavailable(QuittanceError):
    """The workflow service cannot be reached now: the caller should try again."""


class TooLateToCancel(QuittanceError):
    """The checkout cannot be canceled any more; `awaiting_payment` means that a part of the money is there."""

    def __init__(self, status: CheckoutStatus) -> None:
        self.status = status
        super().__init__(f"the checkout is {status}")


class NotPayable(QuittanceError):
    """The checkout is not waiting for a payment: paid, expired, canceled or under review."""

    def __init__(self, status: CheckoutStatus) -> None:
        self.status = status
        super().__init__(f"the checkout is {status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCheckout:
    """The checkout of an assignment key. `created` says whether this very call started it."""

    checkout_id: str
    created: bool


class CheckoutRuns(Protocol):
    """The running checkouts. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def open(self, merchant_id: str, request: CheckoutRequest) -> OpenedCheckout:
        """Start the run of this assignment key, or find it; answers once its payment link is durable."""
        ...

    async def open_payment_page(self, workflow_id: str) -> str:
        """The URL of the one payable provider session, opened if need be. Raises NotPayable."""
        ...

    async def payer_returned(self, workflow_id: str) -> CheckoutStatus:
        """Have the run ask the provider now (bounded to a few seconds), and say where the checkout stands."""
        ...

    async def cancel(self, workflow_id: str, *, reason: str, by: str) -> None:
        """Cancel the checkout; answers once it is. Raises TooLateToCancel, and NotPayable when the run is over."""
        ...

    async def decide(self, case: CaseView, step: DecideCase) -> None:
        """Tell the run that waits for this case; answers once the decision is durable. Raises CaseDecided."""
        ...

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        """Tell the run the entry names of a fact; when it has ended, start the process for late facts."""
        ...

    async def ready(self) -> bool:
        """Whether the workflow service answers."""
        ...


class RefundRuns(Protocol):
    """The running refunds. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: RefundRequest) -> bool:
        """Start the refund of this key, or find it; True if this very call started it.

        Answers once the refund is durable. Raises NotFound, NothingToRefund, and InvalidInput for more than is left.
        """
        ...

    async def decide(self, merchant_id: str, refund_id: str, *, approved: bool, by: str, reason: str) -> None:
        """Approve or reject a refund that waits for it. Raises NotFound and RefundDecided."""
        ...


class SettlementRuns(Protocol):
    """What is done with entries. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: Request, *, by: str) -> bool:
        """Have it done, or find that it was; True if this very call did it.

        Answers once it is durable. Raises NotFound, InvalidInput, EntryCanceled and MoneyNeeded; then nothing was done.
        """
        ...


class LinkRuns(Protocol):
    """Links for several entries. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def open(self, merchant_id: str, request: LinkRequest) -> tuple[str, bool]:
        """Issue the link, or find that of the key; its id, and whether this very call issued it.

        Raises InvalidInput when these entries cannot be paid by one link.
        """
        ...

    async def open_payment_page(self, merchant_id: str, our_id: str) -> str:
        """The URL of the one payable provider session, opened if need be. Raises NotPayable."""
        ...

    async def payer_returned(self, merchant_id: str, our_id: str) -> CheckoutStatus:
        """Have the run ask the provider now, and say where the link stands."""
        ...


class Ledger(Protocol):
    """What can be read of entries, orders, payments, settlements and links. Another merchant's do not exist.

    Lists are newest first, and raise InvalidInput for a cursor that is not one of ours.
    """

    async def entry(self, merchant_id: str, entry_id: str) -> EntryDetailView | None:
        """One entry."""
        ...

    async def entries(self, merchant_id: str, wanted: Wanted, status: EntryStatus | None) -> EntryPage:
        """A page of entries."""
        ...

    async def payment(self, merchant_id: str, payment_id: str) -> PaymentDetailView | None:
        """One payment."""
        ...

    async def payments(self, merchant_id: str, wanted: Wanted, status: PaymentStatus | None) -> PaymentPage:
        """A page of payments."""
        ...

    async def order(self, merchant_id: str, order_id: str) -> OrderDetailView | None:
        """One order."""
        ...

    async def orders(self, merchant_id: str, wanted: Wanted) -> OrderPage:
        """A page of orders."""
        ...

    async def settlement_of_key(self, merchant_id: str, key: str) -> SettlementView | None:
        """What was done under a shop's key."""
        ...

    async def link(self, merchant_id: str, link_id: str) -> LinkView | None:
        """One link for several entries."""
        ...


class Reader(Protocol):
    """Everything that can be read. Another merchant's things do not exist."""

    async def merchant_of_key(self, api_key: str) -> Merchant | None:
        """The merchant whose live API key this is."""
        ...

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """The merchant of this id."""
        ...

    async def checkout(self, merchant_id: str, checkout_id: str) -> CheckoutView | None:
        """One checkout."""
        ...

    async def checkout_of_key(self, merchant_id: str, assignment_key: str) -> CheckoutView | None:
        """The checkout that an assignment key names."""
        ...

    async def checkouts(
        self,
        merchant_id: str,
        *,
        assignment_key: str | None,
        status: CheckoutStatus | None,
        cursor: str | None,
        limit: int,
    ) -> CheckoutPage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def invoice(self, merchant_id: str, invoice_id: str) -> InvoiceView | None:
        """One invoice."""
        ...

    async def refund(self, merchant_id: str, refund_id: str) -> RefundView | None:
        """One refund."""
        ...

    async def refund_of_key(self, merchant_id: str, key: str) -> RefundView | None:
        """The refund that a shop's key names."""
        ...

    async def cases(self, merchant_id: str, *, status: CaseStatus | None, cursor: str | None, limit: int) -> CasePage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def case(self, merchant_id: str, case_id: str) -> CaseView | None:
        """One case."""
        ...

    async def payouts(self, merchant_id: str, *, cursor: str | None, limit: int) -> PayoutPage:
        """Newest first, without items. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def payout(self, merchant_id: str, payout_id: str) -> PayoutView | None:
        """One payout with its items."""
        ...

    async def payment_page(self, token: str) -> PaymentPageView | None:
        """What the payment page of this link shows."""
        ...

    async def ready(self) -> bool:
        """Whether the database answers."""
        ...


class Cases(Protocol):
    """Decisions of cases that no run waits for."""

    async def decide(self, step: DecideCase) -> None:
        """Write the decision down, once. Raises NotFound, CaseDecided, and InvalidInput for what is no option."""
        ...


class Documents(Protocol):
    """Reads stored documents."""

    async def get(self, ref: DocumentRef) -> bytes:
        """The stored bytes, checked against their hash."""
        ...


class Webhooks(Protocol):
    """Verifies a provider's messages."""

    def verify(self, merchant_id: str, body: bytes, signature: str | None) -> ProviderEvent:
        """The message, if it is the provider's own and fresh. Raises InvalidWebhook for everything else."""
        ...


class Inbox(Protocol):
    """Where facts become durable before anybody is told that we have them."""

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        """Commit the message, once per event id. A message that names another merchant's checkout has no run."""
        ...


class Monitor(Protocol):
    """Reads the house's health."""

    async def figures(self) -> Figures:
        """A reading, as of now."""
        ...
