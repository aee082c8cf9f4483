"""The books over HTTP and by command, on real bookings."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from adapters.vat_ids import is_vat_id
from api.app import Services, create_app
from cli import cli
from tests.books import reading
from tests.books.scenes import FIRST_DAY, LAST_DAY, SKR03, Office, a_busy_year
from tests.books.test_exports import CHART
from tests.books.test_periods import last_month
from tests.fakes.corrections import FakeCorrectionRuns
from tests.fakes.deliveries import FakeDeliveries, FakeExporter, FakeResendRuns, read_reports
from tests.fakes.documents import FakeDocuments
from tests.fakes.inbox import FakeInbox, FakeWebhooks
from tests.fakes.invoice_runs import FakeInvoiceRuns
from tests.fakes.ledger import EmptyLedger, RunsAway
from tests.fakes.merchants import NORDWERK
from tests.fakes.refund_runs import FakeRefundRuns
from tests.fakes.runs import FakeRuns
from tests.fakes.series import FakeSeriesAudit
from tests.fakes.vat_register import FakeVatRegister
from tests.fakes.world import World

KEY = "qk_test_books"
YEAR = {"from": str(FIRST_DAY), "to": str(LAST_DAY)}


@dataclass(frozen=True, kw_only=True)
class Counter:
    """The API before the office's books."""

    client: httpx.AsyncClient

    async def get(self, path: str, **query: str) -> httpx.Response:
        """GET as Nordwerk."""
        return await self.client.get(path, params=query)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """POST as Nordwerk."""
        return await self.client.post(path, json=body)


@pytest.fixture
async def counter(office: Office) -> AsyncIterator[Counter]:
    """The API on real books; what does not concern books is never asked."""
    await PostgresMerchants(office.clerk.sessions).register_key(NORDWERK.id, KEY)
    world = World()
    runs = FakeRuns(world)
    services = Services(
        reader=PostgresReader(office.clerk.sessions),
        cases=runs.cases,
        books=office.books,
        runs=runs,
        refunds=FakeRefundRuns(world),
        corrections=FakeCorrectionRuns(world),
        invoice_runs=FakeInvoiceRuns(world),
        ledger=EmptyLedger(),
        settlements=RunsAway(),
        links=RunsAway(),
        series=FakeSeriesAudit(),
        inbox=FakeInbox(world),
        webhooks=FakeWebhooks({}),
        resends=FakeResendRuns(world),
        deliveries=FakeDeliveries(world),
        read_reports=read_reports,
        report_token=None,
        documents=FakeDocuments(world),
        exporter=FakeExporter(),
        undrawable=lambda _: "",
        is_vat_id=is_vat_id,
        vat_register=FakeVatRegister(),
        result_keys={},
    )
    app = create_app(
        services, public_url="https://pay.example", workflow_ui="https://ui", provider_origins=(), sandbox=True
    )
    headers = {"Authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://pay.example", headers=headers) as client:
        yield Counter(client=client)


async def test_an_accountant_reads_balances_exports_the_month_and_closes_it(office: Office, counter: Counter) -> None:
    await a_busy_year(office)
    balances = (await counter.get("/v1/trial-balance", **YEAR)).json()["accounts"]
    revenue = next(one for one in balances if one["account"] == "8400" and one["currency"] == "EUR")
    assert revenue["opening"] == "0.00"
    assert float(revenue["closing"]) < 0

    made = await counter.post("/v1/booking-exports", format="datev", **YEAR)
    again = await counter.post("/v1/booking-exports", format="datev", **YEAR)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json() == (await counter.get(f"/v1/booking-exports/{made.json()['id']}")).json()
    assert (await counter.get("/v1/booking-exports")).json()["items"] == [made.json()]

    file = await counter.client.get(made.json()["file"])
    assert re.search(r'filename="EXTF_Buchungsstapel_\w+\.csv"', file.headers["content-disposition"])
    expected = await office.books.trial_balance(NORDWERK.id, FIRST_DAY, LAST_DAY)
    assert reading.of_datev(file.content, CHART) == reading.of_trial_balance(expected)

    closed = await counter.post(f"/v1/booking-periods/{last_month()}/close", reason="sent")
    opened = await counter.post(f"/v1/booking-periods/{last_month()}/reopen", reason="a late receipt")
    assert [answer.json()["closed"] for answer in (closed, opened)] == [True, False]
    listed = (await counter.get("/v1/booking-periods")).json()["items"]
    assert [(one["reason"], one["by"]) for one in listed] == [
        ("a late receipt", "api key ...ooks"),
        ("sent", "api key ...ooks"),
    ]


async def test_bookings_are_read_filtered_and_booked_again(office: Office, counter: Counter) -> None:
    entry = await office.sold()
    await office.keeps(SKR03)
    [booking] = (await counter.get("/v1/bookings", kind="invoice", checkout=entry.checkout_id)).json()["items"]
    assert [(line["account"], line["debit"], line["credit"]) for line in booking["lines"]] == [
        ("1200", "839.00", None),
        ("4000", None, "705.04"),
        ("2500", None, "133.96"),
    ]
    assert (await counter.get("/v1/bookings", reference=booking["reference"], limit="1")).json()["items"]
    again = await counter.post(f"/v1/bookings/{booking['id']}/rebook", reason="the chart was wrong")
    assert [line["account"] for line in again.json()["lines"]] == ["1400", "8400", "1776"]
    assert (await counter.get(f"/v1/bookings/{again.json()['id']}")).json() == again.json()
    assert len((await counter.get("/v1/bookings", kind="invoice")).json()["items"]) == 3


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "pointer"),
    [
        ("post", "/v1/booking-exports", {"format": "pdf", **YEAR}, 422, "/format"),
        ("post", "/v1/booking-exports", {"format": "csv", "from": 20260101, "to": "2026-01-31"}, 422, "/from"),
        ("post", "/v1/booking-exports", {"format": "csv", "from": "2026-02-30", "to": "2026-03-31"}, 422, "/from"),
        ("post", "/v1/booking-exports", {"format": "csv", "from": "2026-01-01"}, 422, "/to"),
        ("post", "/v1/booking-exports", {"format": "datev", **YEAR}, 422, "/format"),
        ("post", "/v1/booking-exports", {"format": "csv", "from": "2026-02-01", "to": "2026-01-01"}, 422, "/to"),
        ("post", "/v1/booking-periods/2026-13/close", {"reason": "x"}, 422, "/month"),
        ("post", "/v1/booking-periods/2999-01/close", {"reason": "x"}, 422, "/month"),
        ("post", "/v1/booking-periods/2026-01/close", {"reason": ""}, 422, "/reason"),
        ("post", "/v1/booking-periods/2026-01/close", {}, 422, "/reason"),
        ("post", "/v1/bookings/bkg_none/rebook", {"reason": "x"}, 404, None),
        ("get", "/v1/bookings/bkg_none", {}, 404, None),
        ("get", "/v1/bookings", {"cursor": "nonsense"}, 422, "/cursor"),
        ("get", "/v1/bookings", {"from": "yesterday"}, 422, "/from"),
        ("get", "/v1/bookings", {"kind": "gift"}, 422, "/kind"),
        ("get", "/v1/trial-balance", {"from": "2026-01-01"}, 422, "/to"),
        ("get", "/v1/trial-balance", {"from": "2026-02-01", "to": "2026-01-01"}, 422, "/to"),
        ("get", "/v1/booking-exports/bex_none/file", {}, 404, None),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    counter: Counter, method: str, path: str, sent: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = await (counter.post(path, **sent) if method == "post" else counter.get(path, **sent))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert pointer in {error["pointer"] for error in answer.json()["errors"]}


def test_the_command_line_does_the_same(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUITTANCE_PAYLOAD_KEYS", "k1=" + base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("QUITTANCE_DATABASE__URL", database_url)
    merchant = Path(__file__).parents[2] / "merchants" / "meridian.toml"
    run = CliRunner().invoke
    year = ["--from", str(FIRST_DAY), "--to", str(LAST_DAY)]
    assert run(cli, ["merchants", "load", str(merchant)]).exit_code == 0

    assert run(cli, ["books", "trial-balance", "meridian", *year]).output.startswith("account")
    out = tmp_path / "EXTF_a.csv"
    made = run(cli, ["books", "export", "meridian", *year, "--format", "datev", "--out", str(out)])
    batch = re.search(r"batch (bex_\w+): 0 bookings", made.output)
    assert batch is not None, made.output
    again = tmp_path / "EXTF_b.csv"
    assert run(cli, ["books", "export-again", "meridian", batch[1], "--out", str(again)]).exit_code == 0
    assert out.read_bytes() == again.read_bytes() != b""
    month = str(last_month())
    assert run(cli, ["books", "close", "meridian", month, "--reason", "done"]).output == f"{month} is closed\n"
    assert run(cli, ["books", "reopen", "meridian", month, "--reason", "oops"]).output == f"{month} is open\n"
    assert "command line: oops" in run(cli, ["books", "periods", "meridian"]).output
    for wrong in (["close", "meridian", "soon", "--reason", "x"], ["rebook", "meridian", "bkg_none", "--reason", "x"]):
        refused = run(cli, ["books", *wrong])
        assert refused.exit_code != 0
        assert "Traceback" not in refused.output
