"""An entry that is canceled for good while its money is authorized: the authorization ends, nothing is captured."""

import asyncio

import pytest

from adapters.postgres import database
from adapters.postgres.settlements import PostgresSettlementBook
from api.ports import NotPayable
from api.runs import TemporalRuns
from api.settlement_runs import TemporalSettlementRuns
from domain.captures import CaptureRequest, RefusalKind
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import ProviderUnavailable
from domain.payments import PaymentStatus
from domain.settlement_steps import DoSettlement
from domain.settlements import CancelEntry, settlement_id
from tests.house import eventually
from tests.workflows.conftest import Stage
from tests.workflows.late_money import events, late_run_over, money, say
from tests.workflows.test_promised_money import authorized, capture
from workflows.messages import settlement_run_id


async def cancel_entry(stage: Stage, entry: str) -> None:
    """Somebody cancels the entry for good, and everybody concerned hears of it."""
    runs = TemporalSettlementRuns(stage.client, task_queue=stage.task_queue)
    wanted = CancelEntry(entry_id=entry, reason="ordered twice")
    await runs.ask("meridian", wanted, by="anna")
    our_id = settlement_id("meridian", wanted.key)
    await stage.client.get_workflow_handle(settlement_run_id(our_id)).result()


async def test_canceled_entry_lets_its_authorization_go_and_nothing_is_captured(stage: Stage) -> None:
    run, link, reference = await authorized(stage)
    entry = (await stage.see(link)).entry.id

    await cancel_entry(stage, entry)

    assert (await run.result()).status is CheckoutStatus.CANCELED
    await late_run_over(stage, link)
    assert (await stage.provider.read_payment("meridian", reference)).status is PaymentStatus.CANCELED
    seen = await stage.see(link)
    assert (seen.status, seen.entry.status) == (CheckoutStatus.CANCELED, EntryStatus.CANCELED)
    assert [payment.status for payment in seen.payments] == [PaymentStatus.CANCELED]
    assert "capture_payment" not in stage.provider.calls
    assert await money(stage) == []
    assert await stage.rows("SELECT id FROM entries WHERE expected > 0") == []
    assert {"entry.canceled", "checkout.canceled", "payment.canceled"} <= set(await events(stage))


async def test_capture_of_a_canceled_entry_is_refused_by_books_and_api_whether_or_not_the_run_has_heard(
    stage: Stage,
) -> None:
    run, link, _ = await authorized(stage)
    entry = (await stage.see(link)).entry.id
    in_the_books_alone = DoSettlement(
        merchant_id="meridian",
        settlement_id=settlement_id("meridian", f"cancel/{entry}"),
        opened_by="nobody",
        by="anna",
        request=CancelEntry(entry_id=entry, reason="ordered twice"),
        at=await stage.environment.get_current_time(),
    )
    await PostgresSettlementBook(database.sessions(stage.engine)).settle(in_the_books_alone)

    before = await capture(run)
    await cancel_entry(stage, entry)
    await run.result()
    await late_run_over(stage, link)

    assert before.refusal is not None
    assert before.refusal.kind is RefusalKind.NOTHING_AUTHORIZED
    with pytest.raises(NotPayable):
        await TemporalRuns(stage.client, task_queue=stage.task_queue).capture(
            run.id, CaptureRequest(checkout_id=link.checkout_id)
        )
    assert "capture_payment" not in stage.provider.calls


async def test_entry_canceled_while_its_capture_is_under_way_ends_with_the_authorization_released(
    stage: Stage,
) -> None:
    run, link, reference = await authorized(stage)
    under_way = asyncio.Event()

    def stay_away(_: str) -> None:
        under_way.set()
        raise ProviderUnavailable("down for a moment")

    stage.provider.before_capturing = stay_away
    capturing = asyncio.create_task(capture(run))
    await under_way.wait()

    await cancel_entry(stage, (await stage.see(link)).entry.id)
    await late_run_over(stage, link)
    stage.provider.before_capturing = lambda _: None

    assert (await capturing).refusal is None
    assert (await run.result()).status is CheckoutStatus.CANCELED
    assert (await stage.provider.read_payment("meridian", reference)).status is PaymentStatus.CANCELED
    assert "capture_payment" not in stage.provider.calls
    assert await money(stage) == []


async def test_capture_that_waits_for_a_person_is_answered_when_the_entry_is_canceled(stage: Stage) -> None:
    run, link, reference = await authorized(stage)
    stage.provider.accounts_closed.add("meridian")
    await say(stage, payment=reference, checkout=link.checkout_id)

    async def reviewed() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.NEEDS_REVIEW

    await eventually(reviewed)
    stage.provider.accounts_closed.clear()
    capturing = asyncio.create_task(capture(run))

    async def asked() -> bool:
        return bool(await stage.rows("SELECT id FROM payments WHERE to_capture = authorized"))

    await eventually(asked)

    await cancel_entry(stage, (await stage.see(link)).entry.id)

    assert (await run.result()).status is CheckoutStatus.CANCELED
    assert (await capturing).status is CheckoutStatus.CANCELED
    await late_run_over(stage, link)
    assert (await stage.provider.read_payment("meridian", reference)).status is PaymentStatus.CANCELED
    assert "capture_payment" not in stage.provider.calls
