"""A payment provider in memory; held to the same contract as the Stripe adapter (`tests/contract`)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from domain.errors import ProviderRefused
from domain.payments import (
    OpenedSession,
    PaymentReport,
    PaymentStatus,
    SessionOrder,
    SessionReport,
    SessionStatus,
)


class FakeProvider:
    """Remembers its sessions. The customer is played by `pay` and `decline`."""

    def __init__(self) -> None:
        self.orders: dict[str, SessionOrder] = {}
        self.reports: dict[str, SessionReport] = {}
        self.calls: list[str] = []
        self.before_expiring: Callable[[str], object] = lambda _: None
        self._keys: dict[str, str] = {}

    async def open_session(self, order: SessionOrder) -> OpenedSession:
        self.calls.append("open_session")
        session_id = self._keys.setdefault(order.idempotency_key, f"cs_{order.idempotency_key}")
        if self.orders.setdefault(session_id, order) != order:
            raise ProviderRefused("the same key with another order", code="idempotency_key_in_use")
        report = SessionReport(session_id=session_id, status=SessionStatus.OPEN)
        if self.reports.setdefault(session_id, report).status is not SessionStatus.OPEN:
            raise ProviderRefused("the session is no longer open", code="session_not_open")
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
        for session_id, report in self.reports.items():
            mine = self.orders[session_id].merchant_id == merchant_id
            if mine and report.payment is not None and report.payment.reference == reference:
                return report.payment
        raise ProviderRefused("no such payment", code="resource_missing")

    def pay(self, session_id: str, *, amount: int | None = None, currency: str | None = None) -> str:
        """The customer pays, by default what is asked; answers the payment's reference."""
        order = self.orders[session_id]
        payment = PaymentReport(
            reference=f"pi_{session_id}",
            status=PaymentStatus.COLLECTED,
            amount=order.amount if amount is None else amount,
            currency=currency or order.currency,
            captured_at=datetime.now(UTC),
            method="card",
            detail="Visa •••• 4242",
            checkout_id=order.checkout_id,
        )
        self.reports[session_id] = SessionReport(session_id=session_id, status=SessionStatus.COMPLETE, payment=payment)
        return payment.reference

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
