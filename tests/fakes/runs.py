"""Runs in memory: one per merchant and assignment key, one payable session per run."""

from api.ports import NotPayable, OpenedCheckout, RunsUnavailable, TooLateToCancel
from domain.captures import Authorization, CaptureRequest, Owed, choose
from domain.cases import DecideCase
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.errors import CaptureRefused
from domain.payments import PaymentStatus, ProviderEvent
from domain.vat_ids import VatEvidence
from domain.views import CaseView, InboxEntry
from tests.fakes.cases import FakeCases
from tests.fakes.world import World


class FakeRuns:
    """Implements `api.ports.CheckoutRuns`.

    `down` is a workflow service that does not answer. `overtaken_by` is a request of somebody else that gets
    there first. `ends` are runs, by workflow id, that are over by the time they are asked, with the status they
    left: they cannot be asked any more, so what is said of them is a guess. `provider_says` is what the provider
    answers, by workflow id, when the payer returns.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.down = False
        self.overtaken_by: CheckoutRequest | None = None
        self.provider_says: dict[str, CheckoutStatus] = {}
        self.opened: list[tuple[str, CheckoutRequest]] = []
        self.ends: dict[str, CheckoutStatus] = {}
        self.sessions: list[str] = []
        self.asked: list[str] = []
        self.reported: list[tuple[str | None, ProviderEvent]] = []
        self.canceled: list[tuple[str, str, str]] = []
        self.captured: list[CaptureRequest] = []
        self.refuses_captures = False
        self.refuses_paying = False
        self.decided: list[tuple[str | None, DecideCase]] = []
        self.cases = FakeCases(world)

    async def open(
        self, merchant_id: str, request: CheckoutRequest, vat_evidence: VatEvidence | None = None
    ) -> OpenedCheckout:
        self._demand_service()
        if self.overtaken_by is not None:
            self.world.open(merchant_id, self.overtaken_by)
            self.overtaken_by = None
        for view in self.world.checkouts.values():
            if (view.merchant_id, view.assignment_key) == (merchant_id, request.assignment_key):
                return OpenedCheckout(checkout_id=view.id, created=False)
        self.opened.append((merchant_id, request))
        return OpenedCheckout(checkout_id=self.world.open(merchant_id, request, vat_evidence).id, created=True)

    async def open_payment_page(self, workflow_id: str) -> str:
        self._demand_service()
        self._demand_run(workflow_id)
        view = self.world.of_workflow(workflow_id)
        if view.status is not CheckoutStatus.AWAITING_PAYMENT or self.refuses_paying:
            raise NotPayable(view.status)
        if workflow_id not in self.sessions:
            self.sessions.append(workflow_id)
        return f"https://checkout.provider.example/c/{self.sessions.index(workflow_id)}"

    async def payer_returned(self, workflow_id: str) -> CheckoutStatus:
        self._demand_service()
        self.asked.append(workflow_id)
        self._demand_run(workflow_id)
        view = self.world.of_workflow(workflow_id)
        status = self.provider_says.get(workflow_id, view.status)
        return self.world.change(view.id, status).status

    async def cancel(self, workflow_id: str, *, reason: str, by: str) -> None:
        self._demand_service()
        self._demand_run(workflow_id)
        view = self.world.of_workflow(workflow_id)
        if (status := self.provider_says.get(workflow_id, view.status)) is not CheckoutStatus.AWAITING_PAYMENT:
            self.world.change(view.id, status)
            raise TooLateToCancel(status)
        self.canceled.append((workflow_id, reason, by))
        self.world.change(view.id, CheckoutStatus.CANCELED)

    async def capture(self, workflow_id: str, request: CaptureRequest) -> None:
        self._demand_service()
        self._demand_run(workflow_id)
        view = self.world.of_workflow(workflow_id)
        held = [
            Authorization(
                payment_id=one.id,
                amount=one.authorized_amount or 0,
                currency=one.currency,
                stands=one.promise is not None,
                captured=one.amount if one.status is PaymentStatus.COLLECTED else None,
            )
            for one in view.payments
        ]
        capture = choose(request, held, Owed(amount=view.entry.outstanding_amount, whole_only=False))
        if self.refuses_captures:
            raise CaptureRefused("not this amount")
        self.captured.append(request)
        self.world.end_payment(view.id, PaymentStatus.COLLECTED, capture.amount)

    async def decide(self, case: CaseView, step: DecideCase) -> None:
        self._demand_service()
        self.decided.append((case.workflow_id, step))
        await self.cases.decide(step)

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        self._demand_service()
        self.reported.append((entry.workflow_id, event))

    async def ready(self) -> bool:
        return not self.down

    def _demand_run(self, workflow_id: str) -> None:
        if status := self.ends.get(workflow_id):
            self.world.change(self.world.of_workflow(workflow_id).id, status)
            raise NotPayable(CheckoutStatus.COMPLETED)

    def _demand_service(self) -> None:
        if self.down:
            raise RunsUnavailable("the workflow service does not answer")
