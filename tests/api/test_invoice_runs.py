"""Invoice runs over HTTP: started once a key, read as far as they are, refused with the place of what is wrong."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.openapi import INVOICE_RUN_REQUEST
from domain.invoice_runs import RunOrderStatus, RunPhase
from domain.views import RunOrderView
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, bearer


async def start(stage: Stage, *, key: str = NORD_KEY, **changes: Any) -> httpx.Response:
    """POST a run as a shop."""
    return await stage.client.post("/v1/invoice-runs", json=INVOICE_RUN_REQUEST | changes, headers=bearer(key))


async def test_run_is_started_and_can_be_read_at_its_location(stage: Stage) -> None:
    answer = await start(stage)

    assert answer.status_code == 201, answer.text
    run = answer.json()
    assert (run["mode"], run["until"], run["phase"]) == ("parent_child", "2025-11-30", "planning")
    assert run["filter"]["metadata"] == {"channel": "web"}
    assert answer.headers["location"].endswith(f"/v1/invoice-runs/{run['id']}")
    assert (await stage.get(f"/v1/invoice-runs/{run['id']}")).json() == run
    assert (await stage.get("/v1/invoice-runs")).json() == {"items": [run], "next_cursor": None}


async def test_same_key_is_the_same_run_and_another_body_a_conflict(stage: Stage) -> None:
    first = await start(stage)

    again, other = await start(stage), await start(stage, mode="single", until=None)

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert other.status_code == 409
    assert other.json()["type"] == "urn:quittance:problem:invoice-run-key-conflict"
    assert [difference["pointer"] for difference in other.json()["differences"]] == ["/mode", "/until"]


async def test_runs_without_a_key_are_runs_of_their_own(stage: Stage) -> None:
    answers = [
        await stage.client.post("/v1/invoice-runs", json={"mode": "single"}, headers=bearer(NORD_KEY)) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 2


async def test_same_key_of_two_merchants_is_two_runs_and_neither_sees_the_other(stage: Stage) -> None:
    ours, theirs = await start(stage), await start(stage, key=SUED_KEY)

    assert theirs.status_code == 201
    assert ours.json()["id"] != theirs.json()["id"]
    for path in ("", "/orders"):
        assert (await stage.get(f"/v1/invoice-runs/{ours.json()['id']}{path}", key=SUED_KEY)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"mode": "both"}, "/mode"),
        ({"until": "30.11.2025"}, "/until"),
        ({"until": "2025-02-30"}, "/until"),
        ({"until": 20251130}, "/until"),
        ({"dry_run": "yes"}, "/dry_run"),
        ({"key": "a/b"}, "/key"),
        ({"key": ""}, "/key"),
        ({"filter": {"currency": "euro"}}, "/filter/currency"),
        ({"filter": {"ordered_until": "tomorrow"}}, "/filter/ordered_until"),
        ({"filter": {"customer": ""}}, "/filter/customer"),
        ({"filter": {"customer": "a\x00b"}}, "/filter/customer"),
        ({"filter": {"assignment_key_prefix": "a/b"}}, "/filter/assignment_key_prefix"),
        ({"filter": {"metadata": {"shop": 1}}}, "/filter/metadata/shop"),
        ({"filter": {"metadata": {"shop": "a\x00"}}}, "/filter/metadata/shop"),
        ({"filter": {"colour": "blue"}}, "/filter/colour"),
        ({"filter": None}, "/filter"),
        ({"tip": "1.00"}, "/tip"),
    ],
)
async def test_what_breaks_a_rule_is_refused_at_its_place(stage: Stage, changes: dict[str, Any], pointer: str) -> None:
    body = INVOICE_RUN_REQUEST | changes
    answer = await stage.client.post("/v1/invoice-runs", json=body, headers=bearer(NORD_KEY))

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert stage.world.invoice_runs == {}


async def test_report_has_counts_amounts_numbers_and_what_became_of_each_order(stage: Stage) -> None:
    run_id = (await start(stage)).json()["id"]
    owner, view = stage.world.invoice_runs[run_id]
    stage.world.invoice_runs[run_id] = (
        owner,
        replace(
            view,
            phase=RunPhase.COMPLETED,
            orders={RunOrderStatus.SENT: 1, RunOrderStatus.FAILED: 1},
            invoices=1,
            amounts={"EUR": 83_900, "JPY": 500},
            first_number="1",
            last_number="1",
        ),
    )
    sent = RunOrderView(
        order_id="ord_1",
        number="SO-1",
        group="g",
        status=RunOrderStatus.SENT,
        amount=83_900,
        currency="EUR",
        invoice_id="inv_1",
        invoice_number="1",
        error=None,
    )
    failed = replace(
        sent,
        order_id="ord_2",
        number="SO-2",
        status=RunOrderStatus.FAILED,
        invoice_id=None,
        invoice_number=None,
        error="no entry has the assignment key SO-2; exactly one must have it",
    )
    stage.world.run_orders[run_id] = (sent, failed)

    run = (await stage.get(f"/v1/invoice-runs/{run_id}")).json()
    first = (await stage.get(f"/v1/invoice-runs/{run_id}/orders?limit=1")).json()
    second = (await stage.get(f"/v1/invoice-runs/{run_id}/orders?limit=1&cursor={first['next_cursor']}")).json()
    only = (await stage.get(f"/v1/invoice-runs/{run_id}/orders?status=failed")).json()

    assert (run["orders"]["sent"], run["orders"]["failed"], run["orders"]["planned"]) == (1, 1, 0)
    assert run["amounts"] == [{"currency": "EUR", "amount": "839.00"}, {"currency": "JPY", "amount": "500"}]
    assert (first["items"][0]["invoice_number"], first["items"][0]["amount"]) == ("1", "839.00")
    assert second["items"] == only["items"]
    assert "no entry" in second["items"][0]["error"]
    assert second["next_cursor"] is None


async def test_run_that_is_over_is_not_started_again(stage: Stage) -> None:
    run_id = (await start(stage)).json()["id"]
    owner, view = stage.world.invoice_runs[run_id]
    stage.world.invoice_runs[run_id] = (owner, replace(view, phase=RunPhase.COMPLETED))
    stage.invoice_runs.down = True

    assert (await start(stage)).status_code == 200


async def test_service_away_asks_to_come_back_and_leaves_nothing(stage: Stage) -> None:
    stage.invoice_runs.down = True
    answer = await start(stage)

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert stage.world.invoice_runs == {}


async def test_unknown_run_and_foreign_cursor_are_problems(stage: Stage) -> None:
    assert (await stage.get("/v1/invoice-runs/irn_nobody")).status_code == 404
    refused = await stage.get("/v1/invoice-runs?cursor=nonsense")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/cursor"
