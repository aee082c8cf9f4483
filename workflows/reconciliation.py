"""The scheduled sweep: what every other way has missed is found and told again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import ReconciliationActivities
    from activities.vat_ids import VatIdActivities
    from domain.reconciliation import Sweep, Swept

_Activities = TypeVar("_Activities")

STEP_TIMEOUT = timedelta(minutes=10)
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)
"""The next sweep comes soon: no step is tried for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSweep:
    """The input of `ReconciliationWorkflow`: it is started `every` so often."""

    every: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What each step did, by its name; `broken` are the steps that failed as a whole."""

    steps: dict[str, Swept] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


@workflow.defn(name="ReconciliationWorkflow")
class ReconciliationWorkflow:
    """One round. A step that fails does not keep the next from being done."""

    @workflow.init
    def __init__(self, start: StartSweep) -> None:
        self._every = start.every
        self._steps: dict[str, Swept] = {}
        self._broken: list[str] = []

    @workflow.run
    async def run(self, _: StartSweep) -> SweepResult:
        """The round, in the order in which one step feeds the next."""
        await self._do("read missed messages", ReconciliationActivities.read_missed_messages)
        await self._do("report unapplied messages", ReconciliationActivities.report_unapplied_messages)
        await self._do("look at ended sessions", ReconciliationActivities.look_at_ended_sessions)
        await self._do("restart lost runs", ReconciliationActivities.restart_lost_runs)
        await self._do("ask again about VAT ids", VatIdActivities.ask_again_about_vat_ids)
        return SweepResult(steps=self._steps, broken=tuple(self._broken))

    async def _do(self, name: str, step: Callable[[_Activities, Sweep], Awaitable[Swept]]) -> None:
        try:
            self._steps[name] = await workflow.execute_activity_method(
                step,
                Sweep(now=workflow.now(), every=self._every),
                start_to_close_timeout=STEP_TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RETRY,
                summary=name,
            )
        except ActivityError:
            self._broken.append(name)
            workflow.logger.exception("the sweep's step %s failed", name)
        self._tell()

    def _tell(self) -> None:
        lines = [f"- {name}: {swept.done} put right, {swept.failed} not" for name, swept in self._steps.items()]
        workflow.set_current_details("\n".join([*lines, *(f"- {name}: failed" for name in self._broken)]))
