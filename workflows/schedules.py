"""What runs by the clock. The worker puts it in place at every start; many workers may do so at once."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows.reconciliation import ReconciliationWorkflow, StartSweep

SWEEP_ID = "quittance-reconciliation"


async def keep_sweep(client: Client, *, task_queue: str, every: timedelta) -> None:
    """Have the sweep run `every` so often, never two at a time. A pause by an operator stays."""
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            ReconciliationWorkflow.run,
            StartSweep(every=every),
            id=SWEEP_ID,
            task_queue=task_queue,
            static_summary="looks for what was missed",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=every),
    )

    def updated(given: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = given.description.schedule.state
        return ScheduleUpdate(schedule=wanted)

    try:
        await client.create_schedule(SWEEP_ID, wanted)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SWEEP_ID).update(updated)
