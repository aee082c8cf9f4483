"""Documents on their way over the whole house: mailed again, bounced, fetched by link."""

from typing import Any

import httpx

from sandbox.mail.faults import Fault, Moment
from tests.house import REPORT_TOKEN, House, eventually
from tests.mail_reports import report


async def completed(house: House, body: dict[str, Any]) -> dict[str, Any]:
    """A checkout whose invoice is mailed."""
    checkout = await house.open_checkout(body)
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed")


async def mails(house: House, path: str, status: str) -> list[dict[str, Any]]:
    """The deliveries of a document, once the newest has the status."""

    async def reached() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = (await house.shop.get(path)).json()["items"]
        return found if found[0]["status"] == status else None

    return await eventually(reached)


async def test_invoice_is_mailed_again_to_another_address_with_the_same_bytes(
    the_house: House, body: dict[str, Any]
) -> None:
    invoice = (await completed(the_house, body))["invoice"]
    path = f"/v1/invoices/{invoice['id']}/deliveries"
    office = f"office-{body['customer']['email']}"

    answers = [await the_house.shop.post(path, json={"key": "again", "email": office}) for _ in range(2)]
    again, first = await mails(the_house, path, "sent")

    assert [answer.status_code for answer in answers] == [202, 200]
    assert (again["recipient"], first["recipient"]) == (office, body["customer"]["email"])
    assert again["message_id"] != first["message_id"]
    [copy] = the_house.mails_to(office)
    stored = await the_house.shop.get(invoice["pdf"])
    assert [size for _, _, size in copy.attachments] == [len(stored.content)]


async def test_bounced_invoice_becomes_a_case_and_the_shop_is_told(the_house: House, body: dict[str, Any]) -> None:
    done = await completed(the_house, body)
    path = f"/v1/invoices/{done['invoice']['id']}/deliveries"
    [sent] = (await the_house.shop.get(path)).json()["items"]

    for _ in range(2):
        told = await the_house.customer.post(
            f"{the_house.settings.api.public_url}/webhooks/mail",
            content=report(message_id=sent["message_id"]),
            headers={"Authorization": f"Bearer {REPORT_TOKEN}"},
        )
        assert told.status_code == 204, told.text

    [bounced] = (await the_house.shop.get(path)).json()["items"]
    assert (bounced["status"], bounced["answer"][:5]) == ("bounced", "5.1.1")
    assert (await the_house.read(done["id"]))["invoice"]["delivery"]["status"] == "bounced"
    cases = (await the_house.shop.get("/v1/cases?status=open&limit=100")).json()["items"]
    [case] = [case for case in cases if case["checkout"] == done["id"]]
    assert (case["kind"], case["options"]) == ("mail_bounced", ["acknowledge"])
    decided = await the_house.shop.post(
        f"/v1/cases/{case['id']}/decide", json={"decision": "acknowledge", "reason": "phoned"}
    )
    assert decided.status_code == 200, decided.text


async def test_report_on_somebody_elses_mail_changes_nothing(the_house: House) -> None:
    told = await the_house.customer.post(
        f"{the_house.settings.api.public_url}/webhooks/mail",
        content=report(message_id="<other@elsewhere.example>"),
        headers={"Authorization": f"Bearer {REPORT_TOKEN}"},
    )
    assert told.status_code == 204


async def test_mail_that_is_refused_is_on_record_and_can_be_asked_for_again(
    the_house: House, body: dict[str, Any]
) -> None:
    invoice = (await completed(the_house, body))["invoice"]
    path = f"/v1/invoices/{invoice['id']}/deliveries"
    refused = {"key": "to-nowhere", "email": f"refused-{body['customer']['email']}"}
    the_house.mail_faults.add(
        Fault(moment=Moment.RECIPIENT, answer="550 5.1.1 no such mailbox", recipient=refused["email"])
    )

    await the_house.shop.post(path, json=refused)
    failed = (await mails(the_house, path, "error"))[0]
    await the_house.shop.post(path, json={"key": "to-the-buyer"})
    sent = (await mails(the_house, path, "sent"))[0]

    assert failed["answer"].startswith("550")
    assert sent["recipient"] == body["customer"]["email"]


async def test_anybody_with_the_link_fetches_the_mailed_bytes(the_house: House, body: dict[str, Any]) -> None:
    invoice = (await completed(the_house, body))["invoice"]
    made = await the_house.shop.post(f"/v1/invoices/{invoice['id']}/download-links", json={})
    async with httpx.AsyncClient() as anybody:
        fetched = await anybody.get(made.json()["url"])
    assert fetched.content == (await the_house.shop.get(invoice["pdf"])).content
