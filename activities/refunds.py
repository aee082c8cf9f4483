"""Refunds: the steps that only write to the books."""

from temporalio import activity

from activities.failures import translated
from domain.ports import RefundBook
from domain.refund_steps import (
    AdoptRefund,
    ApplyRefund,
    DecideRefund,
    OfRefund,
    Prepared,
    PrepareRefund,
    RefundStanding,
    Released,
)


class RefundActivities:
    """Short database steps. Each is one transaction, and finds its own effect when it runs again."""

    def __init__(self, refunds: RefundBook) -> None:
        self._refunds = refunds

    @activity.defn
    @translated
    async def prepare_refund(self, step: PrepareRefund) -> Prepared:
        """Write a shop's refund down, or say why not."""
        return await self._refunds.prepare(step)

    @activity.defn
    @translated
    async def find_refund(self, step: OfRefund) -> RefundStanding | None:
        """Where a refund stands."""
        return await self._refunds.standing(step)

    @activity.defn
    @translated
    async def decide_refund(self, step: DecideRefund) -> RefundStanding:
        """Approve or reject."""
        return await self._refunds.decide(step)

    @activity.defn
    @translated
    async def release_refund(self, step: OfRefund) -> Released:
        """Let an approved refund go to the provider."""
        return await self._refunds.release(step)

    @activity.defn
    @translated
    async def adopt_refund(self, step: AdoptRefund) -> RefundStanding | None:
        """Write down a refund that somebody else made."""
        return await self._refunds.adopt(step)

    @activity.defn
    @translated
    async def apply_refund(self, step: ApplyRefund) -> RefundStanding:
        """Book what the provider says: money, credit note and events as one."""
        return await self._refunds.apply(step)
