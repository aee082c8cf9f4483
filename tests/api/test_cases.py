"""Cases over HTTP: read them, list them, decide them once."""

from typing import Any

import httpx
import pytest

from domain.cases import CaseStatus
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, bearer

REFUND = {"decision": "refund", "reason": "the goods are sold out"}


async def decide(stage: Stage, case_id: str, body: Any = None, *, key: str = NORD_KEY) -> httpx.Response:
    """Decide as a shop."""
    sent = REFUND if body is None else body
    return await stage.client.post(f"/v1/cases/{case_id}/decide", json=sent, headers=bearer(key))


async def test_a_case_is_read(stage: Stage) -> None:
    case = stage.world.case("nordwerk", checkout_id="chk_1")
    answer = await stage.get(f"/v1/cases/{case.id}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": case.id,
        "kind": "late_payment",
        "status": "open",
        "checkout": "chk_1",
        "payment": case.payment_id,
        "provider_reference": case.payment_reference,
        "amount": "839.00",
        "currency": "EUR",
        "detail": None,
        "options": ["accept", "refund"],
        "opened_at": case.opened_at.isoformat().replace("+00:00", "Z"),
        "due_at": answer.json()["due_at"],
        "overdue": False,
        "decision": None,
        "reason": None,
        "decided_by": None,
        "decided_at": None,
        "settled_at": None,
    }


async def test_cases_are_listed_newest_first_by_status_and_paged(stage: Stage) -> None:
    cases = [stage.world.case("nordwerk") for _ in range(3)]
    stage.world.case("nordwerk", status=CaseStatus.SETTLED)
    seen: list[str] = []
    path = "/v1/cases?status=open&limit=2"
    while path:
        page = (await stage.get(path)).json()
        seen += [item["id"] for item in page["items"]]
        path = f"/v1/cases?status=open&limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == [case.id for case in reversed(cases)]
    assert len((await stage.get("/v1/cases")).json()["items"]) == 4


@pytest.mark.parametrize(
    ("query", "pointer"), [("status=unsure", "/status"), ("cursor=x", "/cursor"), ("kind=x", "/kind")]
)
async def test_a_list_that_is_asked_for_in_a_wrong_way_is_refused(stage: Stage, query: str, pointer: str) -> None:
    answer = await stage.get(f"/v1/cases?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_decision_is_told_to_the_run_that_waits_with_who_and_why(stage: Stage) -> None:
    case = stage.world.case("nordwerk")
    answer = await decide(stage, case.id)
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["decision"]) == ("decided", "refund")
    [(workflow, step)] = stage.runs.decided
    assert workflow == case.workflow_id
    assert (step.reason, step.by) == (REFUND["reason"], f"api key ...{NORD_KEY[-4:]}")


async def test_a_case_nobody_waits_for_is_settled_by_the_decision(stage: Stage) -> None:
    case = stage.world.case("nordwerk", workflow_id=None)
    answer = await decide(stage, case.id)
    assert (answer.status_code, answer.json()["status"]) == (200, "settled")
    assert not stage.runs.decided


async def test_repeating_a_decision_answers_the_same_and_another_is_a_conflict(stage: Stage) -> None:
    case = stage.world.case("nordwerk")
    first = await decide(stage, case.id)
    again = await decide(stage, case.id, REFUND | {"reason": "once more"})
    other = await decide(stage, case.id, {"decision": "accept", "reason": "changed my mind"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert other.status_code == 409
    assert other.json()["type"] == "urn:quittance:problem:case-decided"
    assert "refund" in other.json()["detail"]
    assert len(stage.runs.decided) == 1


@pytest.mark.parametrize(("quicker", "expected"), [("refund", 200), ("accept", 409)])
async def test_somebody_else_may_be_quicker(stage: Stage, quicker: str, expected: int) -> None:
    case = stage.world.case("nordwerk")
    stage.runs.cases.overtaken_by = quicker
    answer = await decide(stage, case.id)
    assert answer.status_code == expected
    if expected == 409:
        assert "accept" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "x"}, "/decision"),
        ({"decision": "refund"}, "/reason"),
        ({"decision": "shrug", "reason": "x"}, "/decision"),
        ({"decision": "resolved", "reason": "x"}, "/decision"),
        ({"decision": "refund", "reason": " "}, "/reason"),
        ({"decision": "refund", "reason": "x" * 201}, "/reason"),
        ({"decision": "refund", "reason": "x", "by": "me"}, "/by"),
    ],
)
async def test_a_decision_that_is_none_is_refused(stage: Stage, body: Any, pointer: str) -> None:
    case = stage.world.case("nordwerk")
    answer = await decide(stage, case.id, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not stage.runs.decided


async def test_another_merchants_cases_do_not_exist(stage: Stage) -> None:
    case = stage.world.case("nordwerk")
    assert (await stage.get(f"/v1/cases/{case.id}", key=SUED_KEY)).status_code == 404
    assert (await stage.get("/v1/cases", key=SUED_KEY)).json()["items"] == []
    assert (await decide(stage, case.id, key=SUED_KEY)).status_code == 404
    assert (await decide(stage, "case_unknown")).status_code == 404
    assert not stage.runs.decided


async def test_without_the_workflow_service_the_shop_is_asked_to_come_again(stage: Stage) -> None:
    case = stage.world.case("nordwerk")
    stage.runs.down = True
    assert (await decide(stage, case.id)).status_code == 503
    assert (await stage.get(f"/v1/cases/{case.id}")).json()["status"] == "open"
