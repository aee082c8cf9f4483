"""Invoice runs in memory: opened at once, never carried out."""

from datetime import UTC, date, datetime

from api.ports import RunsUnavailable
from domain.invoice_runs import InvoiceRunRequest, RunPhase, run_id
from domain.views import InvoiceRunView
from tests.fakes.world import World


class FakeInvoiceRuns:
    """Implements `api.ports.InvoiceRuns`. `down` is a workflow service that does not answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.down = False

    async def start(self, merchant_id: str, request: InvoiceRunRequest) -> bool:
        if self.down:
            raise RunsUnavailable("the workflow service does not answer")
        our_id = run_id(merchant_id, request.key)
        if our_id in self.world.invoice_runs:
            return False
        now = datetime.now(UTC)
        view = InvoiceRunView(
            id=our_id,
            request=request,
            until=request.until or date(2025, 11, 24),
            phase=RunPhase.PLANNING,
            workflow_id=f"invoice-run:{our_id}",
            orders={},
            invoices=0,
            amounts={},
            first_number=None,
            last_number=None,
            created_at=now,
            billed_at=None,
            completed_at=None,
        )
        self.world.invoice_runs[our_id] = (merchant_id, view)
        return True
