"""Refunds over HTTP: asked for once a key, never more than is left, decided by somebody who is named."""

from typing import Any

import httpx
import pytest

from domain.refunds import RefundStatus
from domain.views import CheckoutView
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, bearer

WANTED = {"amount": "39.00", "reason": "sent back", "key": "RMA-1"}


async def paid(stage: Stage, **changes: Any) -> CheckoutView:
    """A checkout with captured money."""
    return stage.world.capture((await stage.checkout(**changes)).id)


async def ask(stage: Stage, checkout: CheckoutView, without: str | None = None, **changes: Any) -> httpx.Response:
    """POST a refund as a shop."""
    body = {name: value for name, value in {**WANTED, **changes}.items() if name != without}
    return await stage.client.post(f"/v1/checkouts/{checkout.id}/refunds", json=body, headers=bearer(NORD_KEY))


async def decide(stage: Stage, refund_id: str, word: str, *, key: str = NORD_KEY, **body: Any) -> httpx.Response:
    """Approve or reject as a shop."""
    given = {"reason": "agreed", **body}
    return await stage.client.post(f"/v1/refunds/{refund_id}/{word}", json=given, headers=bearer(key))


async def test_refund_is_started_and_can_be_read_at_its_location(stage: Stage) -> None:
    checkout = await paid(stage)

    answer = await ask(stage, checkout)

    assert answer.status_code == 201
    refund = answer.json()
    assert (refund["amount"], refund["reason"], refund["origin"]) == ("39.00", "sent back", "shop")
    assert answer.headers["location"].endswith(f"/v1/refunds/{refund['id']}")
    assert (await stage.get(f"/v1/refunds/{refund['id']}")).json() == refund
    assert (await stage.get(f"/v1/checkouts/{checkout.id}")).json()["refunds"] == [refund]


async def test_amount_left_out_is_all_that_is_left(stage: Stage) -> None:
    checkout = await paid(stage)
    await ask(stage, checkout)

    answer = await ask(stage, checkout, key="RMA-2", without="amount")

    assert answer.status_code == 201, answer.text
    assert answer.json()["amount"] == "800.00"


@pytest.mark.parametrize("amount", ["39", "39.0", "39.00"])
async def test_same_key_with_the_same_meaning_is_the_same_refund(stage: Stage, amount: str) -> None:
    checkout = await paid(stage)
    first = await ask(stage, checkout)

    again = await ask(stage, checkout, amount=amount)

    assert again.status_code == 200
    assert again.json() == first.json()
    assert "location" not in again.headers


async def test_same_key_with_another_body_is_refused_with_the_differences(stage: Stage) -> None:
    checkout = await paid(stage)
    await ask(stage, checkout)

    answer = await ask(stage, checkout, amount="40.00", reason="broken")

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:refund-key-conflict"
    assert answer.json()["differences"] == [
        {"pointer": "/amount", "accepted": "39.00", "received": "40.00"},
        {"pointer": "/reason", "accepted": "sent back", "received": "broken"},
    ]


async def test_same_key_for_another_checkout_is_refused(stage: Stage) -> None:
    await ask(stage, await paid(stage))
    other = await paid(stage, assignment_key="SO-2")

    answer = await ask(stage, other)

    assert answer.status_code == 409
    assert [difference["pointer"] for difference in answer.json()["differences"]] == ["/checkout_id"]


async def test_more_than_is_left_is_refused_with_what_is_left(stage: Stage) -> None:
    checkout = await paid(stage)
    await ask(stage, checkout)

    answer = await ask(stage, checkout, key="RMA-2", amount="800.01")

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/amount", "message": "must be more than zero and at most what is left: 800.00 EUR"}
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": "0.00"}, "/amount"),
        ({"amount": "-1.00"}, "/amount"),
        ({"amount": "39.001"}, "/amount"),
        ({"amount": "39,00"}, "/amount"),
        ({"amount": 39}, "/amount"),
        ({"reason": ""}, "/reason"),
        ({"reason": "card 4242 4242 4242 4242"}, "/reason"),
        ({"without": "reason"}, "/reason"),
        ({"key": "a/b"}, "/key"),
        ({"key": ""}, "/key"),
        ({"without": "key"}, "/key"),
        ({"tip": "1.00"}, "/tip"),
    ],
)
async def test_what_breaks_a_rule_is_refused_at_its_place(stage: Stage, changes: dict[str, Any], pointer: str) -> None:
    answer = await ask(stage, await paid(stage), **changes)

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_nothing_captured_is_a_conflict(stage: Stage) -> None:
    answer = await ask(stage, await stage.checkout())

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:nothing-to-refund"


async def test_other_merchants_checkouts_and_refunds_do_not_exist(stage: Stage) -> None:
    checkout = await paid(stage)
    refund = (await ask(stage, checkout)).json()

    stranger = bearer(SUED_KEY)
    asked = await stage.client.post(f"/v1/checkouts/{checkout.id}/refunds", json=WANTED, headers=stranger)
    read = await stage.get(f"/v1/refunds/{refund['id']}", key=SUED_KEY)
    approved = await decide(stage, refund["id"], "approve", key=SUED_KEY)

    assert [asked.status_code, read.status_code, approved.status_code] == [404, 404, 404]
    assert stage.world.refunds[refund["id"]][1].status is RefundStatus.PREPARED


async def test_same_key_of_two_merchants_is_two_refunds(stage: Stage) -> None:
    ours = await ask(stage, await paid(stage))
    theirs_checkout = stage.world.capture((await stage.checkout(key=SUED_KEY)).id)
    theirs = await stage.client.post(
        f"/v1/checkouts/{theirs_checkout.id}/refunds", json=WANTED, headers=bearer(SUED_KEY)
    )

    assert theirs.status_code == 201
    assert theirs.json()["id"] != ours.json()["id"]


async def test_approval_names_who_gave_it_and_can_be_repeated(stage: Stage) -> None:
    refund = (await ask(stage, await paid(stage))).json()

    answers = [await decide(stage, refund["id"], "approve", by="anna") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [(answer.json()["status"], answer.json()["approved_by"]) for answer in answers] == [("approved", "anna")] * 2


async def test_rejected_refund_cannot_be_approved(stage: Stage) -> None:
    refund = (await ask(stage, await paid(stage))).json()

    rejected = await decide(stage, refund["id"], "reject", reason="not agreed")
    late = await decide(stage, refund["id"], "approve")

    assert (rejected.json()["status"], rejected.json()["failure"]) == ("canceled", "not agreed")
    assert late.status_code == 409
    assert late.json()["type"] == "urn:quittance:problem:refund-decided"


async def test_unknown_refund_is_not_found(stage: Stage) -> None:
    for answer in (await stage.get("/v1/refunds/ref_nobody"), await decide(stage, "ref_nobody", "approve")):
        assert answer.status_code == 404


async def test_service_away_asks_to_come_back_and_leaves_nothing(stage: Stage) -> None:
    checkout = await paid(stage)
    stage.refunds.down = True

    answer = await ask(stage, checkout)

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    stage.refunds.down = False
    assert (await ask(stage, checkout)).status_code == 201
