"""Disputes: ask the provider, write down what follows, remind of the evidence."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.disputes import DisputeReport, DisputeStanding, LookAtDispute, RecordDispute, RemindOfDispute
from domain.ports import DisputeBook, PaymentProvider


class DisputeActivities:
    """One method, one call to the provider or one transaction."""

    def __init__(self, provider: PaymentProvider, disputes: DisputeBook) -> None:
        self._provider = provider
        self._disputes = disputes

    @activity.defn
    @translated
    @heartbeating
    async def look_at_dispute(self, step: LookAtDispute) -> DisputeReport:
        """Ask the provider what it says of the dispute now."""
        return await self._provider.read_dispute(step.merchant_id, step.reference)

    @activity.defn
    @translated
    async def record_dispute(self, step: RecordDispute) -> DisputeStanding:
        """Move the money as the provider says."""
        return await self._disputes.record_dispute(step)

    @activity.defn
    @translated
    async def remind_of_dispute(self, step: RemindOfDispute) -> None:
        """Tell the shop that evidence is due soon."""
        await self._disputes.remind(step)
