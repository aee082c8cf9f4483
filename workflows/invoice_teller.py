"""Tells checkouts that an invoice run has sent their invoices."""

import asyncio

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.checkout import CheckoutWorkflow

AT_ONCE = 8


class TemporalInvoiceTeller:
    """Implements `domain.ports.InvoiceTeller`. Raises RPCError when the workflow service does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell_invoiced(self, workflow_ids: tuple[str, ...]) -> None:
        """Signal each; a run that is over needs no telling."""
        places = asyncio.Semaphore(AT_ONCE)

        async def tell(workflow_id: str) -> None:
            async with places:
                try:
                    await self._client.get_workflow_handle(workflow_id).signal(CheckoutWorkflow.invoiced)
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise

        await asyncio.gather(*(tell(workflow_id) for workflow_id in workflow_ids))
