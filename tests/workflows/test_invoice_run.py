"""The invoice run: purchases that wait for it, what it sends, and what happens when its word is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reconciliation import PostgresReconciliationBook
from api.settlement_runs import TemporalSettlementRuns
from domain.billing import RunMode
from domain.checkout import CheckoutStatus
from domain.errors import MailDeferred, MailRefused
from domain.invoice_runs import InvoiceRunRequest, RunOrderStatus, run_id
from domain.merchants import Invoicing
from domain.reconciliation import Sweep
from domain.settlements import CreditBalance, Reduce, ReductionKind
from tests.house import MERIDIAN, eventually
from tests.workflows.conftest import Run, Stage
from workflows.checkout import CheckoutWorkflow
from workflows.invoice_run import InvoiceRunWorkflow
from workflows.invoice_teller import TemporalInvoiceTeller
from workflows.messages import InvoiceRunResult, OpenedLink, StartInvoiceRun, invoice_run_id

InvoiceRun = WorkflowHandle[InvoiceRunWorkflow, InvoiceRunResult]


@pytest.fixture
async def collective(stage: Stage) -> Stage:
    """A merchant who invoices by runs."""
    merchant = replace(load(MERIDIAN), invoicing=Invoicing.COLLECTIVE)
    await PostgresMerchants(database.sessions(stage.engine)).save(merchant)
    return stage


async def waiting(stage: Stage, key: str | None = None) -> tuple[Run, OpenedLink]:
    """A paid purchase that waits for an invoice run."""
    run, link = await stage.open(key=key)
    await stage.paid(run)

    async def balanced() -> bool:
        return (await stage.see(link)).status is CheckoutStatus.BALANCED

    await eventually(balanced)
    return run, link


async def start(stage: Stage, key: str = "run-1", mode: RunMode = RunMode.PARENT_CHILD, **settings: int) -> InvoiceRun:
    """Start a run."""
    our_id = run_id("meridian", key)
    return await stage.client.start_workflow(
        InvoiceRunWorkflow.run,
        StartInvoiceRun(
            merchant_id="meridian",
            run_id=our_id,
            opened_by="stage",
            request=InvoiceRunRequest(key=key, mode=mode),
            **settings,
        ),
        id=invoice_run_id(our_id),
        task_queue=stage.task_queue,
    )


async def test_paid_purchases_wait_for_a_run_and_are_completed_by_one_invoice_and_one_mail(collective: Stage) -> None:
    purchases = [await waiting(collective) for _ in range(3)]
    assert collective.mailer.sent == []

    result = await (await start(collective)).result()

    assert result.orders == {RunOrderStatus.SENT: 3}
    ends = [await run.result() for run, _ in purchases]
    assert {end.status for end in ends} == {CheckoutStatus.COMPLETED}
    [number] = {end.invoice_number for end in ends}
    assert [mail.attachments[0].name for mail in collective.mailer.sent] == [f"{number}.pdf"]
    for _, link in purchases:
        assert (await collective.see(link)).status is CheckoutStatus.COMPLETED
    told = [row[0] for row in await collective.rows("SELECT type FROM events ORDER BY sequence")]
    assert (told.count("invoice.finalized"), told.count("invoice.sent")) == (1, 1)
    assert (told.count("checkout.completed"), told.count("invoice_run.completed")) == (3, 1)


async def grant_credit(stage: Stage, link: OpenedLink, strategy: CreditBalance | None = None) -> None:
    """So much less is owed, before there is an invoice."""
    wanted = Reduce(
        key="R-1",
        entry_id=(await stage.see(link)).entry.id,
        amount="39.00",
        reduction=ReductionKind.CREDIT,
        reason="scratched",
        credit_balance=strategy,
    )
    await TemporalSettlementRuns(stage.client, task_queue=stage.task_queue).ask("meridian", wanted, by="anna")


async def test_credit_granted_before_the_run_is_documented_and_mailed_after_its_invoice(collective: Stage) -> None:
    run, link = await waiting(collective)
    await grant_credit(collective, link, CreditBalance.FUTURE_SETTLEMENT)

    result = await (await start(collective)).result()

    assert result.orders == {RunOrderStatus.SENT: 1}
    assert (await run.result()).status is CheckoutStatus.COMPLETED
    names = [mail.attachments[0].name[:3] for mail in collective.mailer.sent]
    assert names == ["RE-", "GS-"]
    assert await collective.rows("SELECT id FROM cases WHERE kind = 'document_not_sent'") == []


async def test_credit_note_that_a_run_cannot_mail_is_put_before_a_person(collective: Stage) -> None:
    _, link = await waiting(collective)
    await grant_credit(collective, link)
    collective.mailer.answers = [MailRefused("550 no such mailbox")] * 2

    result = await (await start(collective)).result()

    assert result.orders == {RunOrderStatus.UNSENT: 1}
    [case] = await collective.rows("SELECT checkout_id FROM cases WHERE kind = 'document_not_sent'")
    assert case.checkout_id == link.checkout_id


async def test_purchase_that_never_hears_of_the_run_finds_its_invoice_in_the_books(
    collective: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: TemporalInvoiceTeller, __: tuple[str, ...]) -> None:
        """The word goes nowhere."""

    monkeypatch.setattr(TemporalInvoiceTeller, "tell_invoiced", lost)
    run, _ = await waiting(collective)
    await (await start(collective)).result()

    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_word_of_a_run_that_has_not_sent_yet_keeps_the_purchase_waiting(collective: Stage) -> None:
    run, link = await waiting(collective)

    for _ in range(2):
        await run.signal(CheckoutWorkflow.invoiced)

    await collective.environment.sleep(timedelta(days=40))
    assert (await run.describe()).status is WorkflowExecutionStatus.RUNNING
    assert (await collective.see(link)).status is CheckoutStatus.BALANCED
    await (await start(collective)).result()
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_payment_that_comes_twice_while_a_run_is_awaited_is_looked_after(collective: Stage) -> None:
    run, link = await waiting(collective)
    session = next(iter(collective.provider.orders))
    await collective.tell(run, session)

    async def applied() -> bool:
        return not await collective.rows("SELECT 1 FROM provider_events WHERE applied_at IS NULL")

    await eventually(applied)
    assert (await collective.see(link)).status is CheckoutStatus.BALANCED
    await (await start(collective)).result()
    assert (await run.result()).status is CheckoutStatus.COMPLETED


async def test_single_mode_gives_each_order_an_invoice(collective: Stage) -> None:
    purchases = [await waiting(collective) for _ in range(3)]

    await (await start(collective, mode=RunMode.SINGLE)).result()

    ends = [await run.result() for run, _ in purchases]
    assert len({end.invoice_number for end in ends}) == len(collective.mailer.sent) == 3


async def test_refused_mail_is_told_in_the_report_and_does_not_stop_the_run(collective: Stage) -> None:
    for _ in range(2):
        await waiting(collective)
    collective.mailer.answers = [MailRefused("550 no such user")]

    result = await (await start(collective, mode=RunMode.SINGLE)).result()

    assert result.orders == {RunOrderStatus.SENT: 1, RunOrderStatus.UNSENT: 1}
    assert [row[0] for row in await collective.rows("SELECT error FROM invoice_run_orders ORDER BY error")] == [
        "MailRefused",
        None,
    ]
    assert len(await collective.rows("SELECT 1 FROM events WHERE type = 'invoice.delivery_failed'")) == 1


async def test_mail_that_is_deferred_is_tried_again(collective: Stage) -> None:
    await waiting(collective)
    collective.mailer.answers = [MailDeferred("451 later")] * 3

    assert (await (await start(collective)).result()).orders == {RunOrderStatus.SENT: 1}


async def test_run_continues_as_new_without_losing_its_place(collective: Stage) -> None:
    for _ in range(3):
        await waiting(collective)

    run = await start(collective, longest_history=1)

    assert (await run.result()).orders == {RunOrderStatus.SENT: 3}
    first = await collective.client.get_workflow_handle(run.id, run_id=run.first_execution_run_id).describe()
    assert first.status is WorkflowExecutionStatus.CONTINUED_AS_NEW


async def test_run_shows_how_far_it_is(collective: Stage) -> None:
    await waiting(collective)
    run = await start(collective)
    await run.result()

    described = await run.describe()
    values = described.search_attributes
    assert values["QuittancePhase"] == ["completed"]
    assert values["QuittanceMerchant"] == ["meridian"]


async def test_run_that_finds_nothing_completes(collective: Stage) -> None:
    assert (await (await start(collective)).result()).orders == {}


async def test_waiting_purchase_is_not_taken_for_one_that_stands_still(collective: Stage) -> None:
    await waiting(collective)
    async with collective.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE checkouts SET updated_at = now() - interval '40 days'")
        await connection.exec_driver_sql("UPDATE payment_links SET expires_at = now() - interval '30 days'")
    book = PostgresReconciliationBook(database.sessions(collective.engine))
    now = datetime.now(UTC)
    found = [
        len(await book.standing_checkouts(Sweep(now=now + n * timedelta(minutes=5), every=timedelta(minutes=5))))
        for n in range(12)
    ]
    assert sum(found) == 1
