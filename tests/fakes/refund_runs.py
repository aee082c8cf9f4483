"""Refunds in memory: one per merchant and key, prepared at once, never carried out."""

from dataclasses import replace
from datetime import UTC, datetime

from api.ports import RunsUnavailable
from domain.errors import NotFound, NothingToRefund, RefundDecided
from domain.refund_requests import RefundRequest, amount_of
from domain.refunds import UNDER_WAY, RefundOrigin, RefundStatus, refund_id
from domain.views import RefundView
from tests.fakes.world import World

GONE = UNDER_WAY | {RefundStatus.REFUNDED}


class FakeRefundRuns:
    """Implements `api.ports.RefundRuns`. `down` is a workflow service that does not answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.down = False

    async def ask(self, merchant_id: str, request: RefundRequest) -> bool:
        self._demand_service()
        checkout = self.world.checkouts[request.checkout_id]
        our_id = refund_id(merchant_id, request.key)
        if any(refund.id == our_id for _, refund in self.world.refunds.values()):
            return False
        if not checkout.payments:
            raise NothingToRefund(checkout.id)
        [payment] = checkout.payments
        given = sum(refund.amount for refund in checkout.refunds if refund.status in GONE)
        now = datetime.now(UTC)
        self.world.record_refund(
            merchant_id,
            RefundView(
                id=our_id,
                checkout_id=checkout.id,
                payment_id=payment.id,
                status=RefundStatus.PREPARED,
                origin=RefundOrigin.SHOP,
                amount=amount_of(request, payment.currency, payment.amount - given),
                currency=payment.currency,
                reason=request.reason,
                failure=None,
                approved_by=None,
                credit_notes=(),
                key=request.key,
                request=request,
                created_at=now,
                updated_at=now,
            ),
        )
        return True

    async def decide(self, merchant_id: str, refund_id: str, *, approved: bool, by: str, reason: str) -> None:
        self._demand_service()
        owner, refund = self.world.refunds.get(refund_id, (None, None))
        if refund is None or owner != merchant_id:
            raise NotFound("refund", refund_id)
        if refund.status is RefundStatus.PREPARED:
            status = RefundStatus.APPROVED if approved else RefundStatus.CANCELED
            changed = replace(
                refund, status=status, approved_by=by if approved else None, failure=None if approved else reason
            )
            self.world.record_refund(merchant_id, changed)
        elif approved is (refund.status is RefundStatus.CANCELED):
            raise RefundDecided(refund_id, refund.status)

    def _demand_service(self) -> None:
        if self.down:
            raise RunsUnavailable("the workflow service does not answer")
