"""A merchant whose books have seen everything, and the clerk who brought it about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.assignments import reduce
from adapters.postgres.books import PostgresBooks
from adapters.postgres.database import new_id
from adapters.postgres.disputes import PostgresDisputeBook
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.payouts import PostgresPayoutBook
from adapters.postgres.refunds import PostgresRefundBook
from adapters.postgres.tables import EntryRow, InvoiceRow
from adapters.postgres.tables_billing import InvoiceEntryRow
from adapters.postgres.tables_settlements import SettlementRow
from domain.book_settings import BookSettings
from domain.corrections import LineCredit
from domain.disputes import DisputeReport, DisputeStatus, RecordDispute
from domain.invoices import InvoiceKind
from domain.merchants import Merchant
from domain.payments import PaymentReport
from domain.payouts import PayoutItem, PayoutItemKind, PayoutReport, PayoutStatus, ReconcilePayout
from domain.refund_steps import AdoptRefund, ApplyRefund
from domain.refunds import RefundReport, RefundStatus
from domain.settlements import ReductionKind
from domain.steps import Entry
from tests.clerk import Clerk, a_request, captured, of_checkout, of_invoice
from tests.fakes.merchants import NORDWERK
from tests.integration.test_corrections import correct

SKR03 = replace(NORDWERK, books=BookSettings(chart="skr03", consultant=29098, client=55003))
YEAR = datetime.now(UTC).year
FIRST_DAY, LAST_DAY = date(YEAR, 1, 1), date(YEAR, 12, 31)
MIXED = [
    {"name": "Stuhl", "quantity": "3", "unit_price": "33.33", "tax_category": "S", "tax_rate": "19"},
    {"name": "Buch", "quantity": "1", "unit_price": "12.80", "tax_category": "S", "tax_rate": "7"},
    {"name": "Porto", "quantity": "1", "unit_price": "4.99", "tax_category": "Z", "tax_rate": "0"},
]
"""A cart of three rates."""
DEPOSIT, GOODS = [
    [
        {"name": name, "quantity": "1", "unit_price": price, "tax_category": "S", "tax_rate": rate}
        for price, rate in parts
    ]
    for name, parts in (
        ("Anzahlung", [("119.00", "19"), ("107.00", "7")]),
        ("Möbel", [("658.00", "19"), ("181.00", "7")]),
    )
]
"""Carts of two rates."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """The clerk, and the books he fills."""

    clerk: Clerk

    @property
    def books(self) -> PostgresBooks:
        """What accountants use."""
        return PostgresBooks(self.clerk.sessions)

    async def keeps(self, merchant: Merchant) -> None:
        """The merchant changes how he keeps books."""
        await PostgresMerchants(self.clerk.sessions).save(merchant)

    async def rows(self, query: str, **values: Any) -> Sequence[Any]:
        """What the database says."""
        async with self.clerk.engine.connect() as connection:
            return (await connection.execute(text(query), values)).all()

    async def sold(self, *, at: datetime | None = None, fee: int | None = None, **changes: Any) -> Entry:
        """A checkout that was paid, ordered, balanced and invoiced."""
        entry = await self.clerk.open(request=a_request(**changes))
        await self.paid(entry, captured_at=at or datetime.now(UTC), fee=fee, settlement_currency=entry.currency)
        await self.clerk.orders.create_sales_order(of_checkout(entry))
        await self.clerk.balance(entry)
        await self.clerk.bill(entry)
        return entry

    async def paid(self, entry: Entry, **changes: Any) -> PaymentReport:
        """The provider captured what the entry asks for, or something else."""
        report = replace(captured(entry, amount=entry.amount, currency=entry.currency), **changes)
        await self.clerk.find(entry, report)
        return report

    async def refunded(self, entry: Entry, amount: int, *, back: bool = False) -> str:
        """Somebody gave a part back at the provider; `back` when the bank returns it. Answers the reference."""
        book, reference = PostgresRefundBook(self.clerk.sessions), f"re_{entry.checkout_id}_{amount}"
        for status in [RefundStatus.REFUNDED, *([RefundStatus.FAILED] if back else [])]:
            report = RefundReport(
                reference=reference,
                status=status,
                amount=amount,
                currency=entry.currency,
                payment_reference=f"pi_{entry.checkout_id}",
            )
            adopted = await book.adopt(AdoptRefund(merchant_id=entry.merchant_id, report=report))
            assert adopted is not None
            await book.apply(
                ApplyRefund(merchant_id=entry.merchant_id, refund_id=adopted.refund_id, money_run="late", report=report)
            )
        return reference

    async def disputed(self, entry: Entry, *statuses: DisputeStatus, amount: int, fee: int | None = None) -> str:
        """A bank takes money back, and decides. Answers the reference."""
        reference = f"du_{entry.checkout_id}"
        for status in statuses:
            report = DisputeReport(
                reference=reference,
                payment_reference=f"pi_{entry.checkout_id}",
                status=status,
                amount=amount,
                currency=entry.currency,
                withdrawn=True,
                reason="fraudulent",
                opened_at=datetime.now(UTC),
                fee=fee,
            )
            step = RecordDispute(merchant_id=entry.merchant_id, report=report, event_ids=(), at=datetime.now(UTC))
            await PostgresDisputeBook(self.clerk.sessions).record_dispute(step)
        return reference

    async def paid_out(
        self, reference: str, status: PayoutStatus, *items: PayoutItem, amount: int | None = None
    ) -> None:
        """The provider transfers money to the bank, in euro."""
        total = sum(item.net for item in items) if amount is None else amount
        report = PayoutReport(
            reference=reference,
            status=status,
            amount=total,
            currency="EUR",
            arrives_on=datetime.now(UTC).date(),
            manual=False,
            itemized=True,
            items=items,
        )
        step = ReconcilePayout(merchant_id=NORDWERK.id, reference=reference, event_ids=(), at=datetime.now(UTC))
        await PostgresPayoutBook(self.clerk.sessions).record_payout(step, report)

    async def invoice_of(self, entry: Entry, kind: InvoiceKind = InvoiceKind.INVOICE) -> InvoiceRow:
        """The latest document of a kind."""
        async with self.clerk.sessions() as session:
            found = await session.scalars(
                select(InvoiceRow)
                .join(InvoiceEntryRow, InvoiceEntryRow.invoice_id == InvoiceRow.id)
                .where(InvoiceEntryRow.entry_id == entry.entry_id, InvoiceRow.kind == kind)
                .order_by(InvoiceRow.finalized_at.desc())
            )
            return found.first() or _none(kind)

    async def corrected(self, entry: Entry, kind: InvoiceKind, **wanted: Any) -> None:
        """The shop takes the invoice back, or a part of it."""
        invoice = await self.clerk.bill(entry)
        issued = await correct(self.clerk, of_invoice(entry, invoice), kind, **wanted)
        assert issued.refusal is None, issued.refusal

    async def gave_up(self, entry: Entry, amount: int) -> None:
        """Somebody decides that a part is not owed any more; negative: that it is after all."""
        async with self.clerk.sessions.begin() as session:
            row = await session.get_one(EntryRow, entry.entry_id, with_for_update=True)
            reduce(row, amount)
            if amount > 0:
                session.add(_write_off(row, amount))
            else:
                await _taken_back(session, row)
            await booked.given_up(session, row)


def _none(kind: InvoiceKind) -> InvoiceRow:
    raise LookupError(kind)


def _write_off(entry: EntryRow, amount: int) -> SettlementRow:
    return SettlementRow(
        id=new_id("stl"),
        merchant_id=entry.merchant_id,
        key=new_id("key"),
        kind="reduce",
        currency=entry.currency,
        amount=amount,
        request={},
        moves=[],
        consequences={},
        opened_by="office",
        done_by="office",
        entry_id=entry.id,
        reduction=ReductionKind.WRITE_OFF,
        credited=0,
    )


async def _taken_back(session: AsyncSession, entry: EntryRow) -> None:
    await session.execute(delete(SettlementRow).where(SettlementRow.entry_id == entry.id))


async def a_busy_year(office: Office) -> None:
    """Sales of several rates with fees, refunds, disputes, surplus and foreign money, a write-off, corrections, a
    deposit, payouts."""
    await office.keeps(SKR03)
    plain = await office.sold(fee=1_266)
    mixed = await office.sold(lines=MIXED, discounts=[{"name": "Sommer", "amount": "7.77"}], total=None, fee=203)
    await office.refunded(plain, 10_000)
    await office.refunded(mixed, 1_111, back=True)
    won = await office.sold(fee=1_300)
    lost = await office.sold(fee=1_300)
    await office.disputed(won, DisputeStatus.OPENED, DisputeStatus.WON, amount=won.amount, fee=1_500)
    lost_reference = await office.disputed(lost, DisputeStatus.OPENED, DisputeStatus.LOST, amount=40_000, fee=1_500)
    await office.gave_up(lost, 40_000)
    await office.paid(plain, reference="pi_twice")
    await office.corrected(await office.sold(lines=MIXED, discounts=[], total=None), InvoiceKind.CANCELATION)
    deposit = await office.sold(document="deposit", lines=DEPOSIT, discounts=[], total=None)
    final = await office.sold(deducts=(deposit.assignment_key,), lines=GOODS, discounts=[], total=None)
    await office.corrected(final, InvoiceKind.CREDIT_NOTE, lines=(LineCredit(position=2, amount="10.01"),))
    dollars = await office.sold(currency="USD", fee=0)
    await office.paid_out(
        "po_1",
        PayoutStatus.PAID,
        charge(plain, plain.amount, 1_266),
        charge(lost, lost.amount, 1_300),
        PayoutItem(
            reference="txn_du",
            kind=PayoutItemKind.DISPUTE,
            source=lost_reference,
            amount=-40_000,
            fee=1_500,
            net=-41_500,
        ),
        charge(dollars, 77_123, 0),
        PayoutItem(reference="txn_fee", kind=PayoutItemKind.FEE, source=None, amount=-299, fee=0, net=-299),
    )
    await office.paid_out("po_2", PayoutStatus.IN_TRANSIT, charge(mixed, mixed.amount, 203))


def charge(entry: Entry, amount: int, fee: int) -> PayoutItem:
    """The charge of an entry's payment in a payout."""
    source = f"pi_{entry.checkout_id}"
    return PayoutItem(
        reference=f"txn_{source}", kind=PayoutItemKind.CHARGE, source=source, amount=amount, fee=fee, net=amount - fee
    )
