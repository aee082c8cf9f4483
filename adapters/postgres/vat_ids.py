"""What the register of VAT ids said, kept with the checkout, and what follows from it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cases import PostgresCases
from adapters.postgres.credit_notes import invoice_in_force
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import CheckoutRow
from adapters.postgres.tables_tax import VatIdCheckRow
from domain.cases import NewCase
from domain.vat_ids import (
    INVALID_VAT_ID,
    RecordVatEvidence,
    UnverifiedVatId,
    VatEvidence,
    VatIdStatus,
    retry_after,
)

AT_MOST = 100
"""Ids asked about in one round of the sweep."""


class PostgresVatIdBook:
    """Implements `domain.ports.VatIdBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def unverified(self, now: datetime) -> tuple[UnverifiedVatId, ...]:
        async with self._sessions() as session:
            found = await session.scalars(
                select(VatIdCheckRow)
                .where(VatIdCheckRow.status == VatIdStatus.UNVERIFIED, VatIdCheckRow.ask_at <= now)
                .order_by(VatIdCheckRow.ask_at)
                .limit(AT_MOST)
            )
            return tuple(_unverified(row) for row in found)

    async def record(self, step: RecordVatEvidence) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            row = await session.get_one(VatIdCheckRow, step.checkout_id, with_for_update=True)
            if row.status != VatIdStatus.UNVERIFIED:
                return
            row.status, row.evidence = step.evidence.status, to_json(step.evidence)
            row.updated_at, row.tries = step.at, row.tries + 1
            row.ask_at = step.at + retry_after(row.tries)
            if (
                step.evidence.status is VatIdStatus.INVALID
                and row.relied_on
                and await invoice_in_force(session, checkout.id)
            ):
                await _open_case(session, checkout, step.at)


def _unverified(row: VatIdCheckRow) -> UnverifiedVatId:
    evidence = from_json(VatEvidence, row.evidence)
    return UnverifiedVatId(
        merchant_id=row.merchant_id,
        checkout_id=row.checkout_id,
        vat_id=evidence.vat_id,
        requester=evidence.requester,
    )


async def _open_case(session: AsyncSession, checkout: CheckoutRow, at: datetime) -> None:
    """The invoice is out without tax, as the id was not to be had: a person corrects it, or takes responsibility."""
    case = NewCase(
        merchant_id=checkout.merchant_id,
        checkout_id=checkout.id,
        fact=f"{INVALID_VAT_ID}:{checkout.id}",
        kind=INVALID_VAT_ID,
        options=("acknowledge",),
        data={"detail": "The invoice charges no tax, but the register does not know the buyer's VAT id."},
        opened_at=at,
    )
    await PostgresCases.open(session, case)
