"""The running checkouts, spoken to through Temporal."""

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.ports import NotPayable, OpenedCheckout, RunsUnavailable, TooLateToCancel
from domain.captures import CaptureRequest
from domain.cases import DecideCase
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.errors import CaseDecided, InvalidInput, Violation
from domain.payments import ProviderEvent
from domain.vat_ids import VatEvidence
from domain.views import CaseView, InboxEntry
from workflows.checkout import CheckoutWorkflow
from workflows.late_payment import LatePaymentWorkflow
from workflows.messages import (
    CancelCheckout,
    CaptureCheckout,
    CaseDecision,
    LatePayment,
    StartCheckout,
    money_run_id,
    workflow_id,
)
from workflows.reporter import WORKFLOW_TASK_TIMEOUT, TemporalReporter

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request waits for a run before it is told to come back."""

    opening: timedelta = timedelta(seconds=15)
    paying: timedelta = timedelta(seconds=15)
    returning: timedelta = timedelta(seconds=6)
    signalling: timedelta = timedelta(seconds=5)
    canceling: timedelta = timedelta(seconds=20)
    deciding: timedelta = timedelta(seconds=10)
    capturing: timedelta = timedelta(seconds=20)


class TemporalRuns:
    """Implements `api.ports.CheckoutRuns`."""

    def __init__(self, client: Client, *, task_queue: str, patience: Patience = Patience()) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience
        self._reporter = TemporalReporter(client, task_queue=task_queue, patience=patience.signalling)

    async def open(
        self, merchant_id: str, request: CheckoutRequest, vat_evidence: VatEvidence | None = None
    ) -> OpenedCheckout:
        """One round trip starts the run, or finds it, and waits until its link is durable."""
        opened_by = secrets.token_hex(8)
        start = WithStartWorkflowOperation(
            CheckoutWorkflow.run,
            StartCheckout(merchant_id=merchant_id, request=request, opened_by=opened_by, vat_evidence=vat_evidence),
            id=workflow_id(merchant_id, request.assignment_key),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
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
        handle = self._client.get_workflow_handle(workflow_id)
        page = await _answered(
            handle.execute_update(CheckoutWorkflow.open_payment_page, rpc_timeout=self._patience.paying)
        )
        return page.url

    async def payer_returned(self, workflow_id: str) -> CheckoutStatus:
        handle = self._client.get_workflow_handle(workflow_id)
        standing = await _answered(
            handle.execute_update(CheckoutWorkflow.payer_returned, rpc_timeout=self._patience.returning)
        )
        return standing.status

    async def cancel(self, workflow_id: str, *, reason: str, by: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id)
        wanted = CancelCheckout(reason=reason, by=by)
        await _answered(handle.execute_update(CheckoutWorkflow.cancel, wanted, rpc_timeout=self._patience.canceling))

    async def capture(self, workflow_id: str, request: CaptureRequest) -> None:
        handle = self._client.get_workflow_handle(workflow_id)
        wanted = CaptureCheckout(amount=request.amount, payment_id=request.payment_id)
        standing = await _answered(
            handle.execute_update(CheckoutWorkflow.capture, wanted, rpc_timeout=self._patience.capturing)
        )
        if standing.refusal is not None:
            raise standing.refusal.error()

    async def decide(self, case: CaseView, step: DecideCase) -> None:
        """The run that waits is told; one that was lost is started again, and goes on from the books."""
        late = LatePayment(
            merchant_id=step.merchant_id,
            checkout_id=case.checkout_id,
            payment_reference=None if case.checkout_id else case.payment_reference,
        )
        start = WithStartWorkflowOperation(
            LatePaymentWorkflow.run,
            late,
            id=case.workflow_id or money_run_id(late),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
        )
        decision = CaseDecision(case_id=step.case_id, decision=step.decision, reason=step.reason, by=step.by)
        await _answered(
            self._client.execute_update_with_start_workflow(
                LatePaymentWorkflow.decide,
                decision,
                start_workflow_operation=start,
                rpc_timeout=self._patience.deciding,
            )
        )

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        """`workflows.reporter` knows who is told of what."""
        try:
            await self._reporter.report(merchant_id, entry, event)
        except RPCError as error:
            raise RunsUnavailable(str(error)) from error

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
    if isinstance(cause, ApplicationError) and cause.type == "InvalidInput":  # what was true when we looked is not now
        return InvalidInput([Violation(pointer="", message=str(cause.message))])
    if isinstance(cause, ApplicationError) and cause.details:
        match cause.type:
            case "NotPayable":
                return NotPayable(CheckoutStatus(cause.details[0]))
            case "TooLateToCancel":
                return TooLateToCancel(CheckoutStatus(cause.details[0]))
            case "CaseDecided":
                return CaseDecided(str(cause.details[0]), "another option")
    return RunsUnavailable(str(cause))
