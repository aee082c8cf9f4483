"""Liveness asks nobody; readiness says which part does not answer."""

import pytest

from tests.api.conftest import DatabaseAway, Stage


async def test_the_process_lives_even_if_everything_behind_it_is_away(stage: Stage) -> None:
    stage.reader.fault = DatabaseAway()
    stage.runs.down = True
    answer = await stage.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_when_every_part_answers(stage: Stage) -> None:
    answer = await stage.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "parts": {"database": True, "workflows": True}},
    )


@pytest.mark.parametrize("part", ["database", "workflows"])
async def test_not_ready_names_the_part_that_is_away(stage: Stage, part: str) -> None:
    if part == "database":
        stage.reader.fault = DatabaseAway()
    else:
        stage.runs.down = True
    answer = await stage.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"] == {"database": True, "workflows": True} | {part: False}
