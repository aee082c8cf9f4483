"""The running checkouts, spoken to through Temporal."""

import asyncio
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.ports import NotPayable, OpenedCheckout, RunsUnavailable
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.payments import ProviderEvent
from domain.views import InboxEntry
from workflows import search_attributes as attributes
from workflows.checkout import CheckoutWorkflow
from workflows.late_payment import LatePaymentWorkflow
from workflows.messages import (
    LatePayment,
    PaymentFact,
    StartCheckout,
    late_payment_id,
    workflow_id,
)

WORKFLOW_TASK_TIMEOUT = timedelta(seconds=5)
"""How long a dead worker can hold a run up; it also bounds a local activity between two heartbeats."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request waits for a run before it is told to come back."""

    opening: timedelta = timedelta(seconds=15)
    paying: timedelta = timedelta(seconds=15)
    returning: timedelta = timedelta(seconds=6)
    signalling: timedelta = timedelta(seconds=5)


class TemporalRuns:
    """Implements `api.ports.CheckoutRuns`."""

    def __init__(self, client: Client, *, task_queue: str, patience: Patience = Patience()) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience
        self._opening: dict[str, asyncio.Task[OpenedCheckout]] = {}

    async def open(self, merchant_id: str, request: CheckoutRequest) -> OpenedCheckout:
        """Repeats of one shop that meet here share one request to Temporal, which would only queue them."""
        run_id = workflow_id(merchant_id, request.assignment_key)
        under_way = self._opening.get(run_id)
        if under_way is not None:
            return replace(await asyncio.shield(under_way), created=False)
        task = asyncio.create_task(self._open(merchant_id, request))
        self._opening[run_id] = task
        task.add_done_callback(lambda _: self._opening.pop(run_id, None))
        return await asyncio.shield(task)

    async def _open(self, merchant_id: str, request: CheckoutRequest) -> OpenedCheckout:
        """One round trip starts the run, or finds it, and waits until its link is durable."""
        opened_by = secrets.token_hex(8)
        start = WithStartWorkflowOperation(
            CheckoutWorkflow.run,
            StartCheckout(merchant_id=merchant_id, request=request, opened_by=opened_by),
            id=workflow_id(merchant_id, request.assignment_key),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"{request.assignment_key} of {merchant_id}",
        )
        link = await _answered(
            self._client.execute_update_with_start_workflow(
                CheckoutWorkflow.payment_link,
                start_workflow_operation=start,
                rpc_timeout=self._patience.opening,
            )
        )
        return OpenedCheckout(checkout_id=link.checkout_id, created=link.opened_by == opened_by)

    async def open_payment_page(self, workflow_id: str) -> str:
        handle = self._client.get_workflow_handle_for(CheckoutWorkflow.run, workflow_id)
        page = await _answered(
            handle.execute_update(CheckoutWorkflow.open_payment_page, rpc_timeout=self._patience.paying)
        )
        return page.url

    async def payer_returned(self, workflow_id: str) -> CheckoutStatus:
        handle = self._client.get_workflow_handle_for(CheckoutWorkflow.run, workflow_id)
        standing = await _answered(
            handle.execute_update(CheckoutWorkflow.payer_returned, rpc_timeout=self._patience.returning)
        )
        return standing.status

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        if entry.workflow_id is None or entry.checkout_id is None:
            raise ValueError("the message belongs to no checkout")
        fact = PaymentFact(
            event_id=event.event_id, session_id=event.session_id, payment_reference=event.payment_reference
        )
        handle = self._client.get_workflow_handle_for(CheckoutWorkflow.run, entry.workflow_id)
        try:
            await handle.signal(CheckoutWorkflow.payment_reported, fact, rpc_timeout=self._patience.signalling)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise RunsUnavailable(str(error)) from error
            await self._report_late(merchant_id, entry.checkout_id, fact)

    async def _report_late(self, merchant_id: str, checkout_id: str, fact: PaymentFact) -> None:
        """The run is over: start, or tell, the one that looks after late facts."""
        await _answered(
            self._client.start_workflow(
                LatePaymentWorkflow.run,
                LatePayment(merchant_id=merchant_id, checkout_id=checkout_id),
                id=late_payment_id(checkout_id),
                task_queue=self._task_queue,
                task_timeout=WORKFLOW_TASK_TIMEOUT,
                start_signal="payment_reported",
                start_signal_args=[fact],
                rpc_timeout=self._patience.signalling,
                search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, merchant_id)]),
            )
        )

    async def ready(self) -> bool:
        try:
            return await self._client.service_client.check_health(timeout=timedelta(seconds=2))
        except (RPCError, RuntimeError):
            return False


async def _answered(request: Awaitable[_T]) -> _T:
    """The run's answer; what keeps it from answering, in the API's words."""
    try:
        return await request
    except WorkflowUpdateFailedError as failure:
        raise _refusal(failure) from failure
    except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError) as timeout:
        raise RunsUnavailable("the run did not answer in time") from timeout
    except WorkflowAlreadyStartedError as closed:
        raise NotPayable(CheckoutStatus.COMPLETED) from closed
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotPayable(CheckoutStatus.COMPLETED) from error
        raise RunsUnavailable(str(error)) from error


def _refusal(failure: WorkflowUpdateFailedError) -> Exception:
    cause = failure.cause
    if isinstance(cause, ApplicationError) and cause.type == "NotPayable" and cause.details:
        return NotPayable(CheckoutStatus(cause.details[0]))
    return RunsUnavailable(str(cause))
