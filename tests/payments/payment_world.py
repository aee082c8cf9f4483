"""One checkout with everything that can happen to its money, each as one step, as the runs and the provider do it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from adapters.postgres.cases import PostgresCases
from adapters.postgres.checkouts import PostgresCheckoutBook
from adapters.postgres.database import Sessions
from adapters.postgres.disputes import PostgresDisputeBook
from adapters.postgres.late_money import PostgresLateMoneyBook
from adapters.postgres.refunds import PostgresRefundBook
from adapters.postgres.settlements import PostgresSettlementBook
from domain.capture_modes import CaptureMode
from domain.captures import AskCapture, CaptureOrder, CaptureRequest
from domain.cases import DecideCase, OfCase, RecordRefund, SortOut, Task
from domain.checkout import CheckoutStatus
from domain.disputes import DisputeStatus, RecordDispute
from domain.errors import ProviderRefused
from domain.late_money import Decision
from domain.money import Money
from domain.payments import PaymentReport, PaymentStatus, Promise, SessionReport, SessionStatus, SettledBy
from domain.refund_steps import AdoptRefund, ApplyRefund, DecideRefund, OfRefund
from domain.refunds import RefundOrder, RefundReport, RefundStatus
from domain.settlement_steps import DoSettlement
from domain.settlements import CancelEntry, CreditBalance, Reduce, ReductionKind, Request, Settle, settlement_id
from domain.steps import Close, Findings, Promised, RecordFindings
from tests.fakes.provider import FakeProvider
from tests.payments.books import Books

MONEY_RUN = "late-payment:proof"
MONEY = {PaymentStatus.COLLECTED, PaymentStatus.FINAL}


@dataclass(kw_only=True)
class PaymentWorld:
    """The books of one checkout, its provider, and a clock. `pictures` is all the provider ever said, in order."""

    books: Books
    attempts: int = 0
    current: str | None = None
    closed: bool = False
    deeds: int = 0
    neighbours: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    pictures: list[Findings] = field(default_factory=list)
    payments: list[tuple[str, PaymentReport]] = field(default_factory=list)

    @classmethod
    async def opened(cls, sessions: Sessions, capture: CaptureMode) -> "PaymentWorld":
        """A fresh checkout with a link."""
        return cls(books=await Books.opened(sessions, FakeProvider(), capture=capture))

    @property
    def provider(self) -> FakeProvider:
        """The provider."""
        return self.books.provider

    async def rows(self, query: str) -> Sequence[Row[Any]]:
        """What the books say of this checkout: `:id` is its id."""
        async with self.books.sessions() as session:
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            return (await session.execute(text(query), {"id": self.books.entry.checkout_id})).all()

    async def status(self) -> CheckoutStatus:
        """Where the checkout stands."""
        [row] = await self.rows("SELECT status FROM checkouts WHERE id = :id")
        return CheckoutStatus(row.status)

    # The customer and his bank

    async def press_pay(self) -> None:
        """The run opens a session, after the one before was expired and read back."""
        if await self.status() is not CheckoutStatus.AWAITING_PAYMENT:
            return
        if self.current is not None:
            await self._expire(self.current)
        if await self.status() is not CheckoutStatus.AWAITING_PAYMENT or await self.promised():
            return
        self.attempts += 1
        self.current = await self.books.open_session(self.attempts)

    def customer_pays(self, session_id: str, difference: int, currency: str | None) -> None:
        """He pays what is asked, or something else; only an open session takes money."""
        if self.provider.reports[session_id].status is SessionStatus.OPEN:
            asked = self.provider.orders[session_id].amount
            self.provider.pay(session_id, amount=max(1, asked + difference), currency=currency)
            self._picture(self.provider.reports[session_id])

    def card_is_declined(self, session_id: str) -> None:
        """The session stays open."""
        if self.provider.reports[session_id].status is SessionStatus.OPEN:
            self.provider.decline(session_id)
            self._picture(self.provider.reports[session_id])

    def customer_orders_transfer(self, session_id: str) -> None:
        """His bank is to pay, which takes days."""
        report = self.provider.reports[session_id]
        if report.status is SessionStatus.OPEN and not self.provider.orders[session_id].manual_capture:
            self.provider.order_transfer(session_id)
            self._picture(self.provider.reports[session_id])

    def promise_ends(self, session_id: str, *, well: bool) -> None:
        """The bank has answered, or somebody captured the authorization at the provider or let it lapse."""
        payment = self.provider.reports[session_id].payment
        if payment is None or payment.promise is None:
            return
        if well or payment.promise is Promise.DELAYED:
            self.provider.settle_transfer(payment.reference, paid=well)
        else:
            self.provider.lapse(payment.reference)
        self._picture(self.provider.reports[session_id])

    def money_comes_twice(self, session_id: str) -> None:
        """A second capture for the same purchase."""
        number = len(self.provider.elsewhere)
        reference = self.provider.pay_elsewhere(self.provider.orders[session_id], f"pi_second_{session_id}_{number}")
        payment = self.provider.elsewhere[reference]
        self.pictures.append(Findings(payment=payment))
        self.payments.append((session_id, payment))

    def _picture(self, report: SessionReport) -> None:
        self.pictures.append(
            Findings(session_id=report.session_id, session_status=report.status, payment=report.payment)
        )
        if report.payment is not None and report.payment.status in MONEY:
            self.payments.append((report.session_id, report.payment))

    # What the runs do

    async def look(self, session_id: str, settled_by: SettledBy) -> None:
        """Apply what the provider says of a session now."""
        report = await self.provider.read_session("meridian", session_id)
        await self.apply(
            Findings(session_id=session_id, session_status=report.status, payment=report.payment),
            settled_by=settled_by,
        )

    async def apply(self, *pictures: Findings, settled_by: SettledBy) -> None:
        """Apply pictures in one step, however old they are."""
        await self.books.payments.record_findings(
            RecordFindings(
                merchant_id="meridian",
                checkout_id=self.books.entry.checkout_id,
                findings=pictures,
                settled_by=settled_by,
            )
        )
        if any(one.session_status is not SessionStatus.OPEN and one.session_id == self.current for one in pictures):
            self.current = None

    async def promised(self) -> tuple[Promised, ...]:
        """What the entry waits for."""
        if not any(picture.payment and picture.payment.promise for picture in self.pictures):
            return ()
        step = RecordFindings(
            merchant_id="meridian", checkout_id=self.books.entry.checkout_id, findings=(), settled_by=SettledBy.POLL
        )
        return (await self.books.payments.record_findings(step)).promised

    async def shop_captures(self, share: int) -> None:
        """The shop wants a share (per cent) of the authorization that waits; the run captures it and reads it back."""
        held = next((one for one in await self.promised() if one.promise is Promise.AUTHORIZED), None)
        if held is None or await self.status() is not CheckoutStatus.AWAITING_PAYMENT:
            return
        amount = Money(max(1, held.amount * share // 100), held.currency).to_decimal_string()
        request = CaptureRequest(checkout_id=self.books.entry.checkout_id, amount=amount)
        await self.books.payments.ask_capture(AskCapture(merchant_id="meridian", request=request))
        for one in await self.promised():
            if one.capture is not None:
                await self._capture(one.reference, one.capture, one.currency)

    async def _capture(self, reference: str, amount: int, currency: str) -> None:
        order = CaptureOrder(
            merchant_id="meridian",
            payment_reference=reference,
            amount=amount,
            currency=currency,
            idempotency_key=f"{reference}:capture:{amount}",
        )
        payment = await self.provider.capture_payment(order)
        self._note(payment)
        await self.apply(Findings(payment=payment), settled_by=SettledBy.POLL)

    async def release(self, reference: str) -> None:
        """The run lets an authorization go and reads it back."""
        payment = await self.provider.cancel_payment("meridian", reference)
        await self.apply(Findings(payment=payment), settled_by=SettledBy.POLL)

    def _note(self, payment: PaymentReport) -> None:
        """What was captured can be refunded."""
        for session_id, report in self.provider.reports.items():
            if payment.status in MONEY and report.payment == payment:
                self.payments.append((session_id, payment))

    async def carry_on(self) -> None:
        """The next step of the checkout's run, if it can be done."""
        match await self.status():
            case CheckoutStatus.CAPTURED:
                await self.books.order()
            case CheckoutStatus.ORDERED:
                await self.books.balance()
            case CheckoutStatus.BALANCED:
                await self.books.invoice()

    async def repeat(self) -> None:
        """The step before is done again: its answer was lost."""
        match await self.status():
            case CheckoutStatus.ORDERED:
                await self.books.order()
            case CheckoutStatus.BALANCED:
                await self.books.balance()
            case CheckoutStatus.INVOICED:
                await self.books.invoice()

    async def link_ends(self, status: CheckoutStatus) -> None:
        """The session is expired and read back; without enough money the checkout is closed."""
        if await self.status() is not CheckoutStatus.AWAITING_PAYMENT:
            return
        if self.current is not None:
            await self._expire(self.current)
        if status is CheckoutStatus.CANCELED:
            for one in await self.promised():
                await self.release(one.reference)
        if await self.status() is not CheckoutStatus.AWAITING_PAYMENT or await self.promised():
            return
        book = PostgresCheckoutBook(self.books.sessions, allow_local_redirects=True)
        step = Close(merchant_id="meridian", checkout_id=self.books.entry.checkout_id, status=status)
        await book.close(step)
        self.closed = True

    async def _expire(self, session_id: str) -> None:
        await self.provider.expire_session("meridian", session_id)
        await self.look(session_id, SettledBy.POLL)

    # Refunds and disputes

    async def refund_in_dashboard(self, payment: PaymentReport, share: int) -> str | None:
        """Somebody gives a share (per cent) of what is left back at the provider; answers the refund's id."""
        left = payment.amount - self.provider.refunded(payment.reference)
        amount = left * share // 100
        if amount <= 0:
            return None
        return self.provider.refund_at_provider(payment.reference, amount, payment.currency)

    async def hear_refund(self, reference: str) -> None:
        """The refund's run looks, and books what it can book by now."""
        report, book = self.provider.refunds[reference], PostgresRefundBook(self.books.sessions)
        adopted = await book.adopt(AdoptRefund(merchant_id="meridian", report=report))
        if adopted is not None:
            await book.apply(
                ApplyRefund(merchant_id="meridian", refund_id=adopted.refund_id, money_run=MONEY_RUN, report=report)
            )

    def refund_comes_back(self, reference: str) -> None:
        """The customer's bank sends it back."""
        self.provider.settle_refund(reference, RefundStatus.FAILED, "account closed")

    def dispute(self, session_id: str, share: int) -> str | None:
        """The bank takes a share (per cent) of a payment back; answers the dispute's id."""
        payment = self.provider.reports[session_id].payment
        if payment is None or payment.status not in MONEY:
            return None
        taken = sum(one.amount for one in self.provider.disputes.values() if one.payment_reference == payment.reference)
        amount = (payment.amount - self.provider.refunded(payment.reference) - taken) * share // 100
        return self.provider.dispute(session_id, amount=amount) if amount > 0 else None

    async def hear_dispute(self, reference: str) -> None:
        """The dispute's run looks."""
        report = self.provider.disputes[reference]
        step = RecordDispute(merchant_id="meridian", report=report, event_ids=(), at=self.at)
        await PostgresDisputeBook(self.books.sessions).record_dispute(step)

    def bank_decides(self, reference: str, *, won: bool) -> None:
        """Once, and for good."""
        if self.provider.disputes[reference].status is DisputeStatus.OPENED:
            self.provider.close_dispute(reference, DisputeStatus.WON if won else DisputeStatus.LOST)

    # What a person does with the entry, and with money that lies there

    async def reduce(self, amount: int, kind: ReductionKind, strategy: CreditBalance | None) -> None:
        """Less is owed."""
        await self._settle(
            Reduce(
                key=f"R-{self.books.entry.entry_id}-{self.deeds}",
                entry_id=self.books.entry.entry_id,
                amount=f"{amount / 100:.2f}",
                reduction=kind,
                reason="scratched",
                credit_balance=strategy,
            )
        )

    async def cancel(self, strategy: CreditBalance | None) -> None:
        """Nothing is owed any more, for good."""
        await self._settle(
            CancelEntry(entry_id=self.books.entry.entry_id, reason="ordered twice", credit_balance=strategy)
        )

    async def settle_neighbours(self, which: int, amount: int | None) -> None:
        """Available money of a payment settles the entries of two other checkouts."""
        payments = await self.rows("SELECT id FROM payments WHERE checkout_id = :id ORDER BY id")
        if not payments:
            return
        if not self.neighbours:
            opened = [await Books.opened(self.books.sessions, FakeProvider()) for _ in range(2)]
            self.neighbours = tuple(books.entry.entry_id for books in opened)
        await self._settle(
            Settle(
                key=f"S-{self.books.entry.entry_id}-{self.deeds}",
                entries=self.neighbours,
                payment_id=payments[which % len(payments)].id,
                amount=None if amount is None else f"{amount / 100:.2f}",
            )
        )

    async def _settle(self, request: Request) -> None:
        """It is done, or refused without effect; then it is asked for once more, which changes nothing."""
        self.deeds += 1
        step = DoSettlement(
            merchant_id="meridian",
            settlement_id=settlement_id("meridian", request.key),
            opened_by="anna",
            by="anna",
            request=request,
            at=self.at,
        )
        book = PostgresSettlementBook(self.books.sessions)
        done = await book.settle(step)
        if done.hindrance is None:
            assert await book.settle(step) == done

    async def give_freed_money_back(self, *, approved: bool) -> None:
        """The refunds of money that was set free go their way, or are rejected."""
        book = PostgresRefundBook(self.books.sessions)
        for row in await self.rows(
            "SELECT id, status FROM refunds WHERE checkout_id = :id AND origin = 'credit_balance' "
            "AND status IN ('prepared', 'approved')"
        ):
            if row.status == RefundStatus.PREPARED:
                await book.decide(
                    DecideRefund(merchant_id="meridian", refund_id=row.id, approved=approved, by="anna", reason="so")
                )
            await self._order(book, row.id)

    async def _order(self, book: PostgresRefundBook, refund_id: str) -> None:
        order = (await book.release(OfRefund(merchant_id="meridian", refund_id=refund_id))).order
        if order is None:
            return
        report, failure = None, None
        try:
            report = await self.provider.refund_payment(order)
        except ProviderRefused as refusal:
            failure = str(refusal)
        await book.apply(
            ApplyRefund(
                merchant_id="meridian", refund_id=refund_id, money_run=MONEY_RUN, report=report, failure=failure
            )
        )

    # Money that does not fit

    async def sort_out(self) -> bool:
        """The run for late money finds what does not fit, and carries one decision out; False if there is none."""
        docket = await self._late_money.sort_out(
            SortOut(
                merchant_id="meridian",
                checkout_id=self.books.entry.checkout_id,
                payment_reference=None,
                workflow_id=MONEY_RUN,
                at=self.at,
            )
        )
        for reference in docket.needless:
            await self.release(reference)
        if docket.task is not None:
            await self._carry_out(docket.task)
        return docket.task is not None or bool(docket.needless)

    async def _carry_out(self, task: Task) -> None:
        step = OfCase(merchant_id="meridian", case_id=task.case_id, at=self.at)
        if task.decision is Decision.REFUND:
            await self._refund(task)
        elif await self._late_money.reopen(step):
            self.closed = False
            for _ in range(3):
                await self.carry_on()
            await self._late_money.settle(step)

    async def _refund(self, task: Task) -> None:
        order = RefundOrder(
            merchant_id="meridian",
            payment_reference=task.payment_reference,
            amount=task.amount,
            currency=task.currency,
            idempotency_key=f"{task.case_id}:refund",
            refund_id=task.case_id,
        )
        try:
            report = await self.provider.refund_payment(order)
        except ProviderRefused as refusal:
            report = RefundReport(
                reference="",
                status=RefundStatus.FAILED,
                amount=task.amount,
                currency=task.currency,
                failure=str(refusal),
            )
        step = RecordRefund(merchant_id="meridian", case_id=task.case_id, refund=report, at=self.at)
        await self._late_money.record_refund(step)

    async def decide(self, choice: int) -> None:
        """A person decides the oldest open case."""
        cases = await self.rows(
            "SELECT id, options FROM cases WHERE checkout_id = :id AND decided_at IS NULL ORDER BY opened_at, id"
        )
        if not cases:
            return
        case = cases[0]
        step = DecideCase(
            merchant_id="meridian",
            case_id=case.id,
            decision=case.options[choice % len(case.options)],
            reason="as I see it",
            by="ops",
            at=self.at,
        )
        await PostgresCases(self.books.sessions).decide(step)

    def days_pass(self, days: int) -> None:
        """Reminders become due."""
        self.at += timedelta(days=days)

    @property
    def _late_money(self) -> PostgresLateMoneyBook:
        return PostgresLateMoneyBook(self.books.sessions)
