"""Links for several entries: issued once, and what their payments bring assigned to the entries in order."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.assignments import assign
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.expectations import promise_of
from adapters.postgres.findings import is_awaited, owed_on, payments_of
from adapters.postgres.tables import CheckoutRow, EntryItemRow, EntryRow, MerchantRow, PaymentRow, ProviderSessionRow
from adapters.postgres.tables_settlements import CombinedLinkEntryRow, CombinedLinkRow
from domain.capture_modes import CaptureMode
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.combined_links import LINK_ID_PREFIX, Member, check
from domain.entries import EntryItemKind, EntryStatus
from domain.errors import InvalidInput
from domain.merchants import Merchant
from domain.payments import PaymentReport, Promise
from domain.settlement_steps import CreatedLink, CreateLink, Hindrance, Obstacle, OfLink
from domain.steps import Findings, Standing

PROCESS = "payment_link"


class PostgresLinkBook:
    """Implements `domain.ports.LinkBook`. `allow_local_redirects` is for the sandbox only."""

    def __init__(self, sessions: Sessions, *, allow_local_redirects: bool) -> None:
        self._sessions = sessions
        self._allow_local_redirects = allow_local_redirects

    async def create(self, step: CreateLink) -> CreatedLink:
        async with self._sessions.begin() as session:
            known = await session.get(CombinedLinkRow, step.link_id)
            if known is not None:
                return _created(known)
            merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
            members = await _asked_for(session, step)
            try:
                check(
                    step.request,
                    [_member(member, merchant) for member in members],
                    origins=merchant.redirect_origins,
                    allow_local=self._allow_local_redirects,
                )
            except InvalidInput as error:
                hindrance = Hindrance(kind=Obstacle.INVALID, violations=error.violations)
                return CreatedLink(hindrance=hindrance)
            return await _write_down(session, step, [member for member in members if member is not None])

    async def find(self, step: OfLink) -> CreatedLink:
        async with self._sessions.begin() as session:
            row = await session.get(CombinedLinkRow, step.link_id)
            if row is None or row.merchant_id != step.merchant_id:
                return CreatedLink(hindrance=Hindrance(kind=Obstacle.NO_LINK))
            return _created(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An entry of a link, with its checkout. `owed` is what it still takes beyond the money that lies there for it,
    and that is promised to it."""

    entry: EntryRow
    checkout: CheckoutRow
    owed: int


async def waiting_on(session: AsyncSession, link_id: str) -> list[Waiting]:
    """The entries of a link in its order; one whose checkout awaits no payment owes nothing here."""
    found = await session.execute(
        select(EntryRow, CheckoutRow)
        .join(CombinedLinkEntryRow, CombinedLinkEntryRow.entry_id == EntryRow.id)
        .join(CheckoutRow, CheckoutRow.id == EntryRow.checkout_id)
        .where(CombinedLinkEntryRow.link_id == link_id)
        .order_by(CombinedLinkEntryRow.position)
    )
    return [await _waiting(session, entry, checkout) for entry, checkout in found.all()]


async def _waiting(session: AsyncSession, entry: EntryRow, checkout: CheckoutRow) -> Waiting:
    owed = owed_on(entry, await payments_of(session, checkout.id))
    awaited = awaits_payment(checkout) and entry.status == EntryStatus.OPEN
    missing = max(0, owed.outstanding - owed.available - entry.expected) if awaited else 0
    return Waiting(entry=entry, checkout=checkout, owed=missing)


def awaits_payment(checkout: CheckoutRow) -> bool:
    """Whether the checkout still waits for its customer, if need be beside a person."""
    before = (checkout.review or {}).get("before", checkout.status)
    return bool(before == CheckoutStatus.AWAITING_PAYMENT)


async def links_of(session: AsyncSession, merchant_id: str, findings: Sequence[Findings]) -> dict[str, str]:
    """The links that payments came by, by the reference of the payment.

    What a session or payment belongs to is known here however the provider words it.
    """
    references = [finding.payment.reference for finding in findings if finding.payment]
    by_payment = await session.execute(
        select(PaymentRow.reference, PaymentRow.link_id).where(
            PaymentRow.merchant_id == merchant_id, PaymentRow.reference.in_(references), PaymentRow.link_id.is_not(None)
        )
    )
    sessions = [finding.session_id for finding in findings if finding.session_id]
    by_session = await session.execute(
        select(ProviderSessionRow.session_id, ProviderSessionRow.link_id).where(
            ProviderSessionRow.merchant_id == merchant_id,
            ProviderSessionRow.session_id.in_(sessions),
            ProviderSessionRow.link_id.is_not(None),
        )
    )
    of_session = {session_id: link_id for session_id, link_id in by_session if link_id}
    known = {reference: link_id for reference, link_id in by_payment if link_id}
    for finding in findings:
        payment = finding.payment
        if payment is None or payment.reference in known:
            continue
        if (
            link_id := of_session.get(finding.session_id or "") or await _named(session, merchant_id, payment)
        ) is not None:
            known[payment.reference] = link_id
    return known


async def _named(session: AsyncSession, merchant_id: str, payment: PaymentReport) -> str | None:
    """The link that the provider names in the place of a checkout, if there is such a link."""
    if not (payment.checkout_id or "").startswith(LINK_ID_PREFIX):
        return None
    row = await session.get(CombinedLinkRow, payment.checkout_id)
    return row.id if row is not None and row.merchant_id == merchant_id else None


async def members_of(session: AsyncSession, merchant_id: str, links: Collection[str]) -> dict[str, list[str]]:
    """The checkouts of each of these links, in the order of their entries."""
    found = await session.execute(
        select(CombinedLinkEntryRow.link_id, CombinedLinkEntryRow.checkout_id)
        .where(CombinedLinkEntryRow.merchant_id == merchant_id, CombinedLinkEntryRow.link_id.in_(links))
        .order_by(CombinedLinkEntryRow.link_id, CombinedLinkEntryRow.position)
    )
    members: dict[str, list[str]] = {}
    for link_id, checkout_id in found:
        members.setdefault(link_id, []).append(checkout_id)
    return members


async def distribute(session: AsyncSession, link_id: str, payment: PaymentRow) -> None:
    """Assign money that has just come by a link to the entries that it covers, in order, those that wait for other
    money last.

    What is left stays with the first: a part of the price is put on no entry unasked.
    """
    for member in sorted(await waiting_on(session, link_id), key=lambda member: member.entry.expected > 0):
        others = [other for other in await payments_of(session, member.checkout.id) if other.id != payment.id]
        owed = owed_on(member.entry, others)
        missing = owed.outstanding - owed.available
        if awaits_payment(member.checkout) and 0 < missing <= payment.available:
            await assign(session, member.entry, payment, missing, PROCESS)
    await session.flush()


async def is_short(session: AsyncSession, payment: PaymentRow) -> bool:
    """Whether a payment came by a link of which an entry still waits for money."""
    if payment.link_id is None:
        return False
    return any(member.owed for member in await waiting_on(session, payment.link_id))


async def to_be_told(session: AsyncSession, links: Collection[str], teller: str) -> tuple[str, ...]:
    """The runs of checkouts that wait though there is money on their entries, other than the one that asks."""
    found = await session.execute(
        select(CheckoutRow)
        .join(CombinedLinkEntryRow, CombinedLinkEntryRow.checkout_id == CheckoutRow.id)
        .join(EntryRow, EntryRow.checkout_id == CheckoutRow.id)
        .where(CombinedLinkEntryRow.link_id.in_(links), EntryRow.assigned > 0, CheckoutRow.id != teller)
        .distinct()
    )
    return tuple(sorted(row.workflow_id for row in found.scalars() if awaits_payment(row)))


async def standing_of_link(session: AsyncSession, link_id: str) -> Standing:
    """A link stands as its entries do: payable while one of them is, awaited while money is on its way to one."""
    members = await waiting_on(session, link_id)
    captured = await session.scalars(
        select(PaymentRow.captured).where(PaymentRow.link_id == link_id, PaymentRow.captured > 0)
    )
    owed = sum(member.owed for member in members)
    if owed or any(awaits_payment(m.checkout) and m.entry.expected for m in members):
        status = CheckoutStatus.AWAITING_PAYMENT
    elif any(not awaits_payment(m.checkout) and is_awaited(m.checkout) for m in members) or any(
        m.entry.status == EntryStatus.BALANCED for m in members
    ):
        status = CheckoutStatus.CAPTURED
    else:
        status = CheckoutStatus.CANCELED
    return Standing(status=status, captured=sum(captured), covered=owed == 0)


async def promises_on(session: AsyncSession, members: Collection[Waiting]) -> Promise | None:
    """Why money is on its way to the entries of a link by links of their own, if it is."""
    rows = await session.scalars(
        select(PaymentRow)
        .join(EntryItemRow, EntryItemRow.payment_id == PaymentRow.id)
        .where(
            EntryItemRow.entry_id.in_([member.entry.id for member in members]),
            EntryItemRow.kind == EntryItemKind.EXPECTED,
        )
    )
    return min((promise for row in rows if (promise := promise_of(row)) is not None), default=None)


async def _asked_for(session: AsyncSession, step: CreateLink) -> list[Waiting | None]:
    """The entries in the order in which they were named; None for what is no entry of this merchant."""
    found = await session.execute(
        select(EntryRow, CheckoutRow)
        .join(CheckoutRow, CheckoutRow.id == EntryRow.checkout_id)
        .where(EntryRow.merchant_id == step.merchant_id, EntryRow.id.in_(step.request.entries))
    )
    known = {entry.id: await _waiting(session, entry, checkout) for entry, checkout in found.all()}
    return [known.get(entry_id) for entry_id in step.request.entries]


def _member(waiting: Waiting | None, merchant: Merchant) -> Member | None:
    if waiting is None:
        return None
    mode = from_json(CheckoutRequest, waiting.checkout.request).capture or merchant.capture
    return Member(
        currency=waiting.entry.currency,
        status=CheckoutStatus(waiting.checkout.status),
        owed=waiting.owed,
        promised=waiting.entry.expected > 0,
        captured_by_hand=mode is CaptureMode.MANUAL,
    )


async def _write_down(session: AsyncSession, step: CreateLink, members: Sequence[Waiting]) -> CreatedLink:
    await session.execute(
        insert(CombinedLinkRow)
        .values(
            id=step.link_id,
            merchant_id=step.merchant_id,
            token=secrets.token_urlsafe(24),
            lead_id=members[0].checkout.id,
            currency=members[0].entry.currency,
            request=to_json(step.request),
            workflow_id=step.workflow_id,
            opened_by=step.opened_by,
            expires_at=step.expires_at,
        )
        .on_conflict_do_nothing(index_elements=[CombinedLinkRow.id])
    )
    for position, member in enumerate(members, start=1):
        await session.execute(
            insert(CombinedLinkEntryRow)
            .values(
                link_id=step.link_id,
                position=position,
                merchant_id=step.merchant_id,
                checkout_id=member.checkout.id,
                entry_id=member.entry.id,
            )
            .on_conflict_do_nothing(index_elements=[CombinedLinkEntryRow.link_id, CombinedLinkEntryRow.position])
        )
    return _created(await session.get_one(CombinedLinkRow, step.link_id))


def _created(row: CombinedLinkRow) -> CreatedLink:
    return CreatedLink(link_id=row.id, lead=row.lead_id, opened_by=row.opened_by, expires_at=row.expires_at)
