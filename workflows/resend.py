"""A document is mailed again because somebody asked for it: queue the mail, hand it to the mail server."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.messages import StartResend

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from domain.deliveries import DeliveryStatus, QueuedDelivery
    from workflows import search_attributes as attributes
    from workflows.calls import by_mail, in_books, reason


@workflow.defn(name="ResendWorkflow")
class ResendWorkflow:
    """One request to send a document again. What the mail server refuses is told in the feed, and ends the run."""

    @workflow.init
    def __init__(self, start: StartResend) -> None:
        self._dispatch = start.dispatch
        self._queued: QueuedDelivery | None = None

    @workflow.run
    async def run(self, start: StartResend) -> DeliveryStatus:  # noqa: ARG002 - taken in __init__
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(self._dispatch.merchant_id)])
        self._queued = await in_books(DeliveryActivities.queue_delivery, self._dispatch, "queue the mail")
        status = await self._send()
        workflow.set_current_details(f"The mail is {status}.")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return status

    async def _send(self) -> DeliveryStatus:
        try:
            return (await by_mail(DeliveryActivities.send_again, self._dispatch, "send the document")).status
        except ActivityError as failure:
            if reason(failure) != "MailRefused":
                raise
            return DeliveryStatus.ERROR

    @workflow.update
    async def queued(self) -> QueuedDelivery:
        """The answer to the request: the mail is in the books, and will be sent."""
        await workflow.wait_condition(lambda: self._queued is not None)
        if self._queued is None:
            raise RuntimeError("the condition was waited for")
        return self._queued
