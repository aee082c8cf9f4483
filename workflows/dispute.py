"""A dispute, from the bank's claim to its decision: weeks in which messages may be lost, doubled or reordered."""

from datetime import datetime, timedelta

from temporalio import workflow

from workflows.messages import Dispute, LatePayment

with workflow.unsafe.imports_passed_through():
    from activities.disputes import DisputeActivities
    from domain.disputes import DisputeStanding, DisputeStatus, LookAtDispute, RecordDispute, RemindOfDispute
    from workflows.calls import at_provider, in_books
    from workflows.late_payment import hand_over

POLL = timedelta(days=1)
"""How often the provider is asked when it says nothing."""
POLL_UNKNOWN = timedelta(minutes=10)
"""How often, while the disputed payment has not reached the books yet."""


@workflow.defn(name="DisputeWorkflow")
class DisputeWorkflow:
    """Applies what the provider says of one dispute, and reminds the shop before the evidence is due.

    A dispute that the provider refuses to show fails the run; its messages stay unapplied, which the sweep tells.
    """

    @workflow.init
    def __init__(self, dispute: Dispute) -> None:
        self._dispute = dispute
        self._messages: dict[str, None] = {}
        self._has_news = False

    @workflow.run
    async def run(self, dispute: Dispute) -> DisputeStatus:  # noqa: ARG002 - taken in __init__
        """Look, wait, look again, until the bank has decided; a later message starts the next run."""
        standing = await self._look()
        while self._has_news or _waits(standing):
            await self._reason_to_look(standing)
            standing = await self._look()
        self._tell(f"The dispute is {standing.status}.")
        return standing.status

    async def _look(self) -> DisputeStanding:
        """Whatever the provider says at this moment is applied, forward only."""
        messages, self._has_news = tuple(self._messages), False
        report = await at_provider(
            DisputeActivities.look_at_dispute,
            LookAtDispute(merchant_id=self._dispute.merchant_id, reference=self._dispute.reference),
            "ask the provider",
        )
        step = RecordDispute(
            merchant_id=self._dispute.merchant_id, report=report, event_ids=messages, at=workflow.now()
        )
        standing = await in_books(DisputeActivities.record_dispute, step, "apply what the provider says")
        if standing.known or not standing.ours:
            self._messages = {event_id: None for event_id in self._messages if event_id not in messages}
        if standing.homeless_in is not None:
            late = LatePayment(merchant_id=self._dispute.merchant_id, checkout_id=standing.homeless_in)
            await hand_over(late)
        return standing

    async def _reason_to_look(self, standing: DisputeStanding) -> None:
        """Wait for a message or the time to poll; on the way, remind of the evidence when that is due."""
        poll_at = workflow.now() + (POLL if standing.known else POLL_UNKNOWN)
        self._tell(_words(standing))
        if standing.remind_at is not None and standing.remind_at <= poll_at:
            if await self._hear_until(standing.remind_at):
                return
            await self._remind()
        await self._hear_until(poll_at)

    async def _hear_until(self, at: datetime) -> bool:
        """Whether a message came before that time."""
        left = max(at - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(lambda: self._has_news, timeout=left, timeout_summary="look again")
        except TimeoutError:
            return False
        return True

    async def _remind(self) -> None:
        step = RemindOfDispute(
            merchant_id=self._dispute.merchant_id, reference=self._dispute.reference, at=workflow.now()
        )
        await in_books(DisputeActivities.remind_of_dispute, step, "remind of the evidence")

    @workflow.signal
    def dispute_reported(self, event_id: str) -> None:
        """The provider said that something happened to this dispute: go and look."""
        self._messages.setdefault(event_id)
        self._has_news = True

    @staticmethod
    def _tell(words: str) -> None:
        workflow.set_current_details(words)


def _waits(standing: DisputeStanding) -> bool:
    """A dispute of somebody else's payment is not looked after."""
    return standing.status is DisputeStatus.OPENED if standing.known else standing.ours


def _words(standing: DisputeStanding) -> str:
    if not standing.known:
        return "The disputed payment is not in the books yet."
    if standing.remind_at is None:
        return "Waiting for the bank's decision."
    return f"Waiting for the bank's decision; the shop is reminded on {standing.remind_at:%Y-%m-%d %H:%M} UTC."
