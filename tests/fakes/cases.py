"""Cases in the world, decided once."""

from dataclasses import replace

from domain.cases import CaseStatus, DecideCase
from domain.errors import CaseDecided, NotFound
from tests.fakes.world import World


class FakeCases:
    """Implements `api.ports.Cases`. `overtaken_by` is what somebody else decides just before."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.overtaken_by: str | None = None

    async def decide(self, step: DecideCase) -> None:
        owner, case = self.world.cases.get(step.case_id, (None, None))
        if case is None or owner != step.merchant_id:
            raise NotFound("case", step.case_id)
        decision = self.overtaken_by or step.decision
        self.overtaken_by = None
        if case.decision is None:
            case = replace(
                case,
                status=CaseStatus.DECIDED if case.workflow_id else CaseStatus.SETTLED,
                decision=decision,
                reason=step.reason,
                decided_by=step.by,
                decided_at=step.at,
                settled_at=None if case.workflow_id else step.at,
            )
            self.world.cases[case.id] = (step.merchant_id, case)
        if case.decision != step.decision:
            raise CaseDecided(case.id, case.decision or "")
