"""Temporal lost a run, or all of them: the checkout goes on from the books, and nothing is done twice."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.capture_modes import CaptureMode
from domain.captures import AskCapture, CaptureRequest
from domain.checkout import CheckoutStatus
from domain.errors import MailRefused
from domain.payments import SettledBy
from tests.house import eventually
from tests.payments.books import Books, left_by_a_lost_run
from tests.workflows.conftest import Run, Stage
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CaptureCheckout, CheckoutResult, workflow_id
from workflows.reporter import TemporalReporter

LEFT_AFTER = ["link", "session", "payment at the provider", "capture", "order", "balance", "invoice"]


@pytest.mark.parametrize("done", range(len(LEFT_AFTER)), ids=LEFT_AFTER)
async def test_checkout_whose_run_was_lost_is_finished_without_doubling(stage: Stage, done: int) -> None:
    books = await left_by_a_lost_run(stage)
    for step in books.steps[:done]:
        await step()

    run = await _restarted(stage, books)
    if done < 2:
        stage.provider.pay(await stage.press_pay(run))
        await run.execute_update(CheckoutWorkflow.payer_returned)
    result = await run.result()

    assert result.status is CheckoutStatus.COMPLETED
    assert result.checkout_id == books.entry.checkout_id
    assert await _counts(stage) == {
        "checkouts": 1, "entries": 1, "payment_links": 1, "provider_sessions": 1, "payments": 1, "entry_items": 1,
        "orders": 1, "invoices": 1, "deliveries": 1,
    }  # fmt: skip
    assert len(stage.mailer.sent) == 1
    assert stage.provider.calls.count("open_session") == 1, "a session that is open is not opened again"


async def test_money_that_came_while_the_run_was_lost_is_credited_to_the_sweep(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    await books.open_session()
    await books.pay()

    await (await _restarted(stage, books)).result()

    view = await stage.reader.checkout("meridian", books.entry.checkout_id)
    assert view is not None
    assert [payment.settled_by for payment in view.payments] == [SettledBy.SWEEP]


async def test_lost_run_whose_link_ended_unpaid_expires_checkout_and_session(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    session_id = await books.open_session()
    await _end_link(stage)

    result = await (await _restarted(stage, books)).result()

    assert result.status is CheckoutStatus.EXPIRED
    assert (await stage.provider.read_session("meridian", session_id)).status == "expired"


async def test_lost_run_whose_link_ended_after_the_payment_is_completed(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    await books.open_session()
    await books.pay()
    await _end_link(stage)

    result = await (await _restarted(stage, books)).result()

    assert result.status is CheckoutStatus.COMPLETED


@pytest.mark.parametrize("asked", [False, True], ids=["waits for the shop", "capture asked for"])
async def test_lost_run_takes_up_an_authorization_and_captures_it_once(stage: Stage, asked: bool) -> None:
    books = await left_by_a_lost_run(stage, capture=CaptureMode.MANUAL)
    await books.open_session()
    await books.pay()
    await books.look()
    if asked:
        request = CaptureRequest(checkout_id=books.entry.checkout_id)
        await books.payments.ask_capture(AskCapture(merchant_id="meridian", request=request))
    await _end_link(stage)

    run = await _restarted(stage, books)

    if not asked:
        await run.execute_update(CheckoutWorkflow.capture, CaptureCheckout())
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert stage.provider.calls.count("capture_payment") == 1


async def test_lost_run_waits_for_an_ordered_transfer_past_the_links_end(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    session = await books.open_session()
    reference = stage.provider.order_transfer(session)
    await books.look()
    await _end_link(stage)
    run = await _restarted(stage, books)
    await stage.environment.sleep(timedelta(days=3))

    stage.provider.settle_transfer(reference, paid=True)

    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_run_that_is_alive_is_not_started_again(stage: Stage) -> None:
    _, link = await stage.open(key="SO-ALIVE")
    view = await stage.see(link)

    assert not await _reporter(stage).restart("meridian", view.request)


async def test_checkout_that_ended_before_stays_as_it_is_however_often_its_run_is_started(stage: Stage) -> None:
    run, link = await stage.open()
    await stage.paid(run)
    await run.result()
    ended = await stage.see(link)

    assert await _reporter(stage).restart("meridian", ended.request)
    result: CheckoutResult = await _run(stage, ended.assignment_key).result()

    assert result.status is CheckoutStatus.COMPLETED
    assert await stage.see(link) == ended
    assert len(stage.mailer.sent) == 1


async def test_run_lost_under_review_tries_again_and_goes_on(stage: Stage) -> None:
    stage.mailer.answers = [MailRefused("550 no such mailbox")]
    run, link = await stage.open()
    await stage.paid(run)

    async def under_review() -> bool:
        return (await stage.see(link)).review is not None

    await eventually(under_review)
    await run.terminate("lost")

    assert await _reporter(stage).restart("meridian", (await stage.see(link)).request)

    assert (await _run(stage, (await stage.see(link)).assignment_key).result()).status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).review is None
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED


async def test_checkout_is_recovered_though_its_merchants_rules_became_stricter(stage: Stage) -> None:
    books = await left_by_a_lost_run(stage)
    await books.open_session()
    await books.pay()
    async with stage.engine.begin() as connection:
        await connection.execute(
            text("UPDATE merchants SET config = jsonb_set(config, '{redirect_origins}', '[]') WHERE id = 'meridian'")
        )

    assert (await (await _restarted(stage, books)).result()).status is CheckoutStatus.COMPLETED


async def _end_link(stage: Stage) -> None:
    """The payment link ended an hour ago."""
    at = await stage.environment.get_current_time() - timedelta(hours=1)
    async with stage.engine.begin() as connection:
        await connection.execute(text("UPDATE payment_links SET expires_at = :at"), {"at": at})


async def _restarted(stage: Stage, books: Books) -> Run:
    assert await _reporter(stage).restart("meridian", books.request)
    return _run(stage, books.request.assignment_key)


def _reporter(stage: Stage) -> TemporalReporter:
    return TemporalReporter(stage.client, task_queue=stage.task_queue)


def _run(stage: Stage, assignment_key: str) -> Run:
    return stage.client.get_workflow_handle_for(CheckoutWorkflow.run, workflow_id("meridian", assignment_key))


async def _counts(stage: Stage) -> dict[str, int]:
    tables = (
        "checkouts", "entries", "payment_links", "provider_sessions", "payments", "entry_items", "orders", "invoices",
        "deliveries",
    )  # fmt: skip
    async with stage.engine.connect() as connection:
        return {
            table: (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() for table in tables
        }
