"""Reading checkouts and invoices, and getting the stored documents."""

import hashlib

import pytest

from domain.checkout import CheckoutStatus
from tests.api.conftest import PUBLIC_URL, Stage


async def test_a_checkout_is_read_as_it_was_answered(stage: Stage) -> None:
    checkout = await stage.checkout()
    answer = await stage.get(f"/v1/checkouts/{checkout.id}")
    assert answer.status_code == 200
    again = await stage.client.get("/v1/checkouts", headers=answer.request.headers)
    assert again.json()["items"] == [answer.json() | {"tax": None}], "a list leaves out how each line is taxed"


@pytest.mark.parametrize("unheard_of", ["chk_0", "%00", "chk_%ff", "a" * 500, "chk'--", "..%2f", "chk 1"])
async def test_an_id_that_names_nothing_is_not_found(stage: Stage, unheard_of: str) -> None:
    for path in (f"/v1/checkouts/{unheard_of}", f"/v1/invoices/{unheard_of}", f"/v1/invoices/{unheard_of}/pdf"):
        answer = await stage.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_lists_are_newest_first_and_paged_without_gap_or_repeat(stage: Stage) -> None:
    for number in range(5):
        await stage.checkout(assignment_key=f"SO-{number}")
    seen: list[str] = []
    path = "/v1/checkouts?limit=2"
    while path:
        page = (await stage.get(path)).json()
        assert len(page["items"]) <= 2
        seen += [item["assignment_key"] for item in page["items"]]
        path = f"/v1/checkouts?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == ["SO-4", "SO-3", "SO-2", "SO-1", "SO-0"]


async def test_lists_are_filtered_by_key_and_status(stage: Stage) -> None:
    first = await stage.checkout(assignment_key="SO-1")
    await stage.checkout(assignment_key="SO-2")
    stage.world.change(first.id, CheckoutStatus.EXPIRED)
    by_key = (await stage.get("/v1/checkouts?assignment_key=SO-2")).json()
    by_status = (await stage.get("/v1/checkouts?status=expired")).json()
    assert [item["assignment_key"] for item in by_key["items"]] == ["SO-2"]
    assert [item["assignment_key"] for item in by_status["items"]] == ["SO-1"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=many", "/limit"),
        ("status=paid", "/status"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=" + "c" * 300, "/cursor"),
        ("assignment_key=%00", "/assignment_key"),
        ("asignment_key=SO-1", "/asignment_key"),
    ],
)
async def test_a_list_that_is_asked_for_in_a_wrong_way_is_refused(stage: Stage, query: str, pointer: str) -> None:
    answer = await stage.get(f"/v1/checkouts?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_invoice_is_read_with_the_addresses_of_its_documents(stage: Stage) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-2025-000417", pdf=b"%PDF", xml=None)
    answer = (await stage.get(f"/v1/invoices/{invoice.id}")).json()
    assert answer == {
        "id": invoice.id,
        "kind": "invoice",
        "corrects": None,
        "corrected_by": [],
        "deducts": [],
        "orders": [],
        "number": "RE-2025-000417",
        "issued_on": None,
        "reason": None,
        "status": "paid",
        "currency": "EUR",
        "total": "839.00",
        "pdf": f"{PUBLIC_URL}/v1/invoices/{invoice.id}/pdf",
        "xml": None,
        "delivery": None,
    }
    assert (await stage.get(f"/v1/checkouts/{checkout.id}")).json()["invoice"] == answer


@pytest.mark.parametrize(("suffix", "media_type"), [("pdf", "application/pdf"), ("xml", "application/xml")])
async def test_a_document_is_the_stored_bytes_under_the_invoices_number(
    stage: Stage, suffix: str, media_type: str
) -> None:
    content = bytes(range(256)) * 10
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-2025-000417", pdf=content, xml=content)
    answer = await stage.get(f"/v1/invoices/{invoice.id}/{suffix}")
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["content-disposition"] == f'attachment; filename="RE-2025-000417.{suffix}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")


async def test_a_number_that_is_no_file_name_still_gives_one(stage: Stage) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number='RE/2025 "Ä"\r\n1', pdf=b"%PDF", xml=None)
    answer = await stage.get(f"/v1/invoices/{invoice.id}/pdf")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"RE-2025--------1.pdf\"; filename*=UTF-8''RE%2F2025%20%22%C3%84%22%0D%0A1.pdf"
    ).replace("--------1", "-" + "-" * 5 + "1")


async def test_a_document_that_the_reader_has_is_not_sent_again(stage: Stage) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-1", pdf=b"%PDF", xml=None)
    path = f"/v1/invoices/{invoice.id}/pdf"
    etag = (await stage.get(path)).headers["etag"]
    assert (await stage.get(path, **{"If-None-Match": f'"other", {etag}'})).status_code == 304
    assert (await stage.get(path, **{"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize("suffix", ["pdf", "xml", "xml?format=ubl"])
async def test_a_document_is_not_found_until_it_is_stored(stage: Stage, suffix: str) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-1", pdf=None, xml=None)
    answer = await stage.get(f"/v1/invoices/{invoice.id}/{suffix}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("syntax", "content", "name"), [("cii", b"<cii/>", "RE-1.xml"), ("ubl", b"<ubl/>", "RE-1.ubl.xml")]
)
async def test_each_xml_syntax_is_kept_under_a_name_of_its_own(
    stage: Stage, syntax: str, content: bytes, name: str
) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-1", pdf=None, xml=b"<cii/>", ubl=b"<ubl/>")
    answer = await stage.get(f"/v1/invoices/{invoice.id}/xml?format={syntax}")
    assert answer.content == content
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("unknown", ["edifact", "UBL", ""])
async def test_an_unknown_xml_syntax_is_refused_and_never_replaced_by_another(stage: Stage, unknown: str) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-1", pdf=None, xml=b"<cii/>", ubl=b"<ubl/>")
    refused = await stage.get(f"/v1/invoices/{invoice.id}/xml?format={unknown}")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/format"]


async def test_a_document_whose_bytes_were_changed_is_never_given_out(stage: Stage) -> None:
    checkout = await stage.checkout()
    invoice = stage.world.invoice(checkout.id, number="RE-1", pdf=b"%PDF", xml=None)
    assert invoice.pdf is not None
    stage.world.documents[invoice.pdf.key] = b"%PDF forged"
    answer = await stage.get(f"/v1/invoices/{invoice.id}/pdf")
    assert answer.status_code == 500
    assert b"forged" not in answer.content
