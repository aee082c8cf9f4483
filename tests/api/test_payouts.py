"""GET /v1/payouts: what was transferred, and whether it agrees with the books."""

from datetime import UTC, date, datetime, timedelta

from domain.payouts import PayoutItemKind, PayoutStatus
from domain.views import PayoutItemView, PayoutView
from tests.api.conftest import SUED_KEY, Stage


def a_payout(stage: Stage, number: int = 1, *, merchant: str = "nordwerk", currency: str = "EUR") -> PayoutView:
    """A payout of one matched charge, and one item of somebody else's."""
    charge = PayoutItemView(
        reference="txn_1",
        kind=PayoutItemKind.CHARGE,
        source="pi_1",
        amount=83_900,
        fee=1_266,
        net=82_634,
        payment_id="pay_1",
        checkout_id="chk_1",
        matched=True,
    )
    dispute = PayoutItemView(
        reference="txn_2",
        kind=PayoutItemKind.DISPUTE,
        source="du_1",
        amount=-500,
        fee=0,
        net=-500,
        payment_id=None,
        checkout_id=None,
        matched=False,
    )
    view = PayoutView(
        id=f"pyo_{number:024x}",
        reference=f"po_{number}",
        status=PayoutStatus.PAID,
        amount=82_134,
        currency=currency,
        arrives_on=date(2025, 11, 28),
        matched=False,
        created_at=datetime(2025, 11, 28, 6, tzinfo=UTC) + timedelta(minutes=number),
        items=(charge, dispute),
    )
    stage.world.payouts[view.id] = (merchant, view)
    return view


async def test_payout_is_read_with_every_item(stage: Stage) -> None:
    view = a_payout(stage)

    answer = await stage.get(f"/v1/payouts/{view.id}")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["amount"], body["status"], body["arrives_on"], body["matched"]) == (
        "821.34",
        "paid",
        "2025-11-28",
        False,
    )
    assert [item["amount"] for item in body["items"]] == ["839.00", "-5.00"]
    assert body["items"][0] == {
        "reference": "txn_1",
        "kind": "charge",
        "source": "pi_1",
        "amount": "839.00",
        "fee": "12.66",
        "net": "826.34",
        "payment": "pay_1",
        "checkout": "chk_1",
        "matched": True,
    }


async def test_amounts_have_the_decimals_of_their_currency(stage: Stage) -> None:
    view = a_payout(stage, currency="JPY")
    assert (await stage.get(f"/v1/payouts/{view.id}")).json()["amount"] == "82134"


async def test_payouts_are_listed_newest_first_page_by_page_without_items(stage: Stage) -> None:
    made = [a_payout(stage, number) for number in range(1, 4)]

    first = (await stage.get("/v1/payouts?limit=2")).json()
    second = (await stage.get(f"/v1/payouts?limit=2&cursor={first['next_cursor']}")).json()

    listed = [item["id"] for item in first["items"] + second["items"]]
    assert listed == [view.id for view in reversed(made)]
    assert second["next_cursor"] is None
    assert "items" not in first["items"][0]


async def test_another_merchants_payouts_do_not_exist(stage: Stage) -> None:
    view = a_payout(stage)
    assert (await stage.get(f"/v1/payouts/{view.id}", key=SUED_KEY)).status_code == 404
    assert (await stage.get("/v1/payouts", key=SUED_KEY)).json()["items"] == []


async def test_unknown_payout_and_foreign_cursor_are_problems(stage: Stage) -> None:
    assert (await stage.get("/v1/payouts/pyo_unknown")).status_code == 404
    refused = await stage.get("/v1/payouts?cursor=nonsense")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/cursor"
