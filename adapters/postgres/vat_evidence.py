"""What is known of a buyer's VAT id, as part of the steps of a checkout. Every caller holds the checkout's lock."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json, to_json
from adapters.postgres.tables import CheckoutRow
from adapters.postgres.tables_tax import VatIdCheckRow
from domain.errors import BrokenRule, InvalidDraft
from domain.vat_ids import INVALID_VAT_ID, VatEvidence, VatIdStatus


def first_evidence(checkout_id: str, merchant_id: str, evidence: VatEvidence, *, relied_on: bool) -> VatIdCheckRow:
    """The row of a new checkout whose tax depends on its buyer's VAT id."""
    return VatIdCheckRow(
        checkout_id=checkout_id,
        merchant_id=merchant_id,
        status=evidence.status,
        evidence=to_json(evidence),
        relied_on=relied_on,
        ask_at=datetime.now(UTC),
    )


async def refuse_invalid_vat_id(session: AsyncSession, *checkout_ids: str) -> None:
    """Raise InvalidDraft when tax was left out because of a VAT id that is none, and nobody took responsibility.

    The lock has the sweep's answer come before or after the invoice as a whole.
    """
    refused = await session.scalars(
        select(VatIdCheckRow.checkout_id).where(
            VatIdCheckRow.checkout_id.in_(checkout_ids),
            VatIdCheckRow.relied_on,
            VatIdCheckRow.status == VatIdStatus.INVALID,
            VatIdCheckRow.accepted_at.is_(None),
        )
    )
    if refused.first() is not None:
        message = "the register does not know the buyer's VAT id, but the buyer is to owe the tax"
        raise InvalidDraft([BrokenRule(rule=INVALID_VAT_ID, field="/buyer/vat_id", message=message)])


async def accept_vat_id(session: AsyncSession, checkout: CheckoutRow, rules: Iterable[str]) -> None:
    """A person who has a step tried again that these rules stopped takes responsibility for an invalid VAT id."""
    if INVALID_VAT_ID in rules:
        row = await session.get_one(VatIdCheckRow, checkout.id)
        row.accepted_at = datetime.now(UTC)


async def evidence_of(session: AsyncSession, *checkout_ids: str) -> dict[str, VatEvidence]:
    """What is known of the buyers' VAT ids, by checkout."""
    found = await session.scalars(select(VatIdCheckRow).where(VatIdCheckRow.checkout_id.in_(checkout_ids)))
    return {row.checkout_id: from_json(VatEvidence, row.evidence) for row in found}
