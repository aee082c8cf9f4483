"""Money that does not fit ends in exactly one of: order and invoice, refund, or a named case."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.cases import CaseStatus
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import MailRefused
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.payments import SessionOrder
from domain.refunds import RefundStatus
from tests.house import eventually
from tests.workflows.conftest import Stage
from tests.workflows.late_money import (
    all_settled,
    cases,
    decide,
    events,
    late_run_over,
    money,
    open_case,
    policies,
    say,
    unapplied,
)
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CancelCheckout, OpenedLink

TOTAL = 83900


async def paid_too_late(stage: Stage, *, canceled: bool = False, **paid: int | str) -> tuple[OpenedLink, str]:
    """A checkout is closed without money, and then its session is paid after all; answers the payment, too."""
    run, link = await stage.open(expires_in=timedelta(hours=2))
    session = await stage.press_pay(run)
    if canceled:
        await run.execute_update(CheckoutWorkflow.cancel, CancelCheckout(reason="sold out"))
    await run.result()
    reference = stage.provider.pay(session, **paid)  # type: ignore[arg-type]
    await say(stage, session=session)
    return link, reference


async def paid_twice(stage: Stage, session: str, link: OpenedLink) -> str:
    """The customer pays in a second tab; answers the second payment."""
    second = stage.provider.pay_elsewhere(stage.provider.orders[session], f"pi_second_{link.checkout_id}")
    await say(stage, payment=second, checkout=link.checkout_id)
    return second


# The checkout is closed


@pytest.mark.parametrize("canceled", [False, True], ids=["expired", "canceled"])
async def test_late_money_is_accepted_where_the_policy_says_so(stage: Stage, canceled: bool) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    link, _ = await paid_too_late(stage, canceled=canceled)

    await late_run_over(stage, link)

    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.COMPLETED
    assert seen.entry.status is EntryStatus.BALANCED
    assert seen.order is not None
    assert seen.invoice is not None
    assert len(stage.mailer.sent) == 1
    assert await money(stage) == [(TOTAL, TOTAL, 0, 0)]
    [case] = await cases(stage)
    assert (case.kind, case.decision, case.decided_by) == ("late_payment", "accept", "policy")
    assert case.status is CaseStatus.SETTLED
    assert "checkout.needs_review" not in await events(stage)
    assert await unapplied(stage) == 0


@pytest.mark.parametrize("canceled", [False, True], ids=["expired", "canceled"])
async def test_late_money_is_given_back_where_the_policy_says_so(stage: Stage, canceled: bool) -> None:
    await policies(stage, late_money=LateMoneyPolicy.REFUND)
    link, reference = await paid_too_late(stage, canceled=canceled)

    await late_run_over(stage, link)

    seen = await stage.see(link)
    assert seen.status is (CheckoutStatus.CANCELED if canceled else CheckoutStatus.EXPIRED)
    assert seen.order is None
    assert stage.provider.refunded(reference) == TOTAL
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]
    assert (await events(stage))[-1] == "refund.succeeded"
    assert await unapplied(stage) == 0


@pytest.mark.parametrize("decision", ["accept", "refund"])
async def test_late_money_is_held_until_a_person_decides(stage: Stage, decision: str) -> None:
    link, reference = await paid_too_late(stage)
    case = await open_case(stage, "late_payment")
    assert case.options == ("accept", "refund")
    assert (case.amount, case.currency, case.payment_reference) == (TOTAL, "EUR", reference)
    assert await money(stage) == [(TOTAL, 0, TOTAL, 0)]
    assert (await stage.see(link)).status is CheckoutStatus.EXPIRED

    await decide(stage, case, decision)

    await late_run_over(stage, link)
    seen = await stage.see(link)
    [case] = await all_settled(stage, 1)
    assert (case.decision, case.decided_by, case.reason) == (decision, "anna", "as agreed")
    if decision == "accept":
        assert seen.status is CheckoutStatus.COMPLETED
        assert await money(stage) == [(TOTAL, TOTAL, 0, 0)]
    else:
        assert seen.status is CheckoutStatus.EXPIRED
        assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]
    assert (seen.order is None) is (seen.invoice is None) is (decision == "refund")


@pytest.mark.parametrize("policy", [LateMoneyPolicy.ACCEPT, LateMoneyPolicy.HOLD])
async def test_late_money_that_is_too_little_is_never_accepted(stage: Stage, policy: LateMoneyPolicy) -> None:
    await policies(stage, late_money=policy)
    link, _ = await paid_too_late(stage, amount=TOTAL - 1)

    case = await open_case(stage, "late_short_payment")

    assert case.options == ("refund", "keep")
    assert (await stage.see(link)).order is None
    assert await money(stage) == [(TOTAL - 1, 0, TOTAL - 1, 0)]


async def test_late_money_beyond_the_total_is_accepted_and_the_rest_given_back(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    link, reference = await paid_too_late(stage, amount=TOTAL + 100)

    await late_run_over(stage, link)

    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    assert stage.provider.refunded(reference) == 100
    assert await money(stage) == [(TOTAL + 100, TOTAL, 0, 100)]


@pytest.mark.parametrize("policy", LateMoneyPolicy)
async def test_late_money_in_the_wrong_currency_never_touches_the_entry(stage: Stage, policy: LateMoneyPolicy) -> None:
    await policies(stage, late_money=policy)
    link, reference = await paid_too_late(stage, currency="USD")

    if policy is LateMoneyPolicy.REFUND:
        await late_run_over(stage, link)
        assert stage.provider.refunded(reference) == TOTAL
    else:
        assert (await open_case(stage, "wrong_currency")).currency == "USD"

    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.EXPIRED
    assert seen.entry.outstanding_amount == TOTAL
    given_back = TOTAL if policy is LateMoneyPolicy.REFUND else 0
    assert await money(stage) == [(TOTAL, 0, TOTAL - given_back, given_back)]


async def test_two_late_payments_are_one_purchase_and_one_refund(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    link, first = await paid_too_late(stage)
    second = stage.provider.pay_elsewhere(next(iter(stage.provider.orders.values())), "pi_second")
    await say(stage, payment=second, checkout=link.checkout_id)

    await all_settled(stage, 2)
    await eventually(lambda: _completed(stage, link))

    assert sorted([stage.provider.refunded(first), stage.provider.refunded(second)]) == [0, TOTAL]
    assert len(stage.mailer.sent) == 1
    assert sorted(await money(stage)) == [(TOTAL, 0, 0, TOTAL), (TOTAL, TOTAL, 0, 0)]


async def _completed(stage: Stage, link: OpenedLink) -> bool:
    return (await stage.see(link)).status is CheckoutStatus.COMPLETED


@pytest.mark.parametrize("policy", OverpaymentPolicy)
async def test_second_payment_after_the_first_was_assigned(stage: Stage, policy: OverpaymentPolicy) -> None:
    await policies(stage, overpayment=policy)
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)
    await run.result()

    second = await paid_twice(stage, session, link)

    if policy is OverpaymentPolicy.REFUND:
        await late_run_over(stage, link)
        assert stage.provider.refunded(second) == TOTAL
        assert await money(stage) == [(TOTAL, TOTAL, 0, 0), (TOTAL, 0, 0, TOTAL)]
    else:
        case = await open_case(stage, "surplus")
        assert case.payment_reference == second
        assert await money(stage) == [(TOTAL, TOTAL, 0, 0), (TOTAL, 0, TOTAL, 0)]
        await decide(stage, case, "keep")
        await late_run_over(stage, link)
        assert await money(stage) == [(TOTAL, TOTAL, 0, 0), (TOTAL, 0, TOTAL, 0)]
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    assert len(stage.mailer.sent) == 1
    assert await unapplied(stage) == 0


async def test_undecided_case_is_told_again_when_it_is_overdue_and_stays_open(stage: Stage) -> None:
    await policies(stage, late_money_days=3)
    link, _ = await paid_too_late(stage)
    case = await open_case(stage, "late_payment")
    assert case.due_at == case.opened_at + timedelta(days=3)
    assert not case.overdue

    await stage.environment.sleep(timedelta(days=2))
    assert (await events(stage)).count("checkout.needs_review") == 1
    await stage.environment.sleep(timedelta(days=1, hours=1))

    async def told_again() -> bool:
        return (await events(stage)).count("checkout.needs_review") == 2

    await eventually(told_again)
    [case] = await cases(stage, CaseStatus.OPEN)
    assert case.overdue
    await decide(stage, case, "refund")
    await late_run_over(stage, link)
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]


async def test_decision_is_made_once(stage: Stage) -> None:
    await paid_too_late(stage)
    stage.provider.refunds_become = [RefundStatus.PENDING]
    case = await open_case(stage, "late_payment")
    await decide(stage, case, "refund")
    await decide(stage, case, "refund")

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await decide(stage, case, "accept")
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "CaseDecided"
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await decide(stage, case, "shrug")
    assert (await events(stage)).count("case.decided") == 1
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]
    assert stage.provider.calls.count("refund_payment") <= 1


async def test_refund_on_its_way_is_followed_until_it_arrives(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.REFUND)
    stage.provider.refunds_become = [RefundStatus.PENDING]
    link, reference = await paid_too_late(stage)

    async def ordered() -> bool:
        return stage.provider.refunded(reference) == TOTAL

    await eventually(ordered)
    assert "refund.succeeded" not in await events(stage)
    stage.provider.settle_refunds(RefundStatus.REFUNDED)

    await stage.environment.sleep(timedelta(hours=2))
    await late_run_over(stage, link)

    assert (await events(stage))[-1] == "refund.succeeded"
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]


@pytest.mark.parametrize("fate", [RefundStatus.FAILED, RefundStatus.CANCELED])
async def test_refund_that_fails_is_money_again_and_put_before_a_person(stage: Stage, fate: RefundStatus) -> None:
    await policies(stage, late_money=LateMoneyPolicy.REFUND)
    stage.provider.refunds_become = [fate]
    link, reference = await paid_too_late(stage)

    case = await open_case(stage, "refund_failed")

    assert await money(stage) == [(TOTAL, 0, TOTAL, 0)]
    assert stage.provider.refunded(reference) == 0
    await decide(stage, case, "refund")
    await late_run_over(stage, link)
    assert stage.provider.refunded(reference) == TOTAL
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]
    kinds = [event for event in await events(stage) if event.startswith("refund.")]
    assert kinds == ["refund.failed", "refund.succeeded"]


async def test_accepted_purchase_whose_mail_is_refused_waits_for_a_person_and_is_sent_after_retry(stage: Stage) -> None:
    await policies(stage, late_money=LateMoneyPolicy.ACCEPT)
    stage.mailer.answers = [MailRefused("550 no such mailbox")]
    link, _ = await paid_too_late(stage)
    case = await open_case(stage, "step_failed")
    assert (case.options, case.detail) == (("retry",), "MailRefused")

    await decide(stage, case, "retry")

    await late_run_over(stage, link)
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    assert len(stage.mailer.sent) == 1


async def test_lost_late_run_goes_on_from_the_books(stage: Stage) -> None:
    link, reference = await paid_too_late(stage)
    case = await open_case(stage, "late_payment")
    await stage.client.get_workflow_handle(case.workflow_id or "").terminate("lost")

    await say(stage, payment=reference)

    assert [one.id for one in await cases(stage)] == [case.id]
    await decide(stage, case, "accept")
    await late_run_over(stage, link)
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED
    assert await money(stage) == [(TOTAL, TOTAL, 0, 0)]


# The checkout's run is still open


async def test_too_little_is_held_and_resolved_by_a_payment_of_the_rest(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session, amount=TOTAL - 900)
    await stage.tell(run, session)
    case = await open_case(stage, "short_payment")
    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.NEEDS_REVIEW
    assert seen.review is not None
    assert seen.review.options == ("await_rest", "refund")

    rest = await stage.press_pay(run)
    assert stage.provider.orders[rest].amount == 900
    stage.provider.pay(rest)
    await stage.tell(run, rest)

    await run.result()
    await late_run_over(stage, link)
    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.COMPLETED
    assert seen.review is None
    [resolved] = await cases(stage)
    assert (resolved.id, resolved.decision, resolved.decided_by) == (case.id, "resolved", "system")
    assert await money(stage) == [(TOTAL - 900, TOTAL - 900, 0, 0), (900, 900, 0, 0)]


async def test_too_little_may_wait_for_the_rest_and_is_late_money_when_the_link_ends(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(days=2))
    session = await stage.press_pay(run)
    stage.provider.pay(session, amount=900)
    await stage.tell(run, session)
    await decide(stage, await open_case(stage, "short_payment"), "await_rest")

    async def payable() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.AWAITING_PAYMENT

    await eventually(payable)
    assert (await run.result()).status is CheckoutStatus.EXPIRED
    case = await open_case(stage, "late_short_payment")
    assert await money(stage) == [(900, 0, 900, 0)]
    await decide(stage, case, "refund")
    await late_run_over(stage, link)
    assert await money(stage) == [(900, 0, 0, 900)]


async def test_too_little_under_review_becomes_late_money_when_the_link_ends(stage: Stage) -> None:
    run, link = await stage.open(expires_in=timedelta(days=2))
    session = await stage.press_pay(run)
    stage.provider.pay(session, amount=900)
    await stage.tell(run, session)
    short = await open_case(stage, "short_payment")

    assert (await run.result()).status is CheckoutStatus.EXPIRED

    late = await open_case(stage, "late_short_payment")
    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.EXPIRED
    assert seen.review is None
    assert [(case.id, case.decision) for case in await cases(stage)] == [(short.id, "resolved"), (late.id, None)]
    assert await money(stage) == [(900, 0, 900, 0)]


async def test_too_little_is_given_back_where_the_policy_says_so_and_the_checkout_stays_payable(stage: Stage) -> None:
    await policies(stage, short_payment=ShortPaymentPolicy.REFUND)
    run, link = await stage.open()
    session = await stage.press_pay(run)
    reference = stage.provider.pay(session, amount=TOTAL - 1)
    await stage.tell(run, session)
    await late_run_over_eventually(stage, link)
    assert stage.provider.refunded(reference) == TOTAL - 1

    again = await stage.press_pay(run)
    assert stage.provider.orders[again].amount == TOTAL
    stage.provider.pay(again)
    await stage.tell(run, again)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert await money(stage) == [(TOTAL - 1, 0, 0, TOTAL - 1), (TOTAL, TOTAL, 0, 0)]


async def late_run_over_eventually(stage: Stage, link: OpenedLink) -> None:
    """The late run is started by the checkout's run, a moment later."""

    async def refunded() -> bool:
        return "refund.succeeded" in await events(stage)

    await eventually(refunded)
    await late_run_over(stage, link)


@pytest.mark.parametrize("policy", OverpaymentPolicy)
async def test_too_much_is_surplus_once_the_entry_is_balanced(stage: Stage, policy: OverpaymentPolicy) -> None:
    await policies(stage, overpayment=policy)
    run, link = await stage.open()
    session = await stage.press_pay(run)
    reference = stage.provider.pay(session, amount=TOTAL + 250)
    await stage.tell(run, session)

    assert (await run.result()).status is CheckoutStatus.COMPLETED

    if policy is OverpaymentPolicy.REFUND:
        await late_run_over(stage, link)
        assert stage.provider.refunded(reference) == 250
        assert await money(stage) == [(TOTAL + 250, TOTAL, 0, 250)]
    else:
        assert (await open_case(stage, "surplus")).amount == 250
        assert await money(stage) == [(TOTAL + 250, TOTAL, 250, 0)]
    assert (await stage.see(link)).status is CheckoutStatus.COMPLETED


async def test_second_payment_before_the_run_ended_is_surplus_too(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    first = stage.provider.pay(session)
    second = stage.provider.pay_elsewhere(stage.provider.orders[session], "pi_second")
    await say(stage, payment=second, checkout=link.checkout_id)
    await stage.tell(run, session)

    await run.result()
    await late_run_over(stage, link)

    assert sorted([stage.provider.refunded(first), stage.provider.refunded(second)]) == [0, TOTAL]
    assert sorted(await money(stage)) == [(TOTAL, 0, 0, TOTAL), (TOTAL, TOTAL, 0, 0)]
    assert len(stage.mailer.sent) == 1


async def test_second_payment_is_given_back_although_the_run_waits_for_a_person(stage: Stage) -> None:
    stage.mailer.answers = [MailRefused("550 no such mailbox")]
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session)
    await stage.tell(run, session)

    async def under_review() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.NEEDS_REVIEW

    await eventually(under_review)
    second = await paid_twice(stage, session, link)
    await all_settled(stage, 1)

    assert stage.provider.refunded(second) == TOTAL
    assert await unapplied(stage) == 0
    await run.execute_update(CheckoutWorkflow.resume)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert await money(stage) == [(TOTAL, TOTAL, 0, 0), (TOTAL, 0, 0, TOTAL)]


async def test_wrong_currency_waits_for_a_person_and_the_checkout_is_payable_after_the_refund(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    reference = stage.provider.pay(session, currency="USD")
    await stage.tell(run, session)
    case = await open_case(stage, "wrong_currency")
    assert (await stage.see(link)).status is CheckoutStatus.NEEDS_REVIEW

    await decide(stage, case, "refund")
    await late_run_over(stage, link)

    assert stage.provider.refunded(reference) == TOTAL
    seen = await stage.see(link)
    assert seen.status is CheckoutStatus.AWAITING_PAYMENT
    assert seen.entry.outstanding_amount == TOTAL
    await stage.paid(run)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL), (TOTAL, TOTAL, 0, 0)]


async def test_checkout_paid_rightly_while_money_in_the_wrong_currency_is_undecided(stage: Stage) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    stage.provider.pay(session, currency="USD")
    await stage.tell(run, session)
    case = await open_case(stage, "wrong_currency")

    await stage.paid(run)

    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert [one.id for one in await cases(stage, CaseStatus.OPEN)] == [case.id]
    assert await money(stage) == [(TOTAL, 0, TOTAL, 0), (TOTAL, TOTAL, 0, 0)]
    await decide(stage, case, "keep")
    await late_run_over(stage, link)


# Nobody's money


async def test_money_of_no_checkout_is_in_the_books_and_a_case(stage: Stage) -> None:
    await policies(
        stage,
        late_money=LateMoneyPolicy.REFUND,
        overpayment=OverpaymentPolicy.REFUND,
        short_payment=ShortPaymentPolicy.REFUND,
    )
    run, _ = await stage.open()
    order = stage.provider.orders[await stage.press_pay(run)]
    stage.provider.pay_elsewhere(order, "pi_nobody", ours=False)

    await say(stage, payment="pi_nobody")
    case = await open_case(stage, "unknown_payment")
    await say(stage, payment="pi_nobody")

    assert (case.checkout_id, case.payment_reference, case.amount) == (None, "pi_nobody", TOTAL)
    assert stage.provider.refunded("pi_nobody") == 0, "never given back unasked"
    assert await money(stage) == [(TOTAL, 0, TOTAL, 0)]
    assert (await events(stage)).count("payment.needs_review") == 1
    await decide(stage, case, "refund")
    await stage.client.get_workflow_handle(case.workflow_id or "").result()
    assert await money(stage) == [(TOTAL, 0, 0, TOTAL)]
    assert await unapplied(stage) == 0


@pytest.mark.parametrize("ended", [False, True], ids=["run open", "run over"])
async def test_payment_whose_message_does_not_name_its_checkout_finds_it(stage: Stage, ended: bool) -> None:
    run, link = await stage.open()
    session = await stage.press_pay(run)
    if ended:
        await stage.paid(run)
        await run.result()
    reference = stage.provider.pay_elsewhere(stage.provider.orders[session], "pi_traced")

    await say(stage, payment=reference)

    if ended:
        await all_settled(stage, 1)
        assert stage.provider.refunded(reference) == TOTAL
    else:
        assert (await run.result()).status is CheckoutStatus.COMPLETED
        assert [payment.provider_reference for payment in (await stage.see(link)).payments] == [reference]
    await money(stage)

    async def everything_applied() -> bool:
        return await unapplied(stage) == 0

    await eventually(everything_applied)


async def test_message_of_no_money_and_no_checkout_is_done_with(stage: Stage) -> None:
    run, _ = await stage.open()
    order = stage.provider.orders[await stage.press_pay(run)]
    opened = await stage.provider.open_session(_foreign(order))
    await stage.provider.expire_session("meridian", opened.session_id)

    await say(stage, session=opened.session_id)

    async def everything_applied() -> bool:
        return await unapplied(stage) == 0

    await eventually(everything_applied)
    assert await cases(stage) == []
    async with stage.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM payments"))).scalar_one() == 0


def _foreign(order: SessionOrder) -> SessionOrder:
    return replace(order, idempotency_key="somebody-else", checkout_id="chk_of_somebody_else")
