"""Money that is promised before it is there: authorizations that the shop captures, and methods that take days."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from domain.capture_modes import CaptureMode, DelayedMethod
from domain.captures import RefusalKind
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import ProviderRefused, ProviderUnavailable
from domain.late_money import ShortPaymentPolicy
from domain.payments import AttemptStatus, PaymentStatus, Promise, SettledBy
from domain.views import CheckoutView
from tests.house import eventually
from tests.workflows.conftest import Run, Stage
from tests.workflows.late_money import decide, events, money, open_case, policies, say
from tests.workflows.test_cancel import cancel, refused
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CaptureCheckout, CaptureStanding, OpenedLink, late_payment_id

TOTAL = 83900


async def capture(run: Run, amount: str | None = None, payment_id: str | None = None) -> CaptureStanding:
    """The shop captures."""
    return await run.execute_update(CheckoutWorkflow.capture, CaptureCheckout(amount=amount, payment_id=payment_id))


async def authorized(stage: Stage, *, expires_in: timedelta = timedelta(days=7)) -> tuple[Run, OpenedLink, str]:
    """A checkout of a merchant who captures by hand, authorized by its customer; the payment's reference last."""
    await policies(stage, capture=CaptureMode.MANUAL)
    stage.provider.authorizations_end = await stage.environment.get_current_time() + timedelta(days=7)
    run, link = await stage.open(expires_in=expires_in)
    session = await stage.press_pay(run)
    reference = stage.provider.pay(session)
    await stage.tell(run, session)
    await pending(stage, link, Promise.AUTHORIZED)
    return run, link, reference


async def ordered(stage: Stage, *, expires_in: timedelta = timedelta(days=7)) -> tuple[Run, OpenedLink, str]:
    """A checkout whose customer ordered his bank to pay; the payment's reference last."""
    await policies(stage, delayed_methods=(DelayedMethod.SEPA_DEBIT,))
    run, link = await stage.open(expires_in=expires_in)
    session = await stage.press_pay(run)
    reference = stage.provider.order_transfer(session)
    await stage.tell(run, session)
    await pending(stage, link, Promise.DELAYED)
    return run, link, reference


async def pending(stage: Stage, link: OpenedLink, promise: Promise) -> CheckoutView:
    """Wait until the books know of the promise."""

    async def known() -> CheckoutView | None:
        seen = await stage.see(link)
        return seen if promise in {payment.promise for payment in seen.payments} else None

    return await eventually(known)


async def pays_again(stage: Stage, run: Run) -> None:
    """The customer pays by another session of the same link, and the shop captures what is only authorized."""
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)


@pytest.fixture
async def no_expectations_left(stage: Stage) -> AsyncIterator[None]:
    """After the test no entry expects money that will not come."""
    yield
    assert await stage.rows("SELECT id FROM entries WHERE expected > 0") == []
    assert await stage.rows("SELECT id FROM entry_items WHERE kind = 'expected'") == []


pytestmark = pytest.mark.usefixtures("no_expectations_left")


async def test_authorized_checkout_says_how_much_and_until_when_and_waits_for_the_shop(stage: Stage) -> None:
    run, link, _ = await authorized(stage)

    seen = await stage.see(link)

    assert (seen.status, seen.entry.status) == (CheckoutStatus.AWAITING_PAYMENT, EntryStatus.OPEN)
    assert (seen.entry.expected_amount, seen.entry.outstanding_amount) == (TOTAL, TOTAL)
    [payment] = seen.payments
    assert (payment.status, payment.amount, payment.authorized_amount) == (PaymentStatus.PENDING, TOTAL, TOTAL)
    assert payment.capture_before == stage.provider.authorizations_end
    assert [(one.number, one.status, one.payment_id) for one in seen.attempts] == [
        (1, AttemptStatus.PENDING, payment.id)
    ]
    assert "payment.authorized" in await events(stage)
    assert await money(stage) == []
    await cancel(run)
    await run.result()


async def test_capture_in_full_carries_the_purchase_out_and_repeating_it_changes_nothing(stage: Stage) -> None:
    run, link, _ = await authorized(stage)

    asked = asyncio.Event()

    def wait_for_all(_: str) -> None:
        if not asked.is_set():
            raise ProviderUnavailable("a moment")

    stage.provider.before_capturing = wait_for_all
    updates = [
        await run.start_update(
            CheckoutWorkflow.capture, CaptureCheckout(amount=amount), wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        for amount in (None, "839.00", "839")
    ]
    asked.set()

    assert [(await update.result()).refusal for update in updates] == [None] * 3
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert stage.provider.calls.count("capture_payment") == 1
    assert await money(stage) == [(TOTAL, TOTAL, 0, 0)]
    [payment] = (await stage.see(link)).payments
    assert (payment.status, payment.authorized_amount, payment.promise) == (PaymentStatus.COLLECTED, TOTAL, None)


async def test_capture_of_what_is_not_there_is_refused_and_the_authorization_stands(stage: Stage) -> None:
    run, link, reference = await authorized(stage)

    answer = await capture(run, "839.01")

    assert answer.refusal is not None
    assert answer.refusal.kind is RefusalKind.INVALID
    assert [violation.pointer for violation in answer.refusal.violations] == ["/amount"]
    assert (await stage.provider.read_payment("meridian", reference)).promise is Promise.AUTHORIZED
    assert (await stage.see(link)).entry.expected_amount == TOTAL
    await cancel(run)
    await run.result()


async def test_capture_before_anything_is_authorized_is_refused(stage: Stage) -> None:
    run, _ = await stage.open()

    answer = await capture(run)

    assert answer.refusal is not None
    assert answer.refusal.kind is RefusalKind.NOTHING_AUTHORIZED
    await cancel(run)
    await run.result()


async def test_capture_of_a_part_is_a_short_payment_whose_rest_can_be_paid_under_the_same_link(stage: Stage) -> None:
    run, link, _ = await authorized(stage)

    assert (await capture(run, "800.00")).refusal is None

    case = await open_case(stage, "short_payment")
    assert await money(stage) == [(80000, 0, 80000, 0)]
    again = await capture(run, "800")
    other = await capture(run, "801.00")
    assert again.refusal is None
    assert other.refusal is not None
    assert (other.refusal.kind, other.refusal.amount) == (RefusalKind.CAPTURED_OTHERWISE, 80000)
    await decide(stage, case, "await_rest")
    session = await stage.press_pay(run)
    assert stage.provider.orders[session].amount == 3900
    stage.provider.pay(session)
    await stage.tell(run, session)

    async def rest_is_authorized() -> bool:
        return (await stage.see(link)).entry.expected_amount == 3900

    await eventually(rest_is_authorized)
    assert (await capture(run)).refusal is None
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert await money(stage) == [(80000, 80000, 0, 0), (3900, 3900, 0, 0)]


async def test_part_is_not_captured_only_to_be_given_back_at_once(stage: Stage) -> None:
    run, _, _ = await authorized(stage)
    await policies(stage, capture=CaptureMode.MANUAL, short_payment=ShortPaymentPolicy.REFUND)

    answer = await capture(run, "800.00")

    assert answer.refusal is not None
    assert "given back" in answer.refusal.violations[0].message
    assert (await capture(run)).refusal is None
    assert (await run.result()).status is CheckoutStatus.COMPLETED


@pytest.mark.parametrize("told", [True, False], ids=["told", "polled"])
async def test_authorization_that_lapses_leaves_the_link_good(stage: Stage, told: bool) -> None:
    run, link, reference = await authorized(stage, expires_in=timedelta(days=20))

    await stage.environment.sleep(timedelta(days=7))
    stage.provider.lapse(reference)
    if told:
        await say(stage, payment=reference, checkout=link.checkout_id)
    await stage.environment.sleep(timedelta(hours=7))

    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.AWAITING_PAYMENT
    assert [(payment.status, payment.failure) for payment in seen.payments] == [(PaymentStatus.EXPIRED, "expired")]
    assert seen.entry.expected_amount == 0
    assert "payment.expired" in await events(stage)
    answer = await capture(run)
    assert answer.refusal is not None
    assert answer.refusal.kind is RefusalKind.NOTHING_AUTHORIZED
    await pays_again(stage, run)
    await pending(stage, link, Promise.AUTHORIZED)
    await capture(run)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert [one.status for one in (await stage.see(link)).attempts] == [AttemptStatus.EXPIRED, AttemptStatus.COLLECTED]


async def test_returning_customer_finds_out_that_his_authorization_lapsed(stage: Stage) -> None:
    run, link, reference = await authorized(stage)
    stage.provider.lapse(reference)

    await run.execute_update(CheckoutWorkflow.payer_returned)

    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.EXPIRED]
    await cancel(run)
    await run.result()


async def test_link_that_ends_waits_for_the_authorization_and_then_ends_the_checkout(stage: Stage) -> None:
    run, link, reference = await authorized(stage, expires_in=timedelta(hours=2))
    await stage.environment.sleep(timedelta(days=6))
    assert (await stage.see(link)).status is CheckoutStatus.AWAITING_PAYMENT

    stage.provider.lapse(reference)

    assert (await run.result()).status is CheckoutStatus.EXPIRED
    assert (await stage.see(link)).entry.status is EntryStatus.CANCELED
    assert (await events(stage))[-1] == "checkout.expired"


async def test_authorization_is_captured_after_the_links_end(stage: Stage) -> None:
    run, _, _ = await authorized(stage, expires_in=timedelta(hours=2))
    await stage.environment.sleep(timedelta(days=3))

    await capture(run)

    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_cancel_releases_the_authorization_and_reads_it_back(stage: Stage) -> None:
    run, link, reference = await authorized(stage)

    assert (await cancel(run)).status is CheckoutStatus.CANCELED

    await run.result()
    assert (await stage.provider.read_payment("meridian", reference)).status is PaymentStatus.CANCELED
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.CANCELED]
    assert await money(stage) == []
    assert (await events(stage))[-2:] == ["payment.canceled", "checkout.canceled"]


async def test_authorization_in_the_very_moment_of_the_cancel_is_released(stage: Stage) -> None:
    await policies(stage, capture=CaptureMode.MANUAL)
    stage.provider.before_expiring = stage.provider.pay
    run, link = await stage.open()
    await stage.press_pay(run)

    assert (await cancel(run)).status is CheckoutStatus.CANCELED

    await run.result()
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.CANCELED]


async def test_authorization_in_the_very_moment_the_link_ends_is_kept(stage: Stage) -> None:
    await policies(stage, capture=CaptureMode.MANUAL)
    stage.provider.before_expiring = stage.provider.pay
    run, link = await stage.open(expires_in=timedelta(hours=1))
    await stage.press_pay(run)

    await stage.environment.sleep(timedelta(hours=2))

    await pending(stage, link, Promise.AUTHORIZED)
    await capture(run)
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_capture_by_the_shop_beats_a_cancel_that_comes_after_it(stage: Stage) -> None:
    run, _, _ = await authorized(stage)
    under_way = asyncio.Event()

    def fail_once(_: str) -> None:
        stage.provider.before_capturing = lambda _: None
        under_way.set()
        raise ProviderUnavailable("down for a moment")

    stage.provider.before_capturing = fail_once
    capturing = asyncio.create_task(capture(run))
    await under_way.wait()

    assert (await refused(cancel(run)))[0] == "TooLateToCancel"

    assert (await capturing).refusal is None
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_capture_the_provider_refuses_can_be_asked_for_again(stage: Stage) -> None:
    run, link, _ = await authorized(stage)

    def refuse_once(_: str) -> None:
        stage.provider.before_capturing = lambda _: None
        raise ProviderRefused("not this amount")

    stage.provider.before_capturing = refuse_once

    answer = await capture(run)

    assert answer.refusal is not None
    assert answer.refusal.kind is RefusalKind.PROVIDER
    assert (await stage.see(link)).status is CheckoutStatus.AWAITING_PAYMENT
    assert (await capture(run)).refusal is None
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_authorization_somebody_captured_at_the_provider_is_found(stage: Stage) -> None:
    run, link, reference = await authorized(stage)
    payment = stage.provider.reports[next(iter(stage.provider.reports))].payment
    assert payment is not None
    stage.provider.settle_transfer(reference, paid=True)
    await say(stage, payment=reference, checkout=link.checkout_id)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert stage.provider.calls.count("capture_payment") == 0


async def test_authorization_after_the_checkout_closed_is_released(stage: Stage) -> None:
    await policies(stage, capture=CaptureMode.MANUAL)
    run, link = await stage.open()
    session = await stage.press_pay(run)
    await cancel(run)
    await run.result()
    reference = stage.provider.pay(session)

    await say(stage, session=session, checkout=link.checkout_id)

    await stage.client.get_workflow_handle(late_payment_id(link.checkout_id)).result()
    assert (await stage.provider.read_payment("meridian", reference)).status is PaymentStatus.CANCELED
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.CANCELED]


# Methods that take days


async def test_ordered_transfer_is_expected_and_nobody_can_pay_meanwhile(stage: Stage) -> None:
    run, link, _ = await ordered(stage)

    seen = await stage.see(link)

    assert (seen.entry.expected_amount, seen.entry.outstanding_amount) == (TOTAL, TOTAL)
    assert [(payment.status, payment.promise) for payment in seen.payments] == [
        (PaymentStatus.PENDING, Promise.DELAYED)
    ]
    with pytest.raises(WorkflowUpdateFailedError):
        await stage.press_pay(run)
    assert stage.provider.calls.count("open_session") == 1
    assert await refused(cancel(run)) == ("TooLateToCancel", CheckoutStatus.AWAITING_PAYMENT)
    stage.provider.settle_transfer(seen.payments[0].provider_reference, paid=True)
    assert (await run.result()).status is CheckoutStatus.COMPLETED


@pytest.mark.parametrize("told", [True, False], ids=["told", "polled"])
async def test_transfer_that_arrives_days_after_the_links_end_carries_the_purchase_out(
    stage: Stage, told: bool
) -> None:
    run, link, reference = await ordered(stage, expires_in=timedelta(hours=1))
    await stage.environment.sleep(timedelta(days=5))
    assert (await stage.see(link)).status is CheckoutStatus.AWAITING_PAYMENT

    stage.provider.settle_transfer(reference, paid=True)
    if told:
        await say(stage, payment=reference, checkout=link.checkout_id)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    [payment] = (await stage.see(link)).payments
    assert payment.settled_by is (SettledBy.WEBHOOK if told else SettledBy.POLL)
    assert await money(stage) == [(TOTAL, TOTAL, 0, 0)]


async def test_transfer_that_fails_days_later_frees_the_link(stage: Stage) -> None:
    run, link, reference = await ordered(stage)
    await stage.environment.sleep(timedelta(days=4))

    stage.provider.settle_transfer(reference, paid=False)
    await say(stage, payment=reference, checkout=link.checkout_id)

    async def failed() -> bool:
        return [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FAILED]

    await eventually(failed)
    seen = await stage.see(link)
    assert seen.entry.expected_amount == 0
    assert [(one.status, one.reason) for one in seen.attempts] == [(AttemptStatus.FAILED, "bank_refused")]
    await pays_again(stage, run)
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_transfer_that_fails_after_the_links_end_ends_the_checkout(stage: Stage) -> None:
    run, link, reference = await ordered(stage, expires_in=timedelta(hours=1))
    await stage.environment.sleep(timedelta(days=4))

    stage.provider.settle_transfer(reference, paid=False)

    assert (await run.result()).status is CheckoutStatus.EXPIRED
    assert (await stage.see(link)).entry.status is EntryStatus.CANCELED
