"""Payouts: compared with the books item by item; what was paid out is final."""

from dataclasses import replace
from datetime import date, timedelta

from domain.disputes import DisputeStatus
from domain.payments import EventSubject, PaymentStatus
from domain.payouts import PayoutItem, PayoutItemKind, PayoutReport, PayoutStatus
from domain.views import PayoutView
from tests.house import eventually
from tests.workflows.conftest import Stage
from workflows.messages import OpenedLink

FEE = 150


def of_charge(reference: str, amount: int, *, entry: str = "txn_1") -> PayoutItem:
    """The movement that a payment was."""
    return PayoutItem(
        reference=entry, kind=PayoutItemKind.CHARGE, source=reference, amount=amount, fee=FEE, net=amount - FEE
    )


def a_payout(*items: PayoutItem, reference: str = "po_1") -> PayoutReport:
    """A payout that arrived."""
    return PayoutReport(
        reference=reference,
        status=PayoutStatus.PAID,
        amount=sum(item.net for item in items),
        currency="EUR",
        arrives_on=date(2026, 11, 30),
        manual=False,
        itemized=True,
        items=items,
    )


async def sold(stage: Stage) -> tuple[OpenedLink, str, PayoutItem]:
    """A checkout that was paid; answers its link, the provider's session and the payment's movement there."""
    run, link = await stage.open()
    session = await stage.press_pay(run)
    reference = stage.provider.pay(session)
    await stage.tell(run, session)
    await run.result()
    return link, session, of_charge(reference, (await stage.see(link)).total)


async def paid_out(stage: Stage, report: PayoutReport) -> PayoutView:
    """What the books say of the payout, once its run has compared them."""
    stage.provider.payouts["meridian", report.reference] = report
    await stage.hear(EventSubject.PAYOUT, report.reference)

    async def compared() -> PayoutView | None:
        if await stage.rows("SELECT 1 FROM provider_events WHERE relevant AND applied_at IS NULL"):
            return None
        page = await stage.reader.payouts("meridian", cursor=None, limit=10)
        [payout] = [view for view in page.items if view.reference == report.reference]
        return await stage.reader.payout("meridian", payout.id)

    return await eventually(compared)


async def test_payment_is_final_once_its_payout_arrived(stage: Stage) -> None:
    link, _, item = await sold(stage)

    payout = await paid_out(stage, a_payout(item))

    assert payout.matched
    assert payout.items is not None
    assert [(one.checkout_id, one.matched) for one in payout.items] == [(link.checkout_id, True)]
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FINAL]
    assert await stage.rows("SELECT kind FROM cases") == []


async def test_payout_on_its_way_makes_nothing_final(stage: Stage) -> None:
    link, _, item = await sold(stage)

    payout = await paid_out(stage, replace(a_payout(item), status=PayoutStatus.IN_TRANSIT))

    assert payout.matched
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.COLLECTED]


async def test_item_that_we_never_heard_of_is_a_case_that_names_it(stage: Stage) -> None:
    link, _, item = await sold(stage)
    stranger = of_charge("pi_somebody_elses", 5000, entry="txn_stranger")

    payout = await paid_out(stage, a_payout(item, stranger))

    assert not payout.matched
    assert payout.items is not None
    assert {one.reference: one.matched for one in payout.items} == {"txn_1": True, "txn_stranger": False}
    [case] = await stage.rows("SELECT kind, data FROM cases")
    assert case.kind == "payout_mismatch"
    assert (case.data["item"], case.data["mismatch"]) == ("txn_stranger", "unknown")
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FINAL]


async def test_item_with_another_amount_is_a_case_and_its_payment_not_final(stage: Stage) -> None:
    link, _, item = await sold(stage)

    payout = await paid_out(stage, a_payout(replace(item, amount=item.amount - 1, net=item.net - 1)))

    assert not payout.matched
    [case] = await stage.rows("SELECT data FROM cases")
    assert (case.data["mismatch"], case.data["expected"]) == ("amount", item.amount)
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.COLLECTED]


async def test_items_that_do_not_add_up_to_the_payout_are_a_case(stage: Stage) -> None:
    _, _, item = await sold(stage)

    payout = await paid_out(stage, replace(a_payout(item), amount=item.net + 1))

    assert not payout.matched
    [case] = await stage.rows("SELECT data FROM cases")
    assert (case.data["mismatch"], case.data["items_total"]) == ("total", item.net)


async def test_same_payout_told_again_changes_nothing(stage: Stage) -> None:
    _, _, item = await sold(stage)
    stranger = of_charge("pi_somebody_elses", 5000, entry="txn_stranger")
    first = await paid_out(stage, a_payout(item, stranger))

    again = await paid_out(stage, a_payout(item, stranger))

    assert again == first
    assert len(await stage.rows("SELECT id FROM cases")) == 1


async def test_provider_is_asked_again_until_its_items_are_complete(stage: Stage) -> None:
    link, _, item = await sold(stage)
    whole = a_payout(item)
    early = await paid_out(stage, replace(whole, itemized=False, items=()))
    assert early.items == ()
    stage.provider.payouts["meridian", "po_1"] = whole

    await stage.environment.sleep(timedelta(hours=1, minutes=1))

    async def final() -> bool:
        return [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FINAL]

    await eventually(final)


async def test_payout_that_the_bank_sends_back_is_a_case(stage: Stage) -> None:
    _, _, item = await sold(stage)
    await paid_out(stage, a_payout(item))

    payout = await paid_out(stage, replace(a_payout(item), status=PayoutStatus.FAILED))

    assert payout.status is PayoutStatus.FAILED
    assert [row.kind for row in await stage.rows("SELECT kind FROM cases")] == ["payout_failed"]


async def test_payout_ordered_by_hand_is_a_case_because_nobody_can_say_what_it_holds(stage: Stage) -> None:
    payout = await paid_out(stage, replace(a_payout(), amount=4200, manual=True, itemized=False))

    assert not payout.matched
    [case] = await stage.rows("SELECT data FROM cases")
    assert case.data["mismatch"] == "not_itemized"


async def test_dispute_in_a_payout_is_matched_and_a_won_payment_that_was_paid_out_is_final_again(stage: Stage) -> None:
    link, session, item = await sold(stage)
    await paid_out(stage, a_payout(item))
    reference = stage.provider.dispute(session)

    async def stands(status: DisputeStatus) -> None:
        await stage.hear(EventSubject.DISPUTE, reference)
        await eventually(lambda: _stands(stage, link, status))

    await stands(DisputeStatus.OPENED)
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.REVERSED]
    stage.provider.close_dispute(reference, DisputeStatus.WON)
    await stands(DisputeStatus.WON)
    assert [payment.status for payment in (await stage.see(link)).payments] == [PaymentStatus.FINAL]

    taken = PayoutItem(
        reference="txn_2",
        kind=PayoutItemKind.DISPUTE,
        source=reference,
        amount=-item.amount,
        fee=2000,
        net=-item.amount - 2000,
    )
    returned = replace(taken, reference="txn_3", amount=item.amount, fee=0, net=item.amount)
    own = PayoutItem(reference="txn_4", kind=PayoutItemKind.FEE, source=None, amount=0, fee=25, net=-25)
    payout = await paid_out(stage, a_payout(taken, returned, own, reference="po_2"))

    assert payout.matched


async def _stands(stage: Stage, link: OpenedLink, status: DisputeStatus) -> bool:
    return [dispute.status for dispute in (await stage.see(link)).disputes] == [status]
