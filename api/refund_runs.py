"""The running refunds, spoken to through Temporal."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.ports import RunsUnavailable
from domain.errors import InvalidInput, NotFound, NothingToRefund, RefundDecided
from domain.refund_requests import RefundRequest
from domain.refund_steps import Refusal, RefusalKind
from domain.refunds import refund_id
from workflows.messages import OpenedRefund, RefundDecision, RefundVerdict, StartRefund, refund_run_id
from workflows.refund import RefundWorkflow
from workflows.reporter import WORKFLOW_TASK_TIMEOUT

PATIENCE = timedelta(seconds=15)
"""How long a request waits for a run before it is told to come back."""
MOST_ENDINGS = 5
ENDED_WHILE_ASKED = "AcceptedUpdateCompletedWorkflow"
"""What the workflow service calls an update whose run ended before it was answered."""
_T = TypeVar("_T")


class TemporalRefundRuns:
    """Implements `api.ports.RefundRuns`. A run that is over, or was lost, is started again and goes on."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def ask(self, merchant_id: str, request: RefundRequest) -> bool:
        opened_by = secrets.token_hex(8)
        our_id = refund_id(merchant_id, request.key)
        start = StartRefund(merchant_id=merchant_id, refund_id=our_id, request=request, opened_by=opened_by)

        async def once() -> OpenedRefund:
            return await self._client.execute_update_with_start_workflow(
                RefundWorkflow.opened, start_workflow_operation=self._start(our_id, start), rpc_timeout=self._patience
            )

        opened = await answered(once)
        if opened.refusal is not None:
            raise _refused(opened.refusal, request)
        return opened.opened_by == opened_by

    async def decide(self, merchant_id: str, refund_id: str, *, approved: bool, by: str, reason: str) -> None:
        start = StartRefund(merchant_id=merchant_id, refund_id=refund_id)
        decision = RefundDecision(approved=approved, by=by, reason=reason)

        async def once() -> RefundVerdict:
            return await self._client.execute_update_with_start_workflow(
                RefundWorkflow.decide,
                decision,
                start_workflow_operation=self._start(refund_id, start),
                rpc_timeout=self._patience,
            )

        verdict = await answered(once)
        if verdict.refusal is not None:
            raise NotFound("refund", refund_id)
        if not verdict.taken:
            raise RefundDecided(refund_id, str(verdict.status))

    def _start(self, our_id: str, start: StartRefund) -> WithStartWorkflowOperation[RefundWorkflow, Any]:
        return WithStartWorkflowOperation(
            RefundWorkflow.run,
            start,
            id=refund_run_id(our_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"refund of {start.merchant_id}",
        )


async def answered(request: Callable[[], Awaitable[_T]]) -> _T:
    """The run's answer. A run that ends in the very moment it is asked is started again by asking again."""
    for _ in range(MOST_ENDINGS):
        try:
            return await request()
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError) as timeout:
            raise RunsUnavailable("the run did not answer in time") from timeout
        except WorkflowUpdateFailedError as failure:
            if not (isinstance(failure.cause, ApplicationError) and failure.cause.type == ENDED_WHILE_ASKED):
                raise RunsUnavailable(str(failure.cause)) from failure
        except RPCError as error:
            if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.ABORTED}:
                raise RunsUnavailable(str(error)) from error
    raise RunsUnavailable("the run ended each time it was asked")


def _refused(refusal: Refusal, request: RefundRequest) -> Exception:
    match refusal.kind:
        case RefusalKind.INVALID:
            return InvalidInput(refusal.violations)
        case RefusalKind.NOTHING_CAPTURED:
            return NothingToRefund(request.checkout_id)
        case RefusalKind.NO_CHECKOUT | RefusalKind.NO_REFUND:
            return NotFound("checkout", request.checkout_id)
