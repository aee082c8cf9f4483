"""A payment provider in memory; held to the same contract as the Stripe adapter (`tests/contract`)."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain.captures import CaptureOrder
from domain.disputes import DisputeReport, DisputeStatus
from domain.errors import ProviderRefused
from domain.payments import (
    OpenedSession,
    PaymentReport,
    PaymentStatus,
    Promise,
    ProviderEvent,
    SessionOrder,
    SessionReport,
    SessionStatus,
)
from domain.payouts import PayoutItem, PayoutItemKind, PayoutReport, PayoutStatus
from domain.reconciliation import EventPage
from domain.refunds import RefundOrder, RefundReport, RefundStatus


class FakeProvider:
    """Remembers its sessions. The customer is played by `pay`, `order_transfer` and `decline`.

    `authorizations_end` is what it says of the authorizations made from now on.
    """

    def __init__(self) -> None:
        self.orders: dict[str, SessionOrder] = {}
        self.reports: dict[str, SessionReport] = {}
        self.calls: list[str] = []
        self.disputes: dict[str, DisputeReport] = {}
        self.payouts: dict[tuple[str, str], PayoutReport] = {}
        self.before_expiring: Callable[[str], object] = lambda _: None
        self.refunds: dict[str, RefundReport] = {}
        self.refunds_become: list[RefundStatus] = []
        self.elsewhere: dict[str, PaymentReport] = {}
        self.accounts_unknown: set[str] = set()
        self.accounts_closed: set[str] = set()
        self.messages: list[tuple[datetime, ProviderEvent]] = []
        self.authorizations_end: datetime | None = None
        self.before_capturing: Callable[[str], object] = lambda _: None
        self._keys: dict[str, str] = {}
        self._refund_orders: dict[str, RefundOrder] = {}

    async def open_session(self, order: SessionOrder) -> OpenedSession:
        self.calls.append("open_session")
        session_id = self._keys.setdefault(order.idempotency_key, f"cs_{order.idempotency_key}")
        if self.orders.setdefault(session_id, order) != order:
            raise ProviderRefused("the same key with another order", code="idempotency_key_in_use")
        self.reports.setdefault(session_id, SessionReport(session_id=session_id, status=SessionStatus.OPEN))
        return OpenedSession(
            session_id=session_id, url=f"https://pay.example/{session_id}", expires_at=order.expires_at
        )

    async def read_session(self, merchant_id: str, session_id: str) -> SessionReport:
        self.calls.append("read_session")
        order = self.orders.get(session_id)
        if order is None or order.merchant_id != merchant_id:
            raise ProviderRefused("no such session", code="resource_missing")
        return self.reports[session_id]

    async def expire_session(self, merchant_id: str, session_id: str) -> SessionReport:
        self.before_expiring(session_id)
        report = await self.read_session(merchant_id, session_id)
        if report.status is SessionStatus.OPEN:
            self.reports[session_id] = replace(report, status=SessionStatus.EXPIRED)
        return self.reports[session_id]

    async def read_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        self.calls.append("read_payment")
        if merchant_id in self.accounts_closed:
            raise ProviderRefused("the account is closed", code="account_closed")
        if reference in self.elsewhere:
            return self.elsewhere[reference]
        for session_id, report in self.reports.items():
            mine = self.orders[session_id].merchant_id == merchant_id
            if mine and report.payment is not None and report.payment.reference == reference:
                return report.payment
        raise ProviderRefused("no such payment", code="resource_missing")

    async def capture_payment(self, order: CaptureOrder) -> PaymentReport:
        self.before_capturing(order.payment_reference)
        payment = await self.read_payment(order.merchant_id, order.payment_reference)
        if payment.promise is not Promise.AUTHORIZED:
            return payment
        if order.amount > payment.amount or order.currency != payment.currency:
            raise ProviderRefused("more than was authorized", code="amount_too_large")
        self.calls.append("capture_payment")
        return self._replace_payment(
            payment,
            status=PaymentStatus.COLLECTED,
            amount=order.amount,
            captured_at=datetime.now(UTC),
            promise=None,
            capture_before=None,
        )

    async def cancel_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        payment = await self.read_payment(merchant_id, reference)
        if payment.promise is not Promise.AUTHORIZED:
            return payment
        self.calls.append("cancel_payment")
        return self._ended(payment, PaymentStatus.CANCELED)

    def lapse(self, reference: str) -> None:
        """Nobody captured the authorization in time."""
        self._ended(self._payment(reference), PaymentStatus.EXPIRED, failure="expired")

    def settle_transfer(self, reference: str, *, paid: bool) -> None:
        """The customer's bank has answered."""
        payment = self._payment(reference)
        if paid:
            self._replace_payment(payment, status=PaymentStatus.COLLECTED, captured_at=datetime.now(UTC), promise=None)
        else:
            self._replace_payment(payment, status=PaymentStatus.FAILED, promise=None, failure="bank_refused")

    def _ended(self, payment: PaymentReport, status: PaymentStatus, failure: str | None = None) -> PaymentReport:
        return self._replace_payment(payment, status=status, promise=None, capture_before=None, failure=failure)

    def _payment(self, reference: str) -> PaymentReport:
        of_sessions = (report.payment for report in self.reports.values() if report.payment is not None)
        return next(one for one in (*of_sessions, *self.elsewhere.values()) if one.reference == reference)

    def _replace_payment(self, payment: PaymentReport, **changes: Any) -> PaymentReport:
        changed = replace(payment, **changes)
        if payment.reference in self.elsewhere:
            self.elsewhere[payment.reference] = changed
        for session_id, report in self.reports.items():
            if report.payment is not None and report.payment.reference == payment.reference:
                self.reports[session_id] = replace(report, payment=changed)
        return changed

    async def read_dispute(self, merchant_id: str, reference: str) -> DisputeReport:
        self.calls.append("read_dispute")
        report = self.disputes.get(reference)
        if report is None or self._merchant_of(report.payment_reference) != merchant_id:
            raise ProviderRefused("no such dispute", code="resource_missing")
        return report

    async def read_payout(self, merchant_id: str, reference: str) -> PayoutReport:
        self.calls.append("read_payout")
        if (merchant_id, reference) not in self.payouts:
            raise ProviderRefused("no such payout", code="resource_missing")
        return self.payouts[merchant_id, reference]

    def _merchant_of(self, payment_reference: str | None) -> str | None:
        for session_id, report in self.reports.items():
            if report.payment is not None and report.payment.reference == payment_reference:
                return self.orders[session_id].merchant_id
        return None

    async def refund_payment(self, order: RefundOrder) -> RefundReport:
        """Refunds are through at once, unless `refunds_become` says what the next ones are."""
        self.calls.append("refund_payment")
        reference = f"re_{order.idempotency_key}"
        if self._refund_orders.setdefault(reference, order) != order:
            raise ProviderRefused("the same key with another order", code="idempotency_key_in_use")
        if reference not in self.refunds:
            payment = await self.read_payment(order.merchant_id, order.payment_reference)
            if (
                payment.currency != order.currency
                or self.refunded(order.payment_reference) + order.amount > payment.amount
            ):
                raise ProviderRefused("more than was paid", code="amount_too_large")
            self.refunds[reference] = RefundReport(
                reference=reference,
                status=self.refunds_become.pop(0) if self.refunds_become else RefundStatus.REFUNDED,
                amount=order.amount,
                currency=order.currency,
                refund_id=order.refund_id,
                payment_reference=order.payment_reference,
            )
        return self.refunds[reference]

    async def read_refund(self, merchant_id: str, reference: str) -> RefundReport:
        self.calls.append("read_refund")
        if reference not in self.refunds:
            raise ProviderRefused("no such refund", code="resource_missing")
        return self.refunds[reference]

    def refund_at_provider(self, payment_reference: str, amount: int, currency: str = "EUR") -> str:
        """Somebody refunds in the provider's dashboard; answers the refund's reference."""
        reference = f"re_dashboard_{secrets.token_hex(4)}"
        self.refunds[reference] = RefundReport(
            reference=reference,
            status=RefundStatus.REFUNDED,
            amount=amount,
            currency=currency,
            payment_reference=payment_reference,
        )
        return reference

    def settle_refund(self, reference: str, status: RefundStatus, failure: str | None = None) -> None:
        """A refund that was on its way arrives, or the customer's bank sends it back."""
        self.refunds[reference] = replace(self.refunds[reference], status=status, failure=failure)

    def refunded(self, payment_reference: str) -> int:
        """What was given back of a payment, or is on its way."""
        gone = {RefundStatus.PENDING, RefundStatus.REFUNDED}
        mine = [report for report in self.refunds.values() if report.payment_reference == payment_reference]
        return sum(report.amount for report in mine if report.status in gone)

    def settle_refunds(self, status: RefundStatus) -> None:
        """What was on its way arrives, or does not."""
        for reference, report in self.refunds.items():
            if report.status is RefundStatus.PENDING:
                self.refunds[reference] = replace(report, status=status)

    def pay_elsewhere(self, order: SessionOrder, reference: str, *, ours: bool = True) -> str:
        """Money that came without a session we know of: a second capture, or one that is not ours at all."""
        self.elsewhere[reference] = PaymentReport(
            reference=reference,
            status=PaymentStatus.COLLECTED,
            amount=order.amount,
            currency=order.currency,
            captured_at=datetime.now(UTC),
            checkout_id=order.checkout_id if ours else None,
        )
        return reference

    async def list_events(self, merchant_id: str, since: datetime, until: datetime, after: str | None) -> EventPage:
        if merchant_id in self.accounts_unknown:
            raise ProviderRefused("no such account")
        self.calls.append("list_events")
        place = int(after or 0)
        found = [event for at, event in self.messages if since <= at <= until]
        return EventPage(
            events=tuple(found[place : place + 2]), next=str(place + 2) if place + 2 < len(found) else None
        )

    def pay(self, session_id: str, *, amount: int | None = None, currency: str | None = None) -> str:
        """The customer pays, by default what is asked; answers the payment's reference."""
        order = self.orders[session_id]
        held = order.manual_capture
        payment = PaymentReport(
            reference=f"pi_{session_id}",
            status=PaymentStatus.PENDING if held else PaymentStatus.COLLECTED,
            amount=order.amount if amount is None else amount,
            currency=currency or order.currency,
            captured_at=None if held else datetime.now(UTC),
            method="card",
            detail="Visa •••• 4242",
            checkout_id=order.checkout_id,
            promise=Promise.AUTHORIZED if held else None,
            capture_before=self.authorizations_end if held else None,
        )
        self.reports[session_id] = SessionReport(session_id=session_id, status=SessionStatus.COMPLETE, payment=payment)
        return payment.reference

    def order_transfer(self, session_id: str) -> str:
        """The customer orders his bank to pay, which takes days; answers the payment's reference."""
        order = self.orders[session_id]
        payment = PaymentReport(
            reference=f"pi_{session_id}",
            status=PaymentStatus.PENDING,
            amount=order.amount,
            currency=order.currency,
            method="sepa_debit",
            checkout_id=order.checkout_id,
            promise=Promise.DELAYED,
        )
        self.reports[session_id] = SessionReport(session_id=session_id, status=SessionStatus.COMPLETE, payment=payment)
        return payment.reference

    def dispute(self, session_id: str, *, amount: int | None = None, due: datetime | None = None) -> str:
        """The customer's bank takes the payment back, in full unless told; answers the dispute's reference."""
        payment = self.reports[session_id].payment
        if payment is None:
            raise ValueError("only what was paid can be disputed")
        reference = f"du_{session_id}_{len(self.disputes)}"
        self.disputes[reference] = DisputeReport(
            reference=reference,
            payment_reference=payment.reference,
            status=DisputeStatus.OPENED,
            amount=payment.amount if amount is None else amount,
            currency=payment.currency,
            withdrawn=True,
            reason="fraudulent",
            opened_at=datetime.now(UTC),
            evidence_due_at=due,
            fee=2000,
            checkout_id=payment.checkout_id,
        )
        return reference

    def close_dispute(self, reference: str, status: DisputeStatus) -> None:
        """The bank has decided: won money comes back."""
        withdrawn = status is DisputeStatus.LOST
        self.disputes[reference] = replace(self.disputes[reference], status=status, withdrawn=withdrawn)

    def pay_out(self, merchant_id: str, currency: str) -> str:
        """Transfer all that customers paid and banks took back to the merchant's bank; answers the payout's id."""
        paid = [
            one.payment
            for session_id, one in self.reports.items()
            if self.orders[session_id].merchant_id == merchant_id
        ]
        moved = [(PayoutItemKind.CHARGE, one.reference, one.amount, one.currency) for one in paid if one is not None]
        for one in self.disputes.values():
            if self._merchant_of(one.payment_reference) == merchant_id:
                moved.append((PayoutItemKind.DISPUTE, one.reference, -one.amount, one.currency))
                if not one.withdrawn:
                    moved.append((PayoutItemKind.DISPUTE, one.reference, one.amount, one.currency))
        items = tuple(
            PayoutItem(reference=f"txn_{place}", kind=kind, source=source, amount=amount, fee=0, net=amount)
            for place, (kind, source, amount, its_currency) in enumerate(moved)
            if its_currency == currency
        )
        reference = f"po_{len(self.payouts)}"
        self.payouts[merchant_id, reference] = PayoutReport(
            reference=reference,
            status=PayoutStatus.PAID,
            amount=sum(item.net for item in items),
            currency=currency,
            arrives_on=datetime.now(UTC).date(),
            manual=False,
            itemized=True,
            items=items,
        )
        return reference

    def decline(self, session_id: str) -> None:
        """The customer's card is declined; the session stays open."""
        order = self.orders[session_id]
        payment = PaymentReport(
            reference=f"pi_{session_id}",
            status=PaymentStatus.FAILED,
            amount=order.amount,
            currency=order.currency,
            failure="card_declined",
            checkout_id=order.checkout_id,
        )
        self.reports[session_id] = replace(self.reports[session_id], payment=payment)
