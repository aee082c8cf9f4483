"""Corrections in memory: one per merchant and key, finalized at once, never mailed."""

from api.ports import RunsUnavailable
from domain.corrections import CorrectionRequest
from domain.errors import NotCorrectable
from domain.invoices import InvoiceKind
from tests.fakes.world import World


class FakeCorrectionRuns:
    """Implements `api.ports.CorrectionRuns`. `down` is a workflow service that does not answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.down = False

    async def ask(self, merchant_id: str, request: CorrectionRequest) -> bool:
        if self.down:
            raise RunsUnavailable("the workflow service does not answer")
        if (merchant_id, request.key) in self.world.corrections:
            return False
        corrected = any(known.request.invoice_id == request.invoice_id for known in self.world.corrections.values())
        if corrected and request.kind is InvoiceKind.CANCELATION:
            raise NotCorrectable("it has credit notes: credit the rest instead of canceling it")
        self.world.correct(merchant_id, request)
        return True
