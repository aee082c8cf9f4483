"""A payout: what the provider transfers to the bank, compared item by item with the books."""

from datetime import timedelta

from temporalio import workflow

from workflows.messages import Payout

with workflow.unsafe.imports_passed_through():
    from activities.payouts import PayoutActivities
    from domain.payouts import PayoutStanding, ReconcilePayout
    from workflows.calls import at_provider

POLL = timedelta(hours=1)
"""How often the provider is asked while it puts the list of items together."""


@workflow.defn(name="PayoutWorkflow")
class PayoutWorkflow:
    """Compares one payout with the books. Messages that come later start the next run."""

    @workflow.init
    def __init__(self, payout: Payout) -> None:
        self._payout = payout
        self._news: dict[str, None] = {}

    @workflow.run
    async def run(self, payout: Payout) -> PayoutStanding:  # noqa: ARG002 - taken in __init__
        """Compare; again when the provider has more to say."""
        standing = await self._reconcile()
        while self._news or not standing.complete:
            await self._reason_to_look()
            standing = await self._reconcile()
        verdict = "agrees with the books" if standing.matched else "differs from the books: see the cases"
        workflow.set_current_details(f"The payout is {standing.status}; it {verdict} ({standing.items} items).")
        return standing

    async def _reconcile(self) -> PayoutStanding:
        news = tuple(self._news)
        step = ReconcilePayout(
            merchant_id=self._payout.merchant_id,
            reference=self._payout.reference,
            event_ids=news,
            at=workflow.now(),
        )
        standing = await at_provider(PayoutActivities.reconcile_payout, step, "compare the payout with the books")
        self._news = {event_id: None for event_id in self._news if event_id not in news}
        return standing

    async def _reason_to_look(self) -> None:
        workflow.set_current_details("The provider still puts the payout's items together.")
        try:
            await workflow.wait_condition(lambda: bool(self._news), timeout=POLL, timeout_summary="look again")
        except TimeoutError:
            return

    @workflow.signal
    def payout_reported(self, event_id: str) -> None:
        """The provider said that something happened to this payout: go and look."""
        self._news.setdefault(event_id)
