"""Settlements as runs: a link for several entries, an entry canceled while its run waits, money from elsewhere."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest

from api.ports import NotPayable
from api.settlement_runs import TemporalLinkRuns, TemporalSettlementRuns
from domain.checkout import CheckoutStatus
from domain.combined_links import link_id
from domain.errors import InvalidInput
from domain.payments import ProviderEvent, SessionStatus
from domain.settlement_steps import LinkRequest
from domain.settlements import CancelEntry, CreditBalance, Reduce, ReductionKind, Request, Settle
from tests.house import eventually
from tests.workflows.combined_links import a_link, hear, opened, press
from tests.workflows.conftest import Stage
from workflows.messages import payment_link_run_id


async def do(stage: Stage, request: Request) -> bool:
    return await TemporalSettlementRuns(stage.client, task_queue=stage.task_queue).ask("meridian", request, by="anna")


async def test_three_checkouts_paid_by_one_link_each_end_in_an_invoice_of_their_own(stage: Stage) -> None:
    checkouts = await opened(stage, 3)
    our_id = await a_link(stage, *[entry for _, _, entry in checkouts])

    session = await press(stage, our_id)
    stage.provider.pay(session)
    await hear(stage, session)
    results = [await run.result() for run, _, _ in checkouts]

    assert stage.provider.orders[session].amount == 3 * 83_900
    assert {result.status for result in results} == {CheckoutStatus.COMPLETED}
    assert len({result.invoice_number for result in results}) == 3
    assert len(await stage.rows("SELECT id FROM payments")) == 1
    items = await stage.rows("SELECT amount FROM entry_items")
    assert [item.amount for item in items] == [83_900] * 3
    await stage.client.get_workflow_handle(payment_link_run_id(our_id)).result()


async def test_own_link_and_combined_link_are_never_payable_at_the_same_time(stage: Stage) -> None:
    (run, _, first), (_, _, second) = await opened(stage, 2)
    our_id = await a_link(stage, first, second)

    seen = []
    for press_now in (run, our_id, run, our_id):
        session = await (press(stage, press_now) if isinstance(press_now, str) else stage.press_pay(press_now))
        payable = {name for name, one in stage.provider.reports.items() if one.status is SessionStatus.OPEN}
        assert payable == {session}
        seen.append(session)
    assert len(set(seen)) == 4
    assert await press(stage, our_id) == seen[-1], "the same page again"

    await asyncio.gather(press(stage, our_id), stage.press_pay(run), return_exceptions=True)
    open_rows = await stage.rows("SELECT entry_id, count(*) FROM provider_sessions WHERE status = 'open' GROUP BY 1")
    assert all(row.count == 1 for row in open_rows)


async def test_money_that_slipped_in_before_the_other_link_was_opened_is_found(stage: Stage) -> None:
    (run, link, first), (_, _, second) = await opened(stage, 2)
    our_id = await a_link(stage, first, second)
    own = await stage.press_pay(run)
    stage.provider.pay(own)

    session = await press(stage, our_id)

    assert stage.provider.orders[session].amount == 83_900, "only the other one is owed"
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    assert (await stage.see(link)).entry.outstanding_amount == 0


async def test_money_for_an_entry_covered_meanwhile_is_surplus_and_given_back(stage: Stage) -> None:
    (run, _, first), (other, link, second) = await opened(stage, 2)
    our_id = await a_link(stage, first, second)
    session = await press(stage, our_id)
    own = replace(stage.provider.orders[session], amount=83_900, checkout_id=link.checkout_id)
    reference = stage.provider.pay_elsewhere(own, "pi_elsewhere")
    await stage.reporter.report("meridian", *await recorded(stage, link.checkout_id, reference))
    assert (await other.result()).status is CheckoutStatus.COMPLETED

    stage.provider.pay(session)
    await hear(stage, session)

    assert (await run.result()).status is CheckoutStatus.COMPLETED

    async def given_back() -> bool:
        [payment] = await stage.rows("SELECT available, refunded FROM payments WHERE captured > 83900")
        return (payment.available, payment.refunded) == (0, 83_900)

    await eventually(given_back)


async def recorded(stage: Stage, checkout_id: str, reference: str) -> Any:
    event = ProviderEvent(
        provider="stripe",
        event_id=f"evt_{secrets.token_hex(6)}",
        type="payment_intent.succeeded",
        relevant=True,
        checkout_id=checkout_id,
        session_id=None,
        payment_reference=reference,
        raw="{}",
    )
    return await stage.inbox.record("meridian", event), event


@pytest.mark.parametrize("opens_page", [False, True])
async def test_run_of_a_canceled_entry_ends_canceled_and_nobody_can_pay(stage: Stage, opens_page: bool) -> None:
    [(run, link, entry)] = await opened(stage, 1)
    if opens_page:
        await stage.press_pay(run)

    await do(stage, CancelEntry(entry_id=entry, reason="ordered twice"))

    assert (await run.result()).status is CheckoutStatus.CANCELED
    assert (await stage.see(link)).status is CheckoutStatus.CANCELED
    assert {one.status for one in stage.provider.reports.values()} <= {SessionStatus.EXPIRED}
    again = await do(stage, CancelEntry(entry_id=entry, reason="ordered twice"))
    assert not again


async def test_canceled_entry_ends_a_run_that_waits_for_a_person(stage: Stage) -> None:
    [(run, link, entry)] = await opened(stage, 1)
    session = await stage.press_pay(run)
    stage.provider.pay(session, amount=100)
    await stage.tell(run, session)
    await stage.until(link, CheckoutStatus.NEEDS_REVIEW)

    await do(stage, CancelEntry(entry_id=entry, reason="wrong", credit_balance=CreditBalance.DIRECT_REFUND))

    assert (await run.result()).status is CheckoutStatus.CANCELED
    [payment] = await stage.rows("SELECT available, refunded, captured FROM payments")
    assert (payment.available, payment.refunded, payment.captured) == (0, 100, 100)

    async def ordered() -> bool:
        return len(stage.provider.refunds) == 1

    await eventually(ordered)


async def test_reduction_makes_the_open_page_ask_for_less(stage: Stage) -> None:
    [(run, _, entry)] = await opened(stage, 1)
    before = await stage.press_pay(run)

    wanted = Reduce(key="R-1", entry_id=entry, amount="39.00", reduction=ReductionKind.CREDIT, reason="scratched")
    assert await do(stage, wanted)

    async def expired() -> bool:
        return stage.provider.reports[before].status is SessionStatus.EXPIRED

    await eventually(expired)
    after = await stage.press_pay(run)

    assert [stage.provider.orders[one].amount for one in (before, after)] == [83_900, 80_000]
    stage.provider.pay(after)
    await stage.tell(run, after)
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    kinds = await stage.rows("SELECT kind FROM invoices ORDER BY kind")
    assert [row.kind for row in kinds] == ["credit_note", "invoice"]


async def test_money_from_another_checkout_lets_a_waiting_run_go_on(stage: Stage) -> None:
    [(paid, link, entry)] = await opened(stage, 1)
    await stage.paid(paid)
    await paid.result()  # time runs until then: the other link would end
    [(waiting, _, target)] = await opened(stage, 1)
    await do(stage, CancelEntry(entry_id=entry, reason="wrong colour"))
    [payment] = (await stage.see(link)).payments
    page = await stage.press_pay(waiting)

    await do(stage, Settle(key="S-1", entries=(target,), payment_id=payment.id))

    assert (await waiting.result()).status is CheckoutStatus.COMPLETED
    assert stage.provider.reports[page].status is SessionStatus.EXPIRED


async def test_link_for_entries_that_do_not_go_together_is_refused(stage: Stage) -> None:
    [(_, _, entry)] = await opened(stage, 1)
    links = TemporalLinkRuns(stage.client, task_queue=stage.task_queue)

    with pytest.raises(InvalidInput) as refused:
        await links.open("meridian", LinkRequest(entries=(entry, "ent_nobody"), expires_in_seconds=60, key="L-1"))

    assert [one.pointer for one in refused.value.violations] == ["/expires_in_seconds", "/entries/1"]
    with pytest.raises(NotPayable):
        await links.open_payment_page("meridian", link_id("meridian", "L-1"))
