"""Runs that mail documents again, spoken to through Temporal."""

from datetime import timedelta

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from api.ports import RunsUnavailable
from domain.deliveries import Dispatch
from workflows.messages import StartResend, resend_id
from workflows.reporter import WORKFLOW_TASK_TIMEOUT
from workflows.resend import ResendWorkflow

PATIENCE = timedelta(seconds=15)
"""How long a request waits for a run before it is told to come back."""


class TemporalResendRuns:
    """Implements `api.ports.ResendRuns`."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def ask(self, dispatch: Dispatch) -> None:
        start = WithStartWorkflowOperation(
            ResendWorkflow.run,
            StartResend(dispatch=dispatch),
            id=resend_id(dispatch.merchant_id, dispatch.invoice_id, dispatch.key),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"mail {dispatch.invoice_id} of {dispatch.merchant_id} again",
        )
        try:
            await self._client.execute_update_with_start_workflow(
                ResendWorkflow.queued, start_workflow_operation=start, rpc_timeout=self._patience
            )
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError) as timeout:
            raise RunsUnavailable("the run did not answer in time") from timeout
        except (WorkflowUpdateFailedError, RPCError) as error:
            raise RunsUnavailable(str(error)) from error
