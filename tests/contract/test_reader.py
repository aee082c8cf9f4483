"""What every reader shows: `api.ports.Reader`."""

import base64
from typing import Any

import pytest

from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import InvalidInput
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.views import CheckoutPage
from tests.clerk import TOTAL, a_request
from tests.contract.scenes import NORD, SUED, Scene
from tests.fakes.merchants import NORDWERK, SUEDWERK

AWAITING = CheckoutStatus.AWAITING_PAYMENT


async def _page(
    scene: Scene,
    *,
    key: str | None = None,
    status: CheckoutStatus | None = None,
    cursor: str | None = None,
    limit: int = 10,
) -> CheckoutPage:
    return await scene.reader.checkouts(NORD, assignment_key=key, status=status, cursor=cursor, limit=limit)


async def test_a_key_names_its_merchant_and_an_unknown_key_nobody(scene: Scene) -> None:
    await scene.register_key(NORD, "qk_nord")
    await scene.register_key(SUED, "qk_sued")
    assert await scene.reader.merchant_of_key("qk_nord") == NORDWERK
    assert await scene.reader.merchant_of_key("qk_sued") == SUEDWERK
    for unknown in ("", "qk", "qk_nord ", "QK_NORD", "nordwerk"):
        assert await scene.reader.merchant_of_key(unknown) is None


async def test_a_merchant_is_known_by_its_id(scene: Scene) -> None:
    assert await scene.reader.merchant(SUED) == SUEDWERK
    assert await scene.reader.merchant("nobody") is None


async def test_a_fresh_checkout_is_read_as_it_was_asked_for(scene: Scene) -> None:
    request = a_request()
    checkout_id = await scene.open(NORD, request)
    view = await scene.reader.checkout(NORD, checkout_id)
    assert view is not None
    assert (view.id, view.merchant_id, view.assignment_key) == (checkout_id, NORD, request.assignment_key)
    assert (view.request, view.status, view.currency, view.total) == (request, AWAITING, "EUR", TOTAL)
    assert view.entry.status is EntryStatus.OPEN
    assert (view.entry.initial_amount, view.entry.open_amount, view.entry.outstanding_amount) == (TOTAL, TOTAL, TOTAL)
    assert (view.payments, view.order, view.invoice, view.review) == ((), None, None, None)
    assert view.payment_link is not None
    assert view.payment_link.expires_at > view.created_at
    assert view.created_at.tzinfo is not None
    assert view.tax is not None
    assert [line.tax_rule for line in view.tax.cart.lines] == ["stated"]
    assert await scene.reader.checkout_of_key(NORD, request.assignment_key) == view
    assert [listed.tax for listed in (await _page(scene)).items] == [None], "a list leaves it out"


async def test_another_merchants_checkout_does_not_exist(scene: Scene) -> None:
    request = a_request()
    checkout_id = await scene.open(SUED, request)
    assert await scene.reader.checkout(NORD, checkout_id) is None
    assert await scene.reader.checkout_of_key(NORD, request.assignment_key) is None
    assert (await _page(scene)).items == ()


async def test_the_same_key_names_a_checkout_of_each_merchant(scene: Scene) -> None:
    request = a_request()
    ids = {merchant: await scene.open(merchant, request) for merchant in (NORD, SUED)}
    for merchant, checkout_id in ids.items():
        view = await scene.reader.checkout_of_key(merchant, request.assignment_key)
        assert view is not None
        assert view.id == checkout_id


async def test_a_list_is_newest_first_and_goes_on_page_by_page(scene: Scene) -> None:
    ids = [await scene.open(NORD, a_request()) for _ in range(5)]
    await scene.open(SUED, a_request())
    seen: list[str] = []
    cursor: str | None = None
    sizes: list[int] = []
    while not sizes or cursor is not None:
        page = await _page(scene, cursor=cursor, limit=2)
        seen += [view.id for view in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
    assert seen == ids[::-1]
    assert sizes == [2, 2, 1]


async def test_the_last_page_says_that_it_is_the_last_also_when_it_is_full(scene: Scene) -> None:
    for _ in range(2):
        await scene.open(NORD, a_request())
    assert (await _page(scene, limit=2)).next_cursor is None
    assert (await _page(scene, key="SO-UNKNOWN")).next_cursor is None


async def test_a_list_is_narrowed_by_key_and_status(scene: Scene) -> None:
    request = a_request()
    first, second = await scene.open(NORD, request), await scene.open(NORD, a_request())
    await scene.expire(second)
    assert [view.id for view in (await _page(scene, key=request.assignment_key)).items] == [first]
    assert [view.id for view in (await _page(scene, status=AWAITING)).items] == [first]
    assert [view.id for view in (await _page(scene, status=CheckoutStatus.EXPIRED)).items] == [second]
    assert (await _page(scene, key=request.assignment_key, status=CheckoutStatus.EXPIRED)).items == ()


async def test_a_list_goes_on_where_it_stopped_though_the_checkout_there_has_moved_on(scene: Scene) -> None:
    ids = [await scene.open(NORD, a_request()) for _ in range(3)]
    first = await _page(scene, status=AWAITING, limit=1)
    await scene.expire(ids[2])
    await scene.open(NORD, a_request())
    second = await _page(scene, status=AWAITING, limit=1, cursor=first.next_cursor)
    assert [view.id for view in (*first.items, *second.items)] == [ids[2], ids[1]]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "é",
        "\ud800",
        "\0",
        base64.urlsafe_b64encode(b"2025-11-24T09:30:00 chk_1").decode(),
        base64.urlsafe_b64encode(b"2025-11-24T09:30:00+00:00 chk_\0").decode(),
        base64.urlsafe_b64encode(b"0001-01-01T00:00:00+14:00 chk_1").decode(),
        base64.urlsafe_b64encode(b"9999-12-31T23:59:59-14:00 chk_1").decode(),
        base64.urlsafe_b64encode(b"\xff 1").decode(),
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(scene: Scene, cursor: str) -> None:
    await scene.open(NORD, a_request())
    with pytest.raises(InvalidInput) as refused:
        await _page(scene, cursor=cursor)
    assert [violation.pointer for violation in refused.value.violations] == ["/cursor"]


async def test_an_invoice_is_read_alone_and_with_its_checkout(scene: Scene) -> None:
    checkout_id = await scene.open(NORD, a_request())
    await scene.capture(checkout_id, "pi_1")
    invoice_id = await scene.bill(checkout_id)
    invoice = await scene.reader.invoice(NORD, invoice_id)
    assert invoice is not None
    assert (invoice.id, invoice.status, invoice.currency, invoice.total) == (
        invoice_id,
        InvoiceStatus.PAID,
        "EUR",
        TOTAL,
    )
    assert (invoice.pdf, invoice.xml, invoice.delivery) == (None, None, None)
    view = await scene.reader.checkout(NORD, checkout_id)
    assert view is not None
    assert view.invoice == invoice


async def test_another_merchants_invoice_does_not_exist(scene: Scene) -> None:
    checkout_id = await scene.open(SUED, a_request())
    await scene.capture(checkout_id, "pi_1")
    assert await scene.reader.invoice(NORD, await scene.bill(checkout_id)) is None
    assert await scene.reader.invoice(NORD, "inv_unknown") is None


async def test_a_canceled_invoice_is_still_read_and_not_in_force_any_more(scene: Scene) -> None:
    checkout_id = await scene.open(NORD, a_request())
    await scene.capture(checkout_id, "pi_1")
    invoice_id = await scene.bill(checkout_id)
    before = await scene.reader.invoice(NORD, invoice_id)
    await scene.cancel_invoice(invoice_id)
    canceled = await scene.reader.invoice(NORD, invoice_id)
    assert before is not None
    assert canceled is not None
    assert (canceled.status, canceled.number, canceled.total) == (InvoiceStatus.CANCELED, before.number, before.total)
    view = await scene.reader.checkout(NORD, checkout_id)
    assert view is not None
    assert view.invoice is None
    assert await scene.reader.invoice(SUED, invoice_id) is None


async def test_a_payment_page_is_found_by_its_token_alone(scene: Scene) -> None:
    request = a_request()
    view = await scene.reader.checkout(SUED, await scene.open(SUED, request))
    assert view is not None
    assert view.payment_link is not None
    page = await scene.reader.payment_page(view.payment_link.token)
    assert page is not None
    assert (page.checkout_id, page.merchant_id, page.workflow_id) == (view.id, SUED, view.workflow_id)
    assert (page.seller, page.branding, page.time_zone) == (SUEDWERK.seller, SUEDWERK.branding, SUEDWERK.time_zone)
    assert (page.language, page.redirects, page.status) == (request.customer.language, request.redirects, AWAITING)
    assert (page.amount, page.expires_at) == (TOTAL, view.payment_link.expires_at)
    assert await scene.reader.payment_page("unknown") is None


async def test_a_payment_page_tells_where_its_checkout_stands(scene: Scene) -> None:
    view = await scene.reader.checkout(NORD, await scene.open(NORD, a_request()))
    assert view is not None
    assert view.payment_link is not None
    await scene.expire(view.id)
    page = await scene.reader.payment_page(view.payment_link.token)
    assert page is not None
    assert page.status is CheckoutStatus.EXPIRED


async def test_a_reader_that_can_read_is_ready(scene: Scene) -> None:
    assert await scene.reader.ready()


async def test_documents_are_listed_newest_first_by_kind_and_status(scene: Scene) -> None:
    billed = []
    for number in range(3):
        checkout_id = await scene.open(NORD, a_request())
        await scene.capture(checkout_id, f"pi_listed_{number}")
        billed.append(await scene.bill(checkout_id))
    await scene.cancel_invoice(billed[1])

    async def listed(merchant_id: str = NORD, **wanted: Any) -> tuple[list[str], str | None]:
        known: dict[str, Any] = {"kind": None, "status": None, "cursor": None, "limit": 10}
        page = await scene.reader.invoices(merchant_id, **(known | wanted))
        return [view.id for view in page.items], page.next_cursor

    newest, cursor = await listed(limit=2)
    assert newest == [billed[2], billed[1]]
    assert await listed(cursor=cursor) == ([billed[0]], None)
    assert (await listed(status=InvoiceStatus.CANCELED))[0] == [billed[1]]
    assert (await listed(kind=InvoiceKind.CREDIT_NOTE))[0] == []
    assert (await listed(SUED))[0] == []
    with pytest.raises(InvalidInput, match="/cursor"):
        await listed(cursor="nonsense")


async def test_a_key_without_a_correction_names_none(scene: Scene) -> None:
    assert await scene.reader.correction_of_key(NORD, "c-1") is None


async def test_a_deposit_nobody_has_cannot_be_deducted(scene: Scene) -> None:
    [problem] = await scene.reader.deposit_problems(NORD, a_request(deducts=("nobody",)), TOTAL)
    assert problem.pointer == "/deducts/0"
    assert await scene.reader.deposit_problems(NORD, a_request(), TOTAL) == ()
