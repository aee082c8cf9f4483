"""Every error is a problem document, carries a request id, and tells nothing it should not."""

import logging

import pytest

from tests.api.conftest import DatabaseAway, Stage


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/checkouts", 404),
        ("DELETE", "/v1/checkouts", 405),
        ("PUT", "/v1/checkouts/chk_1", 405),
        ("GET", "/webhooks/stripe/nordwerk", 405),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/nothing.css", 404),
    ],
)
async def test_what_does_not_exist_is_a_problem_document(stage: Stage, method: str, path: str, status: int) -> None:
    answer = await stage.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:quittance:problem:")
    assert problem["title"]
    assert problem["detail"]
    if status == 405:
        assert answer.headers["allow"]


async def test_a_fault_of_ours_is_logged_under_the_request_id_and_tells_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.reader.fault = RuntimeError("secret inside")
    with caplog.at_level(logging.ERROR):
        answer = await stage.get("/v1/checkouts/chk_1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    request_id = answer.headers["request-id"]
    assert answer.json()["request_id"] == request_id
    records = [record for record in caplog.records if request_id in record.getMessage()]
    assert len(records) == 1
    assert records[0].exc_info is not None


async def test_a_payment_links_token_is_not_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.reader.fault = RuntimeError("fault")
    with caplog.at_level(logging.ERROR):
        await stage.client.get("/pay/token-that-opens-the-page")
    assert "/pay/{token}" in caplog.text
    assert "token-that-opens-the-page" not in caplog.text


async def test_a_part_that_is_away_is_a_503_for_every_route(stage: Stage) -> None:
    stage.reader.fault = DatabaseAway()
    for path in ("/v1/checkouts", "/v1/checkouts/chk_1", "/v1/invoices/inv_1", "/v1/invoices/inv_1/pdf"):
        answer = await stage.get(path)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers


async def test_every_answer_has_its_own_request_id(stage: Stage) -> None:
    answers = [await stage.client.get(path) for path in ("/healthz", "/healthz", "/nothing", "/pay/x", "/docs")]
    ids = [answer.headers["request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
