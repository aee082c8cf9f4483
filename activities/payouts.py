"""Payouts: read with all their items, and compared with the books."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.payouts import PayoutStanding, ReconcilePayout
from domain.ports import PaymentProvider, PayoutBook


class PayoutActivities:
    """One step: thousands of items go from the provider to the books without passing through a run's history."""

    def __init__(self, provider: PaymentProvider, payouts: PayoutBook) -> None:
        self._provider = provider
        self._payouts = payouts

    @activity.defn
    @translated
    @heartbeating
    async def reconcile_payout(self, step: ReconcilePayout) -> PayoutStanding:
        """Compare the payout with the books."""
        report = await self._provider.read_payout(step.merchant_id, step.reference)
        return await self._payouts.record_payout(step, report)
