"""Pictures of payments, and of the payment page of a link for several entries."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.attempt_views import latest_of_link
from adapters.postgres.combined_links import promises_on, standing_of_link, waiting_on
from adapters.postgres.database import from_json
from adapters.postgres.expectations import promise_of
from adapters.postgres.tables import CheckoutRow, MerchantRow, PaymentRow
from adapters.postgres.tables_settlements import CombinedLinkRow
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.merchants import Merchant
from domain.payments import PaymentStatus, SettledBy
from domain.settlement_steps import LinkRequest
from domain.views import PayableView, PaymentPageView, PaymentView


def payment_view(row: PaymentRow) -> PaymentView:
    """A payment as it is shown everywhere."""
    return PaymentView(
        id=row.id,
        status=PaymentStatus(row.status),
        amount=row.amount,
        currency=row.currency,
        provider=row.provider,
        provider_reference=row.reference,
        settled_by=SettledBy(row.settled_by),
        fee=row.fee,
        net=row.net,
        settlement_currency=row.settlement_currency,
        available_on=row.available_on,
        promise=promise_of(row),
        authorized_amount=row.authorized,
        capture_before=row.capture_before,
        to_capture=row.to_capture,
        failure=row.failure,
    )


async def read_link_page(session: AsyncSession, token: str) -> PaymentPageView | None:
    """What the page of a link for several entries shows. Its language is that of the first checkout's customer."""
    link = await session.scalar(select(CombinedLinkRow).where(CombinedLinkRow.token == token))
    if link is None:
        return None
    lead = await session.get_one(CheckoutRow, link.lead_id)
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, link.merchant_id)).config)
    members = await waiting_on(session, link.id)
    status = (await standing_of_link(session, link.id)).status
    payable = [member for member in members if member.owed]
    over = status is CheckoutStatus.AWAITING_PAYMENT and link.expires_at <= datetime.now(UTC)
    return PaymentPageView(
        checkout_id=link.id,
        merchant_id=link.merchant_id,
        workflow_id=link.workflow_id,
        assignment_key=", ".join(member.checkout.assignment_key for member in members),
        status=CheckoutStatus.EXPIRED if over else status,
        language=from_json(CheckoutRequest, lead.request).customer.language,
        time_zone=merchant.time_zone,
        expires_at=link.expires_at,
        seller=merchant.seller,
        branding=merchant.branding,
        cart=None,
        link_id=link.id,
        link_currency=link.currency,
        payables=tuple(
            PayableView(assignment_key=member.checkout.assignment_key, amount=member.owed) for member in payable
        ),
        attempt=await latest_of_link(session, link.id),
        promise=None if payable else await promises_on(session, members),
        redirects=from_json(LinkRequest, link.request).redirects,
    )
