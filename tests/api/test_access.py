"""Who may see what: keys, and merchants who do not exist for each other."""

import pytest

from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, a_checkout

ROUTES = [
    ("POST", "/v1/checkouts"),
    ("GET", "/v1/checkouts"),
    ("GET", "/v1/checkouts/chk_1"),
    ("POST", "/v1/checkouts/chk_1/cancel"),
    ("GET", "/v1/cases"),
    ("GET", "/v1/cases/case_1"),
    ("POST", "/v1/cases/case_1/decide"),
    ("GET", "/v1/invoices/inv_1"),
    ("GET", "/v1/invoices/inv_1/pdf"),
    ("GET", "/v1/invoices/inv_1/xml"),
]
CREDENTIALS = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer qk_test_wrong",
    f"Bearer {NORD_KEY}x",
    f"Bearer {NORD_KEY[:-1]}",
    f"Bearer {NORD_KEY} {NORD_KEY}",
    f"Basic {NORD_KEY}",
    NORD_KEY,
    "Bearer \xff\xfe",
    "Bearer " + "q" * 5000,
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("credentials", CREDENTIALS)
async def test_without_a_live_key_nothing_is_told(
    stage: Stage, method: str, path: str, credentials: str | None
) -> None:
    headers = {} if credentials is None else {b"Authorization": credentials.encode("latin-1")}
    answer = await stage.client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="quittance"')
    assert answer.headers["content-type"] == "application/problem+json"
    assert NORD_KEY not in answer.text


async def test_the_key_is_asked_for_before_the_body_is_read(stage: Stage) -> None:
    answer = await stage.client.post("/v1/checkouts", content=b"x" * 5_000_000)
    assert answer.status_code == 401


async def test_the_scheme_may_be_written_in_any_case(stage: Stage) -> None:
    answer = await stage.client.get("/v1/checkouts", headers={"Authorization": f"bearer {NORD_KEY}"})
    assert answer.status_code == 200


async def test_another_merchants_checkout_does_not_exist(stage: Stage) -> None:
    checkout = await stage.checkout()
    mine = await stage.get(f"/v1/checkouts/{checkout.id}")
    theirs = await stage.get(f"/v1/checkouts/{checkout.id}", key=SUED_KEY)
    nobodys = await stage.get("/v1/checkouts/chk_unknown", key=SUED_KEY)
    assert mine.status_code == 200
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()


async def test_lists_hold_only_the_merchants_own_checkouts(stage: Stage) -> None:
    await stage.checkout(assignment_key="N-1")
    await stage.checkout(assignment_key="S-1", key=SUED_KEY)
    answer = await stage.get("/v1/checkouts", key=SUED_KEY)
    assert [item["assignment_key"] for item in answer.json()["items"]] == ["S-1"]
    answer = await stage.get("/v1/checkouts?assignment_key=N-1", key=SUED_KEY)
    assert answer.json()["items"] == []


@pytest.mark.parametrize("suffix", ["", "/pdf", "/xml"])
async def test_another_merchants_invoice_does_not_exist(stage: Stage, suffix: str) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="N-1", pdf=b"%PDF", xml=b"<x/>")
    assert (await stage.get(f"/v1/invoices/{invoice.id}{suffix}")).status_code == 200
    assert (await stage.get(f"/v1/invoices/{invoice.id}{suffix}", key=SUED_KEY)).status_code == 404


async def test_a_key_taken_by_another_merchant_is_free_for_me(stage: Stage) -> None:
    await stage.checkout()
    answer = await stage.post(a_checkout(metadata={"other": "body"}), key=SUED_KEY)
    assert answer.status_code == 201
