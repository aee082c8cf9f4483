"""Too little money by a link for several entries: a matter of the merchant's policy at once, as by a checkout's own."""

from api.settlement_runs import TemporalSettlementRuns
from domain.checkout import CheckoutStatus
from domain.late_money import ShortPaymentPolicy
from domain.settlements import Settle
from tests.workflows.combined_links import a_link, hear, opened, press
from tests.workflows.conftest import Run, Stage
from tests.workflows.late_money import all_settled, cases, decide, late_run_over, open_case, policies
from workflows.messages import OpenedLink, payment_link_run_id

TOTAL = 83_900
PAID = 100_000
"""Enough for the first entry, too little for both."""

Checkouts = list[tuple[Run, OpenedLink, str]]


async def paid(stage: Stage, amount: int) -> tuple[Checkouts, str]:
    """Two checkouts whose customer paid this by one link; and the link."""
    checkouts = await opened(stage, 2)
    our_id = await a_link(stage, *[entry for _, _, entry in checkouts])
    session = await press(stage, our_id)
    stage.provider.pay(session, amount=amount)
    await hear(stage, session)
    return checkouts, our_id


async def test_money_too_little_for_the_second_entry_is_put_before_a_person_who_may_settle_it(stage: Stage) -> None:
    [(_, link, _), (other, other_link, entry)], our_id = await paid(stage, PAID)

    case = await open_case(stage, "link_short_payment")

    assert (case.checkout_id, case.options) == (link.checkout_id, ("refund", "keep"))
    await stage.until(link, CheckoutStatus.COMPLETED)
    waiting = await stage.see(other_link)
    assert (waiting.status, waiting.entry.outstanding_amount) == (CheckoutStatus.AWAITING_PAYMENT, TOTAL)
    [payment] = (await stage.see(link)).payments
    runs = TemporalSettlementRuns(stage.client, task_queue=stage.task_queue)
    await runs.ask("meridian", Settle(key="S-1", entries=(entry,), payment_id=payment.id), by="anna")
    session = await press(stage, our_id)
    assert stage.provider.orders[session].amount == 2 * TOTAL - PAID
    stage.provider.pay(session)
    await hear(stage, session)
    assert (await other.result()).status is CheckoutStatus.COMPLETED
    [settled] = await all_settled(stage, 1)
    assert settled.decision == "resolved"


async def test_money_too_little_for_the_second_entry_is_given_back_where_the_policy_says_so(stage: Stage) -> None:
    await policies(stage, short_payment=ShortPaymentPolicy.REFUND)
    [(_, link, _), (other, _, _)], our_id = await paid(stage, PAID)

    await stage.until(link, CheckoutStatus.COMPLETED)
    [case] = await all_settled(stage, 1)

    assert (case.kind, case.decision) == ("link_short_payment", "refund")
    [payment] = await stage.rows("SELECT assigned, available, refunded FROM payments")
    assert (payment.assigned, payment.available, payment.refunded) == (TOTAL, 0, PAID - TOTAL)
    session = await press(stage, our_id)
    assert stage.provider.orders[session].amount == TOTAL, "the second entry is owed in full"
    stage.provider.pay(session)
    await hear(stage, session)
    assert (await other.result()).status is CheckoutStatus.COMPLETED


async def test_money_too_little_for_any_entry_is_a_short_payment_of_the_first(stage: Stage) -> None:
    [(run, link, _), (other, _, _)], our_id = await paid(stage, TOTAL - 100)

    case = await open_case(stage, "short_payment")

    await stage.until(link, CheckoutStatus.NEEDS_REVIEW)
    assert case.checkout_id == link.checkout_id
    await decide(stage, case, "await_rest")
    session = await press(stage, our_id)
    assert stage.provider.orders[session].amount == TOTAL + 100
    stage.provider.pay(session)
    await hear(stage, session)
    assert {(await one.result()).status for one in (run, other)} == {CheckoutStatus.COMPLETED}
    assert len(await cases(stage)) == 1


async def test_left_over_money_that_a_person_keeps_is_not_asked_about_again_when_nobody_waits_any_more(
    stage: Stage,
) -> None:
    [(run, link, _), (other, _, _)], our_id = await paid(stage, PAID)
    await decide(stage, await open_case(stage, "link_short_payment"), "keep")
    await all_settled(stage, 1)
    session = await press(stage, our_id)
    stage.provider.pay(session)

    await hear(stage, session)

    assert {(await one.result()).status for one in (run, other)} == {CheckoutStatus.COMPLETED}
    await stage.client.get_workflow_handle(payment_link_run_id(our_id)).result()
    await late_run_over(stage, link)
    assert [case.decision for case in await cases(stage)] == ["keep"]
    left = await stage.rows("SELECT available FROM payments WHERE available > 0")
    assert [row.available for row in left] == [PAID - TOTAL]
