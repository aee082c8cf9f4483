"""What tests of money that does not fit have in common: policies, messages, cases and the end that is waited for."""

import secrets
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.cases import CaseStatus
from domain.payments import ProviderEvent
from domain.views import CaseView
from tests.conservation import assert_money_is_conserved
from tests.house import MERIDIAN, eventually
from tests.workflows.conftest import Stage
from workflows.late_payment import LatePaymentWorkflow
from workflows.messages import CaseDecision, OpenedLink, late_payment_id


async def policies(stage: Stage, **changes: Any) -> None:
    """Meridian changes its policies."""
    merchants = PostgresMerchants(database.sessions(stage.engine))
    await merchants.save(replace(load(MERIDIAN), **changes))


async def say(
    stage: Stage, *, session: str | None = None, payment: str | None = None, checkout: str | None = None
) -> None:
    """The provider's message arrives as the webhook takes it: recorded, then reported to whom it concerns."""
    event = ProviderEvent(
        provider="stripe",
        event_id=f"evt_{secrets.token_hex(6)}",
        type="payment_intent.succeeded",
        relevant=True,
        checkout_id=checkout,
        session_id=session,
        payment_reference=payment,
        raw="{}",
    )
    entry = await stage.inbox.record("meridian", event)
    await stage.reporter.report("meridian", entry, event)


async def cases(stage: Stage, status: CaseStatus | None = None) -> list[CaseView]:
    """Meridian's cases, oldest first."""
    page = await stage.reader.cases("meridian", status=status, cursor=None, limit=100)
    return list(reversed(page.items))


async def open_case(stage: Stage, kind: str) -> CaseView:
    """Wait until a case of this kind waits for a person."""

    async def found() -> CaseView | None:
        return next((case for case in await cases(stage, CaseStatus.OPEN) if case.kind == kind), None)

    return await eventually(found)


async def all_settled(stage: Stage, count: int) -> list[CaseView]:
    """Wait until there are so many cases, and every one of them is settled."""

    async def settled() -> list[CaseView] | None:
        found = await cases(stage)
        return found if len(found) == count and all(case.status is CaseStatus.SETTLED for case in found) else None

    return await eventually(settled)


async def decide(stage: Stage, case: CaseView, decision: str) -> None:
    """A person decides."""
    run = stage.client.get_workflow_handle(case.workflow_id or "")
    wanted = CaseDecision(case_id=case.id, decision=decision, reason="as agreed", by="anna")
    await run.execute_update(LatePaymentWorkflow.decide, wanted)


async def late_run_over(stage: Stage, link: OpenedLink) -> None:
    """Wait until the run that looks after the checkout's late money has nothing left to do."""
    await stage.client.get_workflow_handle(late_payment_id(link.checkout_id)).result()


async def money(stage: Stage) -> list[tuple[int, int, int, int]]:
    """Captured, assigned, available and refunded of each payment in order of its coming; conserved, or it fails."""
    await assert_money_is_conserved(stage.engine)
    async with stage.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT captured, assigned, available, refunded FROM payments WHERE captured > 0"
                " ORDER BY created_at, id"
            )
        )
        return [tuple(row) for row in found]


async def events(stage: Stage) -> list[str]:
    """The types of all events, in order."""
    async with stage.engine.connect() as connection:
        return list((await connection.execute(text("SELECT type FROM events ORDER BY sequence"))).scalars())


async def unapplied(stage: Stage) -> int:
    """How many messages nobody has acted upon."""
    async with stage.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT count(*) FROM provider_events WHERE relevant AND applied_at IS NULL")
        )
        return int(found.scalar_one())
