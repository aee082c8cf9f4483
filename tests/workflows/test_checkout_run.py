"""The checkout run: from the link to the sent invoice, and what happens when the world does otherwise."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.checkout import CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.entries import EntryStatus
from domain.errors import MailDeferred, MailRefused
from domain.invoices import InvoiceStatus
from domain.payments import PaymentStatus, SettledBy
from tests.house import eventually
from tests.workflows.conftest import Stage
from workflows.checkout import CheckoutWorkflow
from workflows.messages import OpenedLink


async def test_paid_checkout_ends_with_order_invoice_and_one_mail(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)

    result = await run.result()

    seen = await stage.see(link)
    assert result.status is seen.status is CheckoutStatus.COMPLETED
    assert seen.entry.status is EntryStatus.BALANCED
    assert seen.order is not None
    assert seen.order.total == seen.total
    assert seen.invoice is not None
    assert seen.invoice.status is InvoiceStatus.PAID
    assert seen.invoice.delivery is not None
    assert seen.invoice.delivery.status is DeliveryStatus.SENT
    assert [mail.attachments[0].name for mail in stage.mailer.sent] == [f"{result.invoice_number}.pdf"]
    assert [payment.settled_by for payment in seen.payments] == [SettledBy.WEBHOOK]


async def test_payment_is_found_by_polling_when_no_webhook_ever_comes(stage: Stage) -> None:
    run, link = await stage.open()
    stage.provider.pay(await stage.press_pay(run))

    await run.result()

    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.COMPLETED
    assert [payment.settled_by for payment in seen.payments] == [SettledBy.POLL]


async def test_returning_customer_is_told_at_once_that_he_has_paid(stage: Stage) -> None:
    run, link = await stage.open()
    stage.provider.pay(await stage.press_pay(run))

    standing = await run.execute_update(CheckoutWorkflow.payer_returned)

    assert standing.status is CheckoutStatus.CAPTURED
    await run.result()
    assert [payment.settled_by for payment in (await stage.see(link)).payments] == [SettledBy.RETURN]


async def test_link_that_ends_unpaid_expires_checkout_entry_and_session(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(hours=2))
    session = await stage.press_pay(run)

    result = await run.result()

    seen = await stage.see(link)
    assert result.status is seen.status is CheckoutStatus.EXPIRED
    assert seen.entry.status is EntryStatus.CANCELED
    assert (await stage.provider.read_session("meridian", session)).status == "expired"
    assert seen.invoice is None
    assert stage.mailer.sent == []


async def test_link_nobody_ever_opened_expires_without_asking_the_provider(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(days=30))

    await run.result()

    assert (await stage.see(link)).status is CheckoutStatus.EXPIRED
    assert stage.provider.calls == []


async def test_capture_in_the_very_moment_the_link_ends_is_accepted(stage: Stage) -> None:
    stage.provider.before_expiring = stage.provider.pay
    run, link = await stage.open(expires_in=timedelta(hours=1))
    await stage.press_pay(run)

    result = await run.result()

    assert result.status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).payments[0].status is PaymentStatus.COLLECTED


async def test_pressing_pay_twice_leads_to_the_one_open_session(stage: Stage) -> None:
    run, _ = await stage.open()

    first, second = await stage.press_pay(run), await stage.press_pay(run)

    assert first == second
    assert stage.provider.calls.count("open_session") == 1


async def test_session_that_expired_is_opened_again_under_the_same_link(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(days=3))
    first = await stage.press_pay(run)
    await stage.environment.sleep(timedelta(hours=25))

    second = await stage.press_pay(run)

    assert second != first
    assert (await stage.provider.read_session("meridian", first)).status == "expired"
    stage.provider.pay(second)
    await stage.tell(run, second)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert len((await stage.see(link)).payments) == 1


async def test_declined_card_leaves_the_link_good(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.decline(session)
    await stage.tell(run, session)

    async def declined() -> bool:
        return [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FAILED]

    await eventually(declined)
    assert await stage.press_pay(run) == session
    stage.provider.pay(session)
    await stage.tell(run, session)
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_paid_checkout_cannot_be_paid_again(stage: Stage) -> None:
    run, _ = await stage.open()
    stage.provider.pay(await stage.press_pay(run))
    await run.execute_update(CheckoutWorkflow.payer_returned)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await run.execute_update(CheckoutWorkflow.open_payment_page)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "NotPayable"


async def test_every_message_is_marked_applied_however_often_it_came(stage: Stage) -> None:
    run, _ = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    event = await stage.tell(run, session)
    await stage.tell(run, session, event)
    await stage.tell(run, session)
    await run.result()

    async with stage.engine.connect() as connection:
        applied = await connection.execute(text("SELECT applied_at IS NOT NULL FROM provider_events"))
    assert [row[0] for row in applied] == [True, True]


async def test_mail_server_away_is_waited_for(stage: Stage) -> None:
    stage.mailer.answers = [MailDeferred("421 try later"), MailDeferred("no connection")]
    run, link = await stage.open()
    await stage.paid(run)

    await run.result()

    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    assert len(stage.mailer.sent) == 1


async def test_refused_mail_is_put_before_a_person_and_sent_after_resume(stage: Stage) -> None:
    stage.mailer.answers = [MailRefused("550 no such mailbox")]
    run, link = await stage.open()
    await stage.paid(run)

    await _under_review(stage, link, "MailRefused")
    await run.execute_update(CheckoutWorkflow.resume)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    seen = await stage.see(link)
    assert seen.review is None
    assert seen.invoice is not None
    assert seen.invoice.delivery is not None
    assert seen.invoice.delivery.status is DeliveryStatus.SENT


@pytest.mark.parametrize(
    ("paid", "reason"), [({"amount": 83899}, "short_payment"), ({"currency": "USD"}, "wrong_currency")]
)
async def test_money_that_does_not_fit_is_put_before_a_person(
    stage: Stage, paid: dict[str, object], reason: str
) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session, **paid)  # type: ignore[arg-type]
    await stage.tell(run, session)

    await _under_review(stage, link, reason)

    seen = await stage.see(link)
    assert seen.order is None
    assert seen.invoice is None


async def test_resume_is_refused_while_nothing_is_under_review(stage: Stage) -> None:
    run, _ = await stage.open()

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await run.execute_update(CheckoutWorkflow.resume)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "NotUnderReview"


async def test_unknown_signal_is_alarmed_and_does_not_disturb_the_run(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    run, _ = await stage.open()
    await run.signal("from_another_version", "anything")
    await stage.paid(run)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert "unknown signal from_another_version" in caplog.text


async def test_same_key_started_twice_is_one_checkout(stage: Stage) -> None:
    first_run, first = await stage.open(key="SO-TWICE")
    second_run, second = await stage.open(key="SO-TWICE")

    assert first.checkout_id == second.checkout_id
    assert first_run.id == second_run.id


async def _under_review(stage: Stage, link: OpenedLink, reason: str) -> None:
    async def reviewed() -> bool:
        review = (await stage.see(link)).review
        return review is not None and review.reason == reason

    await eventually(reviewed)
