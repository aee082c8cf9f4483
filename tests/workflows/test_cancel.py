"""Canceling a checkout: nobody can pay any more, unless he was quicker."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import ProviderUnavailable
from tests.workflows.conftest import Run, Stage
from tests.workflows.late_money import decide, events, money, open_case
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CancelCheckout, CheckoutStanding

WANTED = CancelCheckout(reason="the customer called", by="api key ...3f2a")


async def cancel(run: Run, wanted: CancelCheckout = WANTED) -> CheckoutStanding:
    """Ask the run to cancel."""
    return await run.execute_update(CheckoutWorkflow.cancel, wanted)


async def refused(request: Awaitable[object]) -> tuple[str | None, object]:
    """The kind and first detail of the refusal the request must meet."""
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await request
    assert isinstance(refusal.value.cause, ApplicationError)
    return refusal.value.cause.type, next(iter(refusal.value.cause.details), None)


async def test_canceled_checkout_cannot_be_paid_and_says_who_canceled_it_and_why(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)

    standing = await cancel(run)

    assert standing.status is CheckoutStatus.CANCELED
    assert (await run.result()).status is CheckoutStatus.CANCELED
    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.CANCELED
    assert seen.entry.status is EntryStatus.CANCELED
    assert (await stage.provider.read_session("meridian", session)).status == "expired"
    async with stage.engine.connect() as connection:
        told = await connection.execute(text("SELECT data FROM events WHERE type = 'checkout.canceled'"))
        assert told.scalars().all() == [{"reason": WANTED.reason, "by": WANTED.by}]
    assert await money(stage) == []


async def test_checkout_nobody_tried_to_pay_is_canceled_without_asking_the_provider(stage: Stage) -> None:
    run, _ = await stage.open()

    await cancel(run)

    assert (await run.result()).status is CheckoutStatus.CANCELED
    assert stage.provider.calls == []


async def test_canceling_twice_at_once_answers_the_same_and_is_told_once(stage: Stage) -> None:
    run, _ = await stage.open()
    await stage.press_pay(run)

    answers = await asyncio.gather(cancel(run), cancel(run, CancelCheckout(reason="another")))

    assert [answer.status for answer in answers] == [CheckoutStatus.CANCELED] * 2
    await run.result()
    assert (await events(stage)).count("checkout.canceled") == 1


async def test_capture_that_slips_in_while_the_session_is_expired_wins(stage: Stage) -> None:
    stage.provider.before_expiring = stage.provider.pay
    run, link = await stage.open()
    await stage.press_pay(run)

    assert await refused(cancel(run)) == ("TooLateToCancel", CheckoutStatus.CAPTURED)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).invoice is not None
    assert "checkout.canceled" not in await events(stage)
    assert [row[:2] for row in await money(stage)] == [(83900, 83900)]


async def test_capture_that_is_reported_before_the_cancel_wins(stage: Stage) -> None:
    run, _ = await stage.open()
    stage.provider.pay(await stage.press_pay(run))
    await run.execute_update(CheckoutWorkflow.payer_returned)

    kind, status = await refused(cancel(run))

    assert kind == "TooLateToCancel"
    assert status != CheckoutStatus.AWAITING_PAYMENT
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_capture_that_nobody_reported_before_the_cancel_wins(stage: Stage) -> None:
    run, _ = await stage.open()
    stage.provider.pay(await stage.press_pay(run))

    assert await refused(cancel(run)) == ("TooLateToCancel", CheckoutStatus.CAPTURED)

    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_cancel_and_message_of_a_capture_at_once_end_in_an_invoice(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)

    told = asyncio.create_task(stage.tell(run, session))
    kind, _ = await refused(cancel(run))
    await told

    assert kind == "TooLateToCancel"
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED


async def test_part_of_the_money_keeps_a_checkout_from_being_canceled_until_it_is_given_back(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session, amount=900)
    await stage.tell(run, session)
    case = await open_case(stage, "short_payment")

    assert await refused(cancel(run)) == ("TooLateToCancel", CheckoutStatus.AWAITING_PAYMENT)
    await stage.press_pay(run)

    await decide(stage, case, "refund")
    await stage.client.get_workflow_handle(case.workflow_id or "").result()
    assert (await cancel(run)).status is CheckoutStatus.CANCELED
    await run.result()
    assert (await stage.see(link)).status is CheckoutStatus.CANCELED
    assert await money(stage) == [(900, 0, 0, 900)]


async def test_checkout_that_is_being_canceled_opens_no_session_any_more(stage: Stage) -> None:
    run, _ = await stage.open()
    await stage.press_pay(run)
    under_way = asyncio.Event()

    def fail_once(_: str) -> None:
        stage.provider.before_expiring = lambda _: None
        under_way.set()
        raise ProviderUnavailable("down for a moment")

    stage.provider.before_expiring = fail_once
    canceling = asyncio.create_task(cancel(run))
    await under_way.wait()

    assert (await refused(run.execute_update(CheckoutWorkflow.open_payment_page)))[0] == "NotPayable"

    assert (await canceling).status is CheckoutStatus.CANCELED
    assert stage.provider.calls.count("open_session") == 1


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
async def test_cancel_without_a_reason_that_says_something_is_refused(stage: Stage, reason: str) -> None:
    run, link = await stage.open()

    assert (await refused(cancel(run, CancelCheckout(reason=reason))))[0] == "InvalidInput"

    assert (await stage.see(link)).status is CheckoutStatus.AWAITING_PAYMENT


async def test_ops_cancel_with_nothing_but_a_reason(stage: Stage) -> None:
    run, _ = await stage.open(expires_in=timedelta(hours=1))

    await run.execute_update("cancel", {"reason": "test order"})

    await run.result()
    async with stage.engine.connect() as connection:
        told = await connection.execute(text("SELECT data->>'by' FROM events WHERE type = 'checkout.canceled'"))
        assert told.scalars().all() == ["ops"]
