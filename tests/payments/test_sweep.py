"""The scheduled sweep: whatever every other way has missed is found and put right."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from temporalio.client import Client, Schedule, ScheduleOverlapPolicy
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment

from activities.reconciliation import ReconciliationActivities
from adapters import temporal
from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reconciliation import PostgresReconciliationBook
from domain.capture_modes import CaptureMode
from domain.checkout import CheckoutStatus
from domain.payments import PaymentStatus, ProviderEvent, SettledBy
from domain.reconciliation import Sweep, Swept
from sandbox.temporal import TemporalServer
from tests.fakes.provider import FakeProvider
from tests.house import MERIDIAN, eventually
from tests.payments.books import Books, left_by_a_lost_run
from tests.workflows.conftest import KEYS, Run, Stage
from tests.workflows.late_money import policies
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CancelCheckout, OpenedLink, workflow_id
from workflows.reconciliation import ReconciliationWorkflow, StartSweep, SweepResult
from workflows.schedules import SWEEP_ID, keep_sweep


async def test_message_nobody_acted_upon_is_told_again_and_applied(stage: Stage) -> None:
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    stage.provider.pay(session_id)
    await _arrive(stage, session_id, ago=timedelta(minutes=2))

    swept = await _sweep(stage)
    await run.result()

    assert swept.steps["report unapplied messages"] == Swept(done=1)
    assert await _unapplied(stage) == 0
    assert await _settled_by(stage, link) == [SettledBy.SWEEP]


async def test_message_on_its_ordinary_way_is_left_alone(stage: Stage) -> None:
    run, _ = await stage.open()
    await _arrive(stage, await stage.press_pay(run), ago=timedelta(0))

    assert (await _sweep(stage)).steps["report unapplied messages"] == Swept()


async def test_message_of_a_checkout_that_is_over_finds_the_process_for_late_facts(stage: Stage) -> None:
    run, _ = await stage.open()
    session_id = await stage.press_pay(run)
    stage.provider.pay(session_id)
    await stage.tell(run, session_id)
    await run.result()
    await _arrive(stage, session_id, ago=timedelta(minutes=2))

    await _sweep(stage)

    async def all_applied() -> bool:
        return await _unapplied(stage) == 0

    await eventually(all_applied)


async def test_webhook_that_never_came_is_found_in_the_providers_own_list(stage: Stage) -> None:
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    stage.provider.pay(session_id)
    for _ in range(5):  # more than a page
        stage.provider.messages.append((await _ago(stage, minutes=5), _message(stage, session_id)))

    swept = await _sweep(stage)
    await run.result()

    assert swept.steps["read missed messages"] == Swept(done=5)
    assert await _settled_by(stage, link) == [SettledBy.SWEEP]

    async def all_applied() -> bool:
        return await _unapplied(stage) == 0

    await eventually(all_applied)


async def test_lapse_of_an_authorization_that_nobody_told_of_is_found_in_the_providers_own_list(stage: Stage) -> None:
    await policies(stage, capture=CaptureMode.MANUAL)
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    reference = stage.provider.pay(session_id)
    await run.execute_update(CheckoutWorkflow.payer_returned)
    stage.provider.lapse(reference)
    stage.provider.messages.append((await _ago(stage, minutes=5), _message(stage, session_id)))

    await _sweep(stage)

    async def lapsed() -> bool:
        return [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.EXPIRED]

    await eventually(lapsed)
    await run.execute_update(CheckoutWorkflow.cancel, CancelCheckout(reason="the test is over"))
    await run.result()


async def test_providers_list_is_read_on_from_where_the_last_sweep_ended(stage: Stage) -> None:
    book = PostgresReconciliationBook(database.sessions(stage.engine))
    steps = ReconciliationActivities(book, stage.inbox, stage.provider, stage.reporter)
    now, every = datetime(2026, 11, 24, 9, 30, tzinfo=UTC), timedelta(minutes=5)
    calls: list[int] = []

    for later in (timedelta(0), every, timedelta(days=200)):
        await ActivityEnvironment().run(steps.read_missed_messages, Sweep(now=now + later, every=every))
        calls.append(stage.provider.calls.count("list_events"))
        assert await book.read_until("meridian") == now + later - timedelta(minutes=1)

    assert calls == [12, 12 + 1, 12 + 1 + 120], "three days, six hours at a time; then on; never beyond thirty days"


async def test_message_that_came_by_webhook_is_not_taken_for_a_missed_one(stage: Stage) -> None:
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    stage.provider.pay(session_id)
    event_id = await stage.tell(run, session_id)
    await run.result()
    stage.provider.messages.append((await _ago(stage, minutes=5), _message(stage, session_id, event_id)))

    assert (await _sweep(stage)).steps["read missed messages"] == Swept()
    assert await _settled_by(stage, link) == [SettledBy.WEBHOOK]


async def test_session_noted_as_open_after_its_end_is_looked_at(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    session_id = await books.open_session()
    await stage.provider.expire_session("meridian", session_id)
    await _long_ago(stage, "UPDATE provider_sessions SET expires_at = :at")

    assert (await _sweep(stage)).steps["look at ended sessions"] == Swept(done=1)

    async def closed() -> bool:
        async with stage.engine.connect() as connection:
            status = await connection.execute(text("SELECT status FROM provider_sessions"))
            return bool(status.scalar_one() == "expired")

    await eventually(closed)


async def test_checkout_whose_run_is_gone_an_hour_after_its_link_ended_is_closed(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    await _long_ago(stage, "UPDATE payment_links SET expires_at = :at")

    assert (await _sweep(stage)).steps["restart lost runs"] == Swept(done=1)

    run: Run = stage.client.get_workflow_handle_for(
        CheckoutWorkflow.run, workflow_id("meridian", books.request.assignment_key)
    )
    assert (await run.result()).status is CheckoutStatus.EXPIRED


async def test_paid_checkout_whose_run_is_gone_is_finished(stage: Stage) -> None:
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    await run.terminate("lost")
    stage.provider.pay(session_id)
    stage.provider.messages.append((await _ago(stage, minutes=5), _message(stage, session_id)))

    await _sweep(stage)  # the message is found: the money is captured

    async def captured() -> bool:
        return (await stage.see(link)).status is not CheckoutStatus.AWAITING_PAYMENT

    await eventually(captured)
    await _long_ago(stage, "UPDATE checkouts SET updated_at = :at")
    await _sweep(stage)  # the checkout stands still: its run is started again

    async def completed() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.COMPLETED

    await eventually(completed)
    assert len(stage.mailer.sent) == 1


@pytest.mark.parametrize("minutes", [1, 5, 7, 10, 60, 240])
async def test_every_open_checkout_is_looked_after_within_the_hour(database_url: str, minutes: int) -> None:
    engine = database.connect(database_url)
    sessions = database.sessions(engine)
    await PostgresMerchants(sessions).save(load(MERIDIAN))
    opened = {(await Books.opened(sessions, FakeProvider())).request.assignment_key for _ in range(20)}
    book, now, every = PostgresReconciliationBook(sessions), datetime.now(UTC), timedelta(minutes=minutes)

    rounds = [
        await book.standing_checkouts(Sweep(now=now + number * every, every=every))
        for number in range(max(1, 60 // minutes))
    ]

    assert sorted(one.request.assignment_key for found in rounds for one in found) == sorted(opened)
    await engine.dispose()


async def test_what_fails_is_counted_and_alarmed_and_keeps_nothing_else_from_being_done(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    run, link = await stage.open()
    session_id = await stage.press_pay(run)
    stage.provider.pay(session_id)
    await _arrive(stage, session_id, ago=timedelta(minutes=20))
    stage.provider.messages.append((await _ago(stage, minutes=5), _message(stage, session_id)))
    async with stage.engine.begin() as connection:  # another merchant, whose account nobody configured
        await connection.execute(
            text("INSERT INTO merchants (id, config) SELECT 'astray', config FROM merchants WHERE id = 'meridian'")
        )
    stage.provider.accounts_unknown.add("astray")

    swept = await _sweep(stage)

    assert swept.steps["read missed messages"] == Swept(done=1, failed=1)
    assert swept.broken == ()
    assert "1 provider messages are not applied, the oldest of meridian" in caplog.text
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert await _settled_by(stage, link) == [SettledBy.SWEEP]


async def test_sweep_is_scheduled_once_however_many_workers_start(temporal_server: TemporalServer) -> None:
    client = await temporal.connect(temporal_server.address, namespace="default", keys=KEYS)
    await keep_sweep(client, task_queue="one", every=timedelta(minutes=5))
    handle = client.get_schedule_handle(SWEEP_ID)
    await handle.pause(note="by an operator")
    await keep_sweep(client, task_queue="two", every=timedelta(minutes=7))

    schedule: Schedule = (await handle.describe()).schedule
    assert [interval.every for interval in schedule.spec.intervals] == [timedelta(minutes=7)]
    assert schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
    assert schedule.state.paused, "what an operator paused stays paused"
    await _remove(client)


async def _remove(client: Client) -> None:
    await client.get_schedule_handle(SWEEP_ID).delete()
    with pytest.raises(RPCError):
        await client.get_schedule_handle(SWEEP_ID).describe()


async def _sweep(stage: Stage) -> SweepResult:
    result: SweepResult = await stage.client.execute_workflow(
        ReconciliationWorkflow.run, StartSweep(), id=f"sweep-{secrets.token_hex(4)}", task_queue=stage.task_queue
    )
    assert result.broken == ()
    return result


async def _ago(stage: Stage, **ago: float) -> datetime:
    return await stage.environment.get_current_time() - timedelta(**ago)


def _message(stage: Stage, session_id: str, event_id: str | None = None) -> ProviderEvent:
    return ProviderEvent(
        provider="stripe",
        event_id=event_id or f"evt_{secrets.token_hex(6)}",
        type="checkout.session.completed",
        relevant=True,
        checkout_id=stage.provider.orders[session_id].checkout_id,
        session_id=session_id,
        payment_reference=None,
        raw="{}",
    )


async def _arrive(stage: Stage, session_id: str, ago: timedelta) -> None:
    """A message is durable, and then nobody hears of it."""
    event = _message(stage, session_id)
    await stage.inbox.record("meridian", event)
    async with stage.engine.begin() as connection:
        await connection.execute(
            text("UPDATE provider_events SET received_at = :at WHERE event_id = :id"),
            {"at": await stage.environment.get_current_time() - ago, "id": event.event_id},
        )


async def _long_ago(stage: Stage, change: str) -> None:
    """Let two hours have passed for something."""
    async with stage.engine.begin() as connection:
        await connection.execute(text(change), {"at": await _ago(stage, hours=2)})


async def _unapplied(stage: Stage) -> int:
    async with stage.engine.connect() as connection:
        found = await connection.execute(text("SELECT count(*) FROM provider_events WHERE applied_at IS NULL"))
        return int(found.scalar_one())


async def _settled_by(stage: Stage, link: OpenedLink) -> list[SettledBy]:
    return [payment.settled_by for payment in (await stage.see(link)).payments]
