"""Electronic invoices in the books: both syntaxes are stored once, and what cannot be written takes no number."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

from activities.documents import DocumentActivities
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from adapters.postgres.tables import InvoiceRow
from domain.documents import DocumentKind, DocumentRef, digest
from domain.errors import InvalidDraft
from tests.clerk import Clerk, of_invoice
from tests.fakes.documents import FakeDocuments
from tests.fakes.merchants import NORDWERK
from tests.fakes.post import FakeRenderer
from tests.fakes.world import World


async def test_both_syntaxes_are_stored_beside_the_pdf_and_found_again(clerk: Clerk) -> None:
    entry = await clerk.billable()
    step = of_invoice(entry, invoice := await clerk.bill(entry))
    world = World()
    steps = DocumentActivities(clerk.invoices, FakeRenderer(), FakeDocuments(world))

    first = await ActivityEnvironment().run(steps.render_invoice, step)
    again = await ActivityEnvironment().run(steps.render_invoice, step)

    assert first == again
    folder = f"{NORDWERK.id}/{step.invoice_id}/{invoice.number}"
    assert world.documents.keys() == {f"{folder}.pdf", f"{folder}.xml", f"{folder}.ubl.xml"}
    view = await PostgresReader(clerk.sessions).invoice(NORDWERK.id, step.invoice_id)
    assert view is not None
    assert view.pdf is not None
    assert view.xml is not None
    assert view.ubl is not None
    assert [digest(world.documents[face.key]) for face in (view.pdf, view.xml, view.ubl)] == [
        first.pdf_sha256,
        first.xml_sha256,
        first.ubl_sha256,
    ]


async def test_a_face_that_is_stored_stays_as_it_is_though_it_would_be_written_otherwise_today(clerk: Clerk) -> None:
    entry = await clerk.billable()
    step = of_invoice(entry, await clerk.bill(entry))
    old = DocumentRef(kind=DocumentKind.INVOICE_PDF, key="old.pdf", sha256="0" * 64, size=4)
    await clerk.invoices.record_documents(step, (old,))
    world = World()
    steps = DocumentActivities(clerk.invoices, FakeRenderer(), FakeDocuments(world))

    stored = await ActivityEnvironment().run(steps.render_invoice, step)

    assert stored.pdf_sha256 == old.sha256
    assert (await clerk.invoices.documents(step)).keys() == set(DocumentKind)
    assert [key.rpartition("/")[2].partition(".")[2] for key in world.documents] == ["xml", "ubl.xml"]


async def test_a_draft_that_no_electronic_invoice_can_carry_takes_no_number(clerk: Clerk) -> None:
    entry = await clerk.billable()
    broken = replace(NORDWERK, seller=replace(NORDWERK.seller, managing_directors="Ada\x07"))
    await PostgresMerchants(clerk.sessions).save(broken)

    with pytest.raises(InvalidDraft, match=r"XML /seller/managing_directors: has a character that XML cannot carry"):
        await clerk.bill(entry)

    async with clerk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(InvoiceRow)) == 0
    await PostgresMerchants(clerk.sessions).save(NORDWERK)
    assert (await clerk.bill(entry)).number.endswith("-000001")
