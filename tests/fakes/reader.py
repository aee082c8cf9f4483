"""A reader of the world: newest first, opaque cursors, one merchant at a time."""

from dataclasses import replace

from domain.cases import CaseStatus
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.deposits import deduction_problems
from domain.errors import InvalidInput, Violation
from domain.invoice_runs import RunOrderStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.merchants import Merchant
from domain.views import (
    AcceptedCorrection,
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    InvoicePage,
    InvoiceRunPage,
    InvoiceRunView,
    InvoiceView,
    PaymentPageView,
    PayoutPage,
    PayoutView,
    RefundView,
    RunOrderPage,
    SentDeliveryView,
)
from tests.fakes.world import World


def _behind(views: list[InvoiceRunView], cursor: str | None) -> list[InvoiceRunView]:
    """What comes after the cursor, which is the id of the last one seen."""
    if cursor is None:
        return views
    place = next((place for place, view in enumerate(views) if view.id == cursor), None)
    if place is None:
        raise InvalidInput([Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")])
    return views[place + 1 :]


class FakeReader:
    """Implements `api.ports.Reader`. With `fault` set, every read raises it, as if the database were away."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fault: Exception | None = None

    def _now(self) -> World:
        if self.fault is not None:
            raise self.fault
        return self.world

    async def merchant_of_key(self, api_key: str) -> Merchant | None:
        world = self._now()
        merchant_id = world.api_keys.get(api_key)
        return None if merchant_id is None else world.merchants[merchant_id]

    async def merchant(self, merchant_id: str) -> Merchant | None:
        return self._now().merchants.get(merchant_id)

    async def checkout(self, merchant_id: str, checkout_id: str) -> CheckoutView | None:
        view = self._now().checkouts.get(checkout_id)
        return view if view is not None and view.merchant_id == merchant_id else None

    async def checkout_of_key(self, merchant_id: str, assignment_key: str) -> CheckoutView | None:
        if "\0" in assignment_key:
            raise ValueError("no database takes NUL in text")
        return next((view for view in self._of(merchant_id) if view.assignment_key == assignment_key), None)

    async def checkouts(
        self,
        merchant_id: str,
        *,
        assignment_key: str | None,
        status: CheckoutStatus | None,
        cursor: str | None,
        limit: int,
    ) -> CheckoutPage:
        mine = sorted(self._of(merchant_id), key=lambda view: (view.created_at, view.id), reverse=True)
        if cursor is not None:
            before = next((place for place, view in enumerate(mine) if view.id == cursor), None)
            if before is None:
                raise InvalidInput(
                    [Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")]
                )
            mine = mine[before + 1 :]
        found = [
            replace(view, tax=None)
            for view in mine
            if assignment_key in {None, view.assignment_key} and status in {None, view.status}
        ]
        return CheckoutPage(items=tuple(found[:limit]), next_cursor=found[limit - 1].id if len(found) > limit else None)

    async def invoice(self, merchant_id: str, invoice_id: str) -> InvoiceView | None:
        owner, canceled = self._now().canceled_invoices.get(invoice_id, (None, None))
        if owner == merchant_id:
            return canceled
        invoices = (view.invoice for view in self._of(merchant_id))
        return next((invoice for invoice in invoices if invoice is not None and invoice.id == invoice_id), None)

    async def deliveries(self, merchant_id: str, invoice_id: str) -> tuple[SentDeliveryView, ...]:
        if await self.invoice(merchant_id, invoice_id) is None:
            return ()
        return tuple(reversed(self.world.deliveries.get(invoice_id, [])))

    async def invoices(
        self,
        merchant_id: str,
        *,
        kind: InvoiceKind | None,
        status: InvoiceStatus | None,
        cursor: str | None,
        limit: int,
    ) -> InvoicePage:
        canceled = [view for owner, view in self._now().canceled_invoices.values() if owner == merchant_id]
        mine = [*(view.invoice for view in self._of(merchant_id) if view.invoice is not None), *canceled]
        mine = sorted(mine, key=lambda view: view.id, reverse=True)
        if cursor is not None:
            before = next((place for place, view in enumerate(mine) if view.id == cursor), None)
            if before is None:
                raise InvalidInput(
                    [Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")]
                )
            mine = mine[before + 1 :]
        found = [view for view in mine if kind in {None, view.kind} and status in {None, view.status}]
        return InvoicePage(items=tuple(found[:limit]), next_cursor=found[limit - 1].id if len(found) > limit else None)

    async def correction_of_key(self, merchant_id: str, key: str) -> AcceptedCorrection | None:
        return self._now().corrections.get((merchant_id, key))

    async def deposit_problems(self, merchant_id: str, request: CheckoutRequest, total: int) -> tuple[Violation, ...]:
        return deduction_problems(request, total, self._now().deposits)

    async def refund(self, merchant_id: str, refund_id: str) -> RefundView | None:
        owner, view = self._now().refunds.get(refund_id, (None, None))
        return view if owner == merchant_id else None

    async def refund_of_key(self, merchant_id: str, key: str) -> RefundView | None:
        mine = [view for owner, view in self._now().refunds.values() if owner == merchant_id]
        return next((view for view in mine if view.key == key), None)

    async def cases(self, merchant_id: str, *, status: CaseStatus | None, cursor: str | None, limit: int) -> CasePage:
        mine = [view for owner, view in self._now().cases.values() if owner == merchant_id]
        mine = sorted(mine, key=lambda view: (view.opened_at, view.id), reverse=True)
        if cursor is not None:
            before = next((place for place, view in enumerate(mine) if view.id == cursor), None)
            if before is None:
                raise InvalidInput(
                    [Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")]
                )
            mine = mine[before + 1 :]
        found = [view for view in mine if status in {None, view.status}]
        return CasePage(items=tuple(found[:limit]), next_cursor=found[limit - 1].id if len(found) > limit else None)

    async def case(self, merchant_id: str, case_id: str) -> CaseView | None:
        owner, view = self._now().cases.get(case_id, (None, None))
        return view if owner == merchant_id else None

    async def payouts(self, merchant_id: str, *, cursor: str | None, limit: int) -> PayoutPage:
        mine = [view for owner, view in self._now().payouts.values() if owner == merchant_id]
        found = sorted(mine, key=lambda view: (view.created_at, view.id), reverse=True)
        if cursor is not None:
            before = next((place for place, view in enumerate(found) if view.id == cursor), None)
            if before is None:
                raise InvalidInput(
                    [Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")]
                )
            found = found[before + 1 :]
        page = tuple(replace(view, items=None) for view in found[:limit])
        return PayoutPage(items=page, next_cursor=found[limit - 1].id if len(found) > limit else None)

    async def payout(self, merchant_id: str, payout_id: str) -> PayoutView | None:
        owner, view = self._now().payouts.get(payout_id, (None, None))
        return view if owner == merchant_id else None

    async def invoice_run(self, merchant_id: str, run_id: str) -> InvoiceRunView | None:
        owner, view = self._now().invoice_runs.get(run_id, (None, None))
        return view if owner == merchant_id else None

    async def invoice_runs(self, merchant_id: str, *, cursor: str | None, limit: int) -> InvoiceRunPage:
        mine = [view for owner, view in self._now().invoice_runs.values() if owner == merchant_id]
        found = _behind(sorted(mine, key=lambda view: (view.created_at, view.id), reverse=True), cursor)
        return InvoiceRunPage(
            items=tuple(found[:limit]), next_cursor=found[limit - 1].id if len(found) > limit else None
        )

    async def invoice_run_orders(
        self, merchant_id: str, run_id: str, *, status: RunOrderStatus | None, cursor: str | None, limit: int
    ) -> RunOrderPage:
        orders = [order for order in self._now().run_orders.get(run_id, ()) if status in {None, order.status}]
        if cursor is not None:
            orders = orders[[order.order_id for order in orders].index(cursor) + 1 :]
        more = orders[limit - 1].order_id if len(orders) > limit else None
        return RunOrderPage(items=tuple(orders[:limit]), next_cursor=more)

    async def payment_page(self, token: str) -> PaymentPageView | None:
        world = self._now()
        for view in world.checkouts.values():
            if view.payment_link is not None and view.payment_link.token == token:
                merchant = world.merchants[view.merchant_id]
                return PaymentPageView(
                    checkout_id=view.id,
                    merchant_id=view.merchant_id,
                    workflow_id=view.workflow_id,
                    assignment_key=view.assignment_key,
                    status=view.status,
                    language=view.request.customer.language,
                    time_zone=merchant.time_zone,
                    expires_at=view.payment_link.expires_at,
                    seller=merchant.seller,
                    branding=merchant.branding,
                    cart=world.carts[view.id],
                    redirects=view.request.redirects,
                    attempt=view.attempts[-1].status if view.attempts else None,
                    promise=next((one.promise for one in view.payments if one.promise), None),
                )
        return None

    async def ready(self) -> bool:
        return self.fault is None

    def _of(self, merchant_id: str) -> list[CheckoutView]:
        return [view for view in self._now().checkouts.values() if view.merchant_id == merchant_id]
