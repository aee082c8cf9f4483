"""A ledger with nothing in it, for applications whose tests are about something else."""

from api.ports import RunsUnavailable
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
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
from domain.payments import PaymentStatus
from domain.settlement_steps import LinkRequest
from domain.settlements import Request


class EmptyLedger:
    """Implements `api.ports.Ledger`."""

    async def entry(self, merchant_id: str, entry_id: str) -> EntryDetailView | None:
        return None

    async def entries(self, merchant_id: str, wanted: Wanted, status: EntryStatus | None) -> EntryPage:
        return EntryPage(items=(), next_cursor=None)

    async def payment(self, merchant_id: str, payment_id: str) -> PaymentDetailView | None:
        return None

    async def payments(self, merchant_id: str, wanted: Wanted, status: PaymentStatus | None) -> PaymentPage:
        return PaymentPage(items=(), next_cursor=None)

    async def order(self, merchant_id: str, order_id: str) -> OrderDetailView | None:
        return None

    async def orders(self, merchant_id: str, wanted: Wanted) -> OrderPage:
        return OrderPage(items=(), next_cursor=None)

    async def settlement_of_key(self, merchant_id: str, key: str) -> SettlementView | None:
        return None

    async def link(self, merchant_id: str, link_id: str) -> LinkView | None:
        return None


class RunsAway:
    """Implements `api.ports.SettlementRuns` and `api.ports.LinkRuns`: the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: Request, *, by: str) -> bool:
        raise RunsUnavailable("the workflow service does not answer")

    async def open(self, merchant_id: str, request: LinkRequest) -> tuple[str, bool]:
        raise RunsUnavailable("the workflow service does not answer")

    async def open_payment_page(self, merchant_id: str, our_id: str) -> str:
        raise RunsUnavailable("the workflow service does not answer")

    async def payer_returned(self, merchant_id: str, our_id: str) -> CheckoutStatus:
        raise RunsUnavailable("the workflow service does not answer")
