"""Money at the stand-in: captures, delayed methods, refunds, disputes, payouts, and money other than agreed."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_box import Box

CARD = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def _charge(intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


async def _refused(call: Any, code: str | None) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await call
    assert refusal.value.code == code
    return refusal.value


async def test_a_card_payment_completes_the_session_and_tells_of_it(stripe_box: Box) -> None:
    session = await stripe_box.session(payment_intent_data={"metadata": {"entry": "ent_1"}}, metadata={"a": "b"})
    await stripe_box.act(session, "succeed")
    assert await stripe_box.types() == CARD
    paid = await stripe_box.read(session)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent = await stripe_box.payment_of(session)
    assert intent.metadata.to_dict() == {"entry": "ent_1"}
    assert paid.to_dict()["metadata"] == {"a": "b"}
    assert paid.customer_details is not None
    await stripe_box.move_clock(1)
    assert await stripe_box.types() == [*CARD, "charge.updated"]


async def test_a_declined_card_leaves_the_session_open_for_another_try_on_the_same_payment(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "decline")
    failed = await stripe_box.payment_of(session)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.code == "card_declined"
    assert (await stripe_box.read(session)).status == "open"
    await stripe_box.act(session, "succeed")
    paid = await stripe_box.payment_of(session)
    assert (paid.id, paid.status, paid.last_payment_error) == (failed.id, "succeeded", None)
    charges = (await stripe_box.sdk.v1.charges.list_async({"payment_intent": paid.id})).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert "payment_intent.payment_failed" in await stripe_box.types()


async def test_a_failed_authentication_makes_no_charge(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "sca_fail")
    assert await stripe_box.types() == [
        "payment_intent.created", "payment_intent.requires_action", "payment_intent.payment_failed",
    ]  # fmt: skip
    assert (await stripe_box.sdk.v1.charges.list_async()).data == []


async def test_an_authentication_that_is_left_waits_for_the_customer_until_the_session_ends(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "sca_abandon")
    left = await stripe_box.payment_of(session)
    assert (left.status, left.last_payment_error) == ("requires_action", None)
    assert left.next_action is not None
    assert (await stripe_box.read(session)).status == "open"
    cancel = stripe_box.sdk.v1.payment_intents.cancel_async(left.id)
    assert "Expire the Checkout Session" in str(await _refused(cancel, "payment_intent_unexpected_state"))
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (await stripe_box.payment_of(session)).status == "canceled"


async def test_an_authentication_that_succeeds_pays(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "sca_abandon")
    await stripe_box.act(session, "sca_succeed")
    paid = await stripe_box.payment_of(session)
    assert (paid.status, paid.next_action) == ("succeeded", None)
    assert (await stripe_box.types()).count("payment_intent.requires_action") == 2


@pytest.mark.parametrize(
    ("methods", "currency", "more", "accepted"),
    [
        (["card", "sepa_debit"], "eur", {}, True), (["card", "sepa_debit"], "usd", {}, False),
        (["card", "konbini"], "jpy", {}, True), (["oxxo"], "eur", {}, False),
        (["card", "sepa_debit"], "eur", {"payment_intent_data": {"capture_method": "manual"}}, False),
        (["card"], "eur", {"payment_intent_data": {"capture_method": "manual"}}, True),
    ],
)  # fmt: skip
async def test_a_method_must_go_with_currency_and_capture(
    stripe_box: Box, methods: list[str], currency: str, more: dict[str, Any], accepted: bool
) -> None:
    opening = stripe_box.session(5000, currency, payment_method_types=methods, **more)
    if accepted:
        assert (await opening).payment_method_types == methods
    else:
        await _refused(opening, None)


async def test_an_authorizing_session_takes_no_delayed_method(stripe_box: Box) -> None:
    session = await stripe_box.session(payment_intent_data={"capture_method": "manual"})
    assert session.payment_method_types == ["card"]
    await stripe_box.act(session, "delayed_succeed")
    assert (await stripe_box.read(session)).status == "open"


@pytest.mark.parametrize(
    ("amount", "part", "currency"), [(50_000, 12_345, "isk"), (50_000, 50, "ugx"), (9000, 4501, "kwd")]
)
async def test_a_part_that_is_finer_than_can_be_charged_is_not_captured(
    stripe_box: Box, amount: int, part: int, currency: str
) -> None:
    session = await stripe_box.session(amount, currency, payment_intent_data={"capture_method": "manual"})
    await stripe_box.act(session, "succeed")
    held = await stripe_box.payment_of(session)
    await _refused(stripe_box.sdk.v1.payment_intents.capture_async(held.id, {"amount_to_capture": part}), None)
    assert (await stripe_box.payment_of(session)).status == "requires_capture"


async def test_expiring_a_session_cancels_its_failed_payment(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.act(session, "decline")
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (await stripe_box.payment_of(session)).status == "canceled"
    assert (await stripe_box.types())[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


@pytest.mark.parametrize("paid", [True, False])
async def test_a_delayed_payment_is_decided_later(stripe_box: Box, paid: bool) -> None:
    await stripe_box.fault(timing={"delayed_method_seconds": 86400, "balance_seconds": 0})
    session = await stripe_box.session()
    await stripe_box.act(session, "delayed_succeed" if paid else "delayed_fail")
    waiting = await stripe_box.read(session)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert (await stripe_box.payment_of(session)).status == "processing"
    await stripe_box.move_clock(86401)
    decided, types = await stripe_box.read(session), await stripe_box.types()
    assert (decided.status, decided.payment_status) == ("complete", "paid" if paid else "unpaid")
    result = "succeeded" if paid else "failed"
    assert f"checkout.session.async_payment_{result}" in types
    assert (await stripe_box.payment_of(session)).status == ("succeeded" if paid else "requires_payment_method")
    assert ("charge.succeeded" in types) == paid
    assert ("charge.updated" in types) == paid


async def test_an_authorized_payment_is_captured_in_full_or_in_part(stripe_box: Box) -> None:
    manual = {"capture_method": "manual"}
    session = await stripe_box.session(2000, payment_intent_data=manual)
    await stripe_box.act(session, "succeed")
    held = await stripe_box.payment_of(session)
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2000, 0)
    assert not _charge(held).captured
    assert (await stripe_box.read(session)).payment_status == "unpaid"
    intents = stripe_box.sdk.v1.payment_intents
    await _refused(intents.capture_async(held.id, {"amount_to_capture": 2001}), "amount_too_large")
    captured = await intents.capture_async(held.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 1500, 0)
    await _refused(intents.capture_async(held.id), "payment_intent_unexpected_state")
    await stripe_box.move_clock(1)
    entry = _charge(await stripe_box.payment_of(session)).balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert entry.amount == 1500
    assert (await stripe_box.read(session)).payment_status == "paid"


async def test_an_authorization_is_released_by_cancelling_or_after_seven_days(stripe_box: Box) -> None:
    sessions = [await stripe_box.session(payment_intent_data={"capture_method": "manual"}) for _ in range(2)]
    for session in sessions:
        await stripe_box.act(session, "succeed")
    first, second = [await stripe_box.payment_of(session) for session in sessions]
    canceled = await stripe_box.sdk.v1.payment_intents.cancel_async(first.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    await stripe_box.move_clock(7 * 24 * 3600 + 1)
    lapsed = await stripe_box.payment_of(sessions[1])
    assert (lapsed.id, lapsed.status, lapsed.cancellation_reason) == (second.id, "canceled", "expired")
    await _refused(stripe_box.sdk.v1.payment_intents.capture_async(second.id), "payment_intent_unexpected_state")
    assert (await stripe_box.types()).count("payment_intent.canceled") == 2


async def test_a_captured_payment_cannot_be_cancelled(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    await _refused(stripe_box.sdk.v1.payment_intents.cancel_async(intent.id), "payment_intent_unexpected_state")


async def test_refunds_never_exceed_what_was_captured(stripe_box: Box) -> None:
    intent, refunds = await stripe_box.paid(2500), stripe_box.sdk.v1.refunds
    first = await refunds.create_async({"payment_intent": intent.id, "amount": 500, "metadata": {"refund": "r1"}})
    assert (first.status, first.amount) == ("succeeded", 500)
    assert first.to_dict()["metadata"] == {"refund": "r1"}
    too_much = await _refused(refunds.create_async({"payment_intent": intent.id, "amount": 2001}), None)
    assert "Refund amount (€20.01) is greater than unrefunded amount on charge (€20.00)" in str(too_much)
    rest = await refunds.create_async({"charge": _charge(intent).id})
    assert rest.amount == 2000
    await _refused(refunds.create_async({"payment_intent": intent.id}), "charge_already_refunded")
    charge = await stripe_box.sdk.v1.charges.retrieve_async(_charge(intent).id, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2500, True)
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [rest.id, first.id]
    listed = await refunds.list_async({"payment_intent": intent.id})
    assert [refund.id for refund in listed.data] == [rest.id, first.id]
    types = await stripe_box.types()
    assert types[-4:] == ["refund.created", "charge.refunded"] * 2


async def test_a_refund_takes_money_from_the_balance_and_the_fee_stays(stripe_box: Box) -> None:
    intent = await stripe_box.paid(2500)
    refund = await stripe_box.sdk.v1.refunds.create_async(
        {"payment_intent": intent.id, "expand": ["balance_transaction"]}
    )
    entry = refund.balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert (entry.amount, entry.fee, entry.net, entry.type) == (-2500, 0, -2500, "refund")


async def test_a_refund_can_stay_pending_and_can_fail_later(stripe_box: Box) -> None:
    slow, failing = await stripe_box.paid(), await stripe_box.paid()
    await stripe_box.fault(only=slow.id, refunds={"pending_seconds": 60})
    await stripe_box.fault(only=failing.id, refunds={"fail_after_seconds": 60, "failure_reason": "declined"})
    refunds = stripe_box.sdk.v1.refunds
    pending = await refunds.create_async({"payment_intent": slow.id})
    doomed = await refunds.create_async({"payment_intent": failing.id})
    assert (pending.status, doomed.status) == ("pending", "succeeded")
    await stripe_box.move_clock(61)
    assert (await refunds.retrieve_async(pending.id)).status == "succeeded"
    failed = await refunds.retrieve_async(doomed.id)
    assert (failed.status, failed.failure_reason) == ("failed", "declined")
    charge = await stripe_box.sdk.v1.charges.retrieve_async(str(failed.charge))
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert (await stripe_box.types()).count("refund.failed") == 1
    entry = await stripe_box.sdk.v1.balance_transactions.retrieve_async(str(failed.failure_balance_transaction))
    assert entry.amount == failed.amount


async def test_a_refund_fails_on_demand_only_once(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    refund = await stripe_box.sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await stripe_box.order(f"refunds/{refund.id}/fail"))["status"] == "failed"
    again = await stripe_box.browser.post(f"/_sandbox/refunds/{refund.id}/fail", json={})
    assert again.status_code == 400


@pytest.mark.parametrize(("outcome", "left"), [("won", -2000), ("lost", -2000 - 2500)])
async def test_a_dispute_takes_the_money_with_a_fee_and_a_won_one_returns_it(
    stripe_box: Box, outcome: str, left: int
) -> None:
    intent = await stripe_box.paid(2500)
    dispute = await stripe_box.order("disputes", payment=intent.id)
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 2500)
    await _refused(stripe_box.sdk.v1.refunds.create_async({"payment_intent": intent.id}), "charge_disputed")
    closed = await stripe_box.order(f"disputes/{dispute['id']}/close", outcome=outcome)
    assert closed["status"] == outcome
    moved = await stripe_box.sdk.v1.balance_transactions.list_async({"source": dispute["id"]})
    assert sum(entry.net for entry in moved.data) == left
    seen = (await stripe_box.sdk.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert [one.status for one in seen] == [outcome]
    told = [name for name in await stripe_box.types() if name.startswith("charge.dispute")]
    reinstated = ["charge.dispute.funds_reinstated"] if outcome == "won" else []
    assert told == ["charge.dispute.created", "charge.dispute.funds_withdrawn", *reinstated, "charge.dispute.closed"]


async def test_a_payout_lists_exactly_what_it_paid(stripe_box: Box) -> None:
    first, second = await stripe_box.paid(2500), await stripe_box.paid(4000)
    await stripe_box.sdk.v1.refunds.create_async({"payment_intent": first.id, "amount": 300})
    payout = await stripe_box.order("payouts", currency="eur")
    listed = await stripe_box.sdk.v1.balance_transactions.list_async({"payout": payout["id"]})
    own = [entry for entry in listed.data if entry.type == "payout"]
    others = [entry for entry in listed.data if entry.type != "payout"]
    assert sum(entry.net for entry in others) == payout["amount"] == -own[0].amount
    assert {entry.source for entry in others} >= {_charge(first).id, _charge(second).id}
    assert (await stripe_box.sdk.v1.payouts.retrieve_async(payout["id"])).status == "paid"
    assert (await stripe_box.browser.post("/_sandbox/payouts", json={"currency": "eur"})).status_code == 400
    assert "payout.paid" in await stripe_box.types()


@pytest.mark.parametrize(
    ("money", "amount", "currency"),
    [
        ({"capture_difference": -100}, 2400, "eur"), ({"capture_difference": 7}, 2507, "eur"),
        ({"capture_currency": "usd"}, 2500, "usd"),
    ],
)  # fmt: skip
async def test_money_can_differ_from_what_was_agreed(
    stripe_box: Box, money: dict[str, Any], amount: int, currency: str
) -> None:
    session, sound = await stripe_box.session(2500), await stripe_box.session(2500)
    await stripe_box.fault(only=session.id, money=money)
    for one in (session, sound):
        await stripe_box.act(one, "succeed")
    wrong, right = await stripe_box.payment_of(session), await stripe_box.payment_of(sound)
    assert (wrong.amount_received, wrong.currency) == (amount, currency)
    assert (right.amount_received, right.currency) == (2500, "eur")
    assert (await stripe_box.read(session)).amount_total == 2500


async def test_money_can_come_after_expiry(stripe_box: Box) -> None:
    session = await stripe_box.session(client_reference_id="SO-1")
    await stripe_box.fault(only="SO-1", money={"capture_after_expiry": True})
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    await stripe_box.act(session, "succeed")
    late = await stripe_box.read(session)
    assert (late.status, late.payment_status) == ("expired", "paid")
    assert (await stripe_box.payment_of(session)).status == "succeeded"
    assert "checkout.session.completed" not in await stripe_box.types()
    await stripe_box.act(session, "succeed")
    assert (await stripe_box.types()).count("payment_intent.succeeded") == 1


async def test_a_customer_can_pay_twice(stripe_box: Box) -> None:
    session = await stripe_box.session(payment_intent_data={"metadata": {"entry": "ent_1"}})
    await stripe_box.fault(only=session.id, money={"second_capture": True})
    await stripe_box.act(session, "succeed")
    second, first = (await stripe_box.sdk.v1.payment_intents.list_async()).data
    assert first.id == (await stripe_box.read(session)).payment_intent
    assert first.metadata.to_dict() == second.metadata.to_dict() == {"entry": "ent_1"}
    assert [intent.status for intent in (first, second)] == ["succeeded", "succeeded"]
