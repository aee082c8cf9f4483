"""Who is told when a provider has spoken: the webhook and the sweep report facts by the same way."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.checkout import CheckoutRequest
from domain.payments import EventSubject, ProviderEvent, SettledBy
from domain.refunds import REFUND_ID_PREFIX
from domain.views import InboxEntry
from workflows import search_attributes as attributes
from workflows.checkout import CheckoutWorkflow
from workflows.dispute import DisputeWorkflow
from workflows.late_payment import LatePaymentWorkflow
from workflows.messages import (
    Dispute,
    LatePayment,
    PaymentFact,
    Payout,
    RefundFact,
    StartCheckout,
    StartRefund,
    dispute_id,
    money_run_id,
    payout_id,
    refund_run_id,
    workflow_id,
)
from workflows.payout import PayoutWorkflow
from workflows.refund import RefundWorkflow

WORKFLOW_TASK_TIMEOUT = timedelta(seconds=5)
"""How long a dead worker can hold a run up; it also bounds a local activity between two heartbeats."""

Report = Callable[[str, InboxEntry, ProviderEvent, SettledBy], Awaitable[None]]


class TemporalReporter:
    """Implements `domain.ports.Reporter`: a message of a provider says "go look", and here is who looks.

    Every method raises RPCError when the workflow service does not answer.
    """

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = timedelta(seconds=5)) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience
        self._lookers: Mapping[EventSubject, Report] = {
            EventSubject.PAYMENT: self._report_payment,
            EventSubject.REFUND: self._report_refund,
            EventSubject.DISPUTE: self._report_dispute,
            EventSubject.PAYOUT: self._report_payout,
        }

    async def report(
        self, merchant_id: str, entry: InboxEntry, event: ProviderEvent, found_by: SettledBy = SettledBy.WEBHOOK
    ) -> None:
        """Tell the process that looks after the subject of the message."""
        await self._lookers.get(event.subject, self._report_payment)(merchant_id, entry, event, found_by)

    async def _report_payment(
        self, merchant_id: str, entry: InboxEntry, event: ProviderEvent, found_by: SettledBy
    ) -> None:
        """Tell the checkout's run; when it is over, start, or tell, the one that looks after late facts."""
        fact = PaymentFact(
            event_id=event.event_id,
            session_id=event.session_id,
            payment_reference=event.payment_reference,
            found_by=found_by,
        )
        if entry.workflow_id is None or entry.checkout_id is None:
            await self._report_unknown(merchant_id, fact)
            return
        handle = self._client.get_workflow_handle(entry.workflow_id)
        try:
            await handle.signal(CheckoutWorkflow.payment_reported, fact, rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await self._report_late(LatePayment(merchant_id=merchant_id, checkout_id=entry.checkout_id), fact)

    async def _report_unknown(self, merchant_id: str, fact: PaymentFact) -> None:
        """Money on the merchant's account that we cannot tie to a checkout is looked after by a run of its own."""
        if fact.payment_reference is not None:
            late = LatePayment(merchant_id=merchant_id, payment_reference=fact.payment_reference)
        elif fact.session_id is not None:
            late = LatePayment(merchant_id=merchant_id, session_id=fact.session_id)
        else:
            raise ValueError("the message names neither checkout, payment nor session")
        await self._report_late(late, fact)

    async def _report_late(self, late: LatePayment, fact: PaymentFact) -> None:
        await self._client.start_workflow(
            LatePaymentWorkflow.run,
            late,
            id=money_run_id(late),
            task_queue=self._task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            start_signal="payment_reported",
            start_signal_args=[fact],
            rpc_timeout=self._patience,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, late.merchant_id)]),
        )

    async def _report_refund(self, merchant_id: str, _: InboxEntry, event: ProviderEvent, __: SettledBy) -> None:
        """Tell the refund's run, or start one: for our own that is over, and for one that somebody else made."""
        reference = _reference(event)
        ours = event.refund_id or ""
        await self._client.start_workflow(
            RefundWorkflow.run,
            StartRefund(merchant_id=merchant_id, reference=reference),
            id=refund_run_id(ours if ours.startswith(REFUND_ID_PREFIX) else reference),
            task_queue=self._task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            start_signal="refund_reported",
            start_signal_args=[RefundFact(event_id=event.event_id, reference=reference)],
            rpc_timeout=self._patience,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, merchant_id)]),
        )

    async def _report_dispute(self, merchant_id: str, _: InboxEntry, event: ProviderEvent, __: SettledBy) -> None:
        """Start, or tell, the run that looks after the dispute; it outlives the checkout's."""
        reference = _reference(event)
        await self._client.start_workflow(
            DisputeWorkflow.run,
            Dispute(merchant_id=merchant_id, reference=reference),
            id=dispute_id(reference),
            task_queue=self._task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"dispute {reference} of {merchant_id}",
            start_signal="dispute_reported",
            start_signal_args=[event.event_id],
            rpc_timeout=self._patience,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, merchant_id)]),
        )

    async def _report_payout(self, merchant_id: str, _: InboxEntry, event: ProviderEvent, __: SettledBy) -> None:
        """Start, or tell, the run that compares the payout with the books."""
        reference = _reference(event)
        await self._client.start_workflow(
            PayoutWorkflow.run,
            Payout(merchant_id=merchant_id, reference=reference),
            id=payout_id(reference),
            task_queue=self._task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"payout {reference} of {merchant_id}",
            start_signal="payout_reported",
            start_signal_args=[event.event_id],
            rpc_timeout=self._patience,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, merchant_id)]),
        )

    async def restart(self, merchant_id: str, request: CheckoutRequest) -> bool:
        """Start the run of a checkout again if it is not running; True if it was not. It goes on from the books."""
        try:
            await self._client.start_workflow(
                CheckoutWorkflow.run,
                StartCheckout(merchant_id=merchant_id, request=request, opened_by=f"again-{secrets.token_hex(8)}"),
                id=workflow_id(merchant_id, request.assignment_key),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                task_timeout=WORKFLOW_TASK_TIMEOUT,
                static_summary=f"{request.assignment_key} of {merchant_id}",
                rpc_timeout=self._patience,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True


def _reference(event: ProviderEvent) -> str:
    if event.reference is None:
        raise ValueError(f"message {event.event_id} names no {event.subject}")
    return event.reference
