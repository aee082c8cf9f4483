"""Runs about entries, spoken to through Temporal: settlements, and links for several entries."""

import secrets
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from api.ports import NotPayable, RunsUnavailable
from api.refund_runs import PATIENCE, answered
from domain.checkout import CheckoutStatus
from domain.combined_links import link_id
from domain.errors import EntryCanceled, InvalidInput, MoneyNeeded, NotCorrectable, NotFound
from domain.settlement_steps import Hindrance, LinkRequest, Obstacle
from domain.settlements import Request, settlement_id
from workflows.messages import (
    CheckoutStanding,
    Opened,
    PaymentPage,
    StartPaymentLink,
    StartSettlement,
    payment_link_run_id,
    settlement_run_id,
)
from workflows.payment_link import PaymentLinkWorkflow
from workflows.reporter import WORKFLOW_TASK_TIMEOUT
from workflows.settlement import SettlementWorkflow

_MISSING = {
    Obstacle.NO_PAYMENT: "payment",
    Obstacle.NO_ENTRY: "entry",
    Obstacle.NO_LINK: "payment link",
}


class TemporalSettlementRuns:
    """Implements `api.ports.SettlementRuns`. A run that is over is started again, and finds what was done."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def ask(self, merchant_id: str, request: Request, *, by: str) -> bool:
        opened_by = secrets.token_hex(8)
        our_id = settlement_id(merchant_id, request.key)
        start = StartSettlement(
            merchant_id=merchant_id, settlement_id=our_id, request=request, by=by, opened_by=opened_by
        )

        async def once() -> Opened:
            run = WithStartWorkflowOperation(
                SettlementWorkflow.run,
                start,
                id=settlement_run_id(our_id),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                task_timeout=WORKFLOW_TASK_TIMEOUT,
                static_summary=f"{request.kind} of {merchant_id}",
            )
            return await self._client.execute_update_with_start_workflow(
                SettlementWorkflow.opened, start_workflow_operation=run, rpc_timeout=self._patience
            )

        opened = await answered(once)
        if opened.hindrance is not None:
            raise refused(opened.hindrance)
        return opened.opened_by == opened_by


class TemporalLinkRuns:
    """Implements `api.ports.LinkRuns`. A run that is over, or was lost, is started again and goes on from the books."""

    def __init__(self, client: Client, *, task_queue: str, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._patience = patience

    async def open(self, merchant_id: str, request: LinkRequest) -> tuple[str, bool]:
        opened_by = secrets.token_hex(8)
        # Without a key of the shop every request is a link of its own; ours has a slash, so the two never meet.
        our_id = link_id(merchant_id, request.key or f"link/{opened_by}")
        start = StartPaymentLink(merchant_id=merchant_id, link_id=our_id, request=request, opened_by=opened_by)

        async def once() -> Opened:
            return await self._client.execute_update_with_start_workflow(
                PaymentLinkWorkflow.opened, start_workflow_operation=self._start(start), rpc_timeout=self._patience
            )

        opened = await answered(once)
        if opened.hindrance is not None:
            raise refused(opened.hindrance)
        return our_id, opened.opened_by == opened_by

    async def open_payment_page(self, merchant_id: str, our_id: str) -> str:
        start = StartPaymentLink(merchant_id=merchant_id, link_id=our_id)

        async def once() -> PaymentPage:
            return await self._client.execute_update_with_start_workflow(
                PaymentLinkWorkflow.open_payment_page,
                start_workflow_operation=self._start(start),
                rpc_timeout=self._patience,
            )

        try:
            return (await answered(once)).url
        except RunsUnavailable as unavailable:
            raise _why(unavailable) from unavailable

    async def payer_returned(self, merchant_id: str, our_id: str) -> CheckoutStatus:
        start = StartPaymentLink(merchant_id=merchant_id, link_id=our_id)

        async def once() -> CheckoutStanding:
            return await self._client.execute_update_with_start_workflow(
                PaymentLinkWorkflow.payer_returned,
                start_workflow_operation=self._start(start),
                rpc_timeout=self._patience,
            )

        return (await answered(once)).status

    def _start(self, start: StartPaymentLink) -> WithStartWorkflowOperation[PaymentLinkWorkflow, Any]:
        return WithStartWorkflowOperation(
            PaymentLinkWorkflow.run,
            start,
            id=payment_link_run_id(start.link_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            static_summary=f"payment link of {start.merchant_id}",
        )


def _why(unavailable: RunsUnavailable) -> Exception:
    """Nobody can pay any more, or the run could not be reached."""
    failure = unavailable.__cause__
    cause = failure.cause if isinstance(failure, WorkflowUpdateFailedError) else None
    if isinstance(cause, ApplicationError) and cause.type == "NotPayable":
        return NotPayable(CheckoutStatus(cause.details[0]))
    return unavailable


def refused(hindrance: Hindrance) -> Exception:
    """What hindered a settlement or link, in the words of the house."""
    match hindrance.kind:
        case Obstacle.INVALID:
            return InvalidInput(hindrance.violations)
        case Obstacle.CANCELED:
            return EntryCanceled(hindrance.reference)
        case Obstacle.NOT_CORRECTABLE:
            return NotCorrectable(hindrance.reference)
        case Obstacle.NEEDED:
            return MoneyNeeded(hindrance.reference)
        case Obstacle.NO_PAYMENT | Obstacle.NO_ENTRY | Obstacle.NO_LINK:
            return NotFound(_MISSING[hindrance.kind], hindrance.reference)
