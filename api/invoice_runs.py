"""The running invoice runs, spoken to through Temporal."""

import secrets
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
from domain.invoice_runs import InvoiceRunRequest, run_id
from workflows.invoice_run import InvoiceRunWorkflow
from workflows.messages import StartInvoiceRun, invoice_run_id
from workflows.reporter import WORKFLOW_TASK_TIMEOUT

PATIENCE = timedelta(seconds=15)
"""How long a request waits for a run before it is told to come back."""


class TemporalInvoiceRuns:
    """Implements `api.ports.InvoiceRuns`. A run that was lost is started again and goes on from the books."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def start(self, merchant_id: str, request: InvoiceRunRequest) -> bool:
        opened_by, our_id = secrets.token_hex(8), run_id(merchant_id, request.key)
        operation = WithStartWorkflowOperation(
            InvoiceRunWorkflow.run,
            StartInvoiceRun(merchant_id=merchant_id, run_id=our_id, opened_by=opened_by, request=request),
            id=invoice_run_id(our_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"{'dry ' if request.dry_run else ''}invoice run of {merchant_id}",
        )
        try:
            opened = await self._client.execute_update_with_start_workflow(
                InvoiceRunWorkflow.opened, start_workflow_operation=operation, rpc_timeout=self._patience
            )
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError) as timeout:
            raise RunsUnavailable("the run did not answer in time") from timeout
        except WorkflowUpdateFailedError as failure:
            raise RunsUnavailable(str(failure.cause)) from failure
        except RPCError as error:
            raise RunsUnavailable(str(error)) from error
        return opened.opened_by == opened_by
