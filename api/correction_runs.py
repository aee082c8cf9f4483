"""The running corrections, spoken to through Temporal."""

import secrets
from datetime import timedelta

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy

from api.refund_runs import PATIENCE, answered
from domain.corrections import CorrectionRequest, Refusal, RefusalKind, correction_id
from domain.errors import InvalidInput, NotCorrectable, NotFound
from workflows.correction import CorrectionWorkflow
from workflows.messages import OpenedCorrection, StartCorrection, correction_run_id
from workflows.reporter import WORKFLOW_TASK_TIMEOUT


class TemporalCorrectionRuns:
    """Implements `api.ports.CorrectionRuns`. A run that is over, or was lost, is started again and goes on."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def ask(self, merchant_id: str, request: CorrectionRequest) -> bool:
        opened_by = secrets.token_hex(8)
        our_id = correction_id(merchant_id, request.key)
        start = StartCorrection(merchant_id=merchant_id, correction_id=our_id, request=request, opened_by=opened_by)

        async def once() -> OpenedCorrection:
            operation = WithStartWorkflowOperation(
                CorrectionWorkflow.run,
                start,
                id=correction_run_id(our_id),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                task_timeout=WORKFLOW_TASK_TIMEOUT,
                static_summary=f"{request.kind} of {merchant_id}",
            )
            return await self._client.execute_update_with_start_workflow(
                CorrectionWorkflow.opened, start_workflow_operation=operation, rpc_timeout=self._patience
            )

        opened = await answered(once)
        if opened.refusal is not None:
            raise _refused(opened.refusal, request)
        return opened.opened_by == opened_by


def _refused(refusal: Refusal, request: CorrectionRequest) -> Exception:
    match refusal.kind:
        case RefusalKind.INVALID:
            return InvalidInput(refusal.violations)
        case RefusalKind.NO_INVOICE:
            return NotFound("invoice", request.invoice_id)
        case RefusalKind.NOT_CORRECTABLE:
            return NotCorrectable(refusal.detail)
