"""Settlements and links for several entries: the steps that only write to the books."""

from temporalio import activity

from activities.failures import translated
from domain.ports import LinkBook, SettlementBook
from domain.settlement_steps import CreatedLink, CreateLink, DoSettlement, OfLink, Settled


class SettlementActivities:
    """Short database steps. Each is one transaction, and finds its own effect when it runs again."""

    def __init__(self, settlements: SettlementBook, links: LinkBook) -> None:
        self._settlements = settlements
        self._links = links

    @activity.defn
    @translated
    async def settle(self, step: DoSettlement) -> Settled:
        """Reduce, cancel or assign, or say what hinders it."""
        return await self._settlements.settle(step)

    @activity.defn
    @translated
    async def create_link(self, step: CreateLink) -> CreatedLink:
        """Issue a link for several entries, or say what hinders it."""
        return await self._links.create(step)

    @activity.defn
    @translated
    async def find_link(self, step: OfLink) -> CreatedLink:
        """The link as it was issued."""
        return await self._links.find(step)
