"""Calls to the payment provider."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.captures import CaptureOrder
from domain.ports import PaymentBook, PaymentProvider
from domain.refunds import ReadRefund, RefundOrder, RefundReport
from domain.steps import Findings, LookUp, OpenSession, Session


class ProviderActivities:
    """One method, one call: open a session, see what became of it, close it; capture money or let it go."""

    def __init__(self, provider: PaymentProvider, payments: PaymentBook) -> None:
        self._provider = provider
        self._payments = payments

    @activity.defn
    @translated
    @heartbeating
    async def open_session(self, step: OpenSession) -> Session:
        """Open the payable page. The attempt number makes the call repeatable."""
        opened = await self._provider.open_session(await self._payments.session_order(step))
        return Session(session_id=opened.session_id, url=opened.url, attempt=step.attempt, expires_at=opened.expires_at)

    @activity.defn
    @translated
    @heartbeating
    async def look_up(self, step: LookUp) -> Findings:
        """Ask the provider what it says now."""
        if step.session_id is not None:
            report = await self._provider.read_session(step.merchant_id, step.session_id)
            return Findings(session_id=report.session_id, session_status=report.status, payment=report.payment)
        if step.payment_reference is not None:
            return Findings(payment=await self._provider.read_payment(step.merchant_id, step.payment_reference))
        raise ValueError("a look-up names a session or a payment")

    @activity.defn
    @translated
    @heartbeating
    async def expire_session(self, step: LookUp) -> Findings:
        """Make the session unpayable, and read back what became of it."""
        if step.session_id is None:
            raise ValueError("only a session can be expired")
        report = await self._provider.expire_session(step.merchant_id, step.session_id)
        return Findings(session_id=report.session_id, session_status=report.status, payment=report.payment)

    @activity.defn
    @translated
    @heartbeating
    async def capture_payment(self, order: CaptureOrder) -> Findings:
        """Capture authorized money, and read back what became of it. The order's key makes the call repeatable."""
        return Findings(payment=await self._provider.capture_payment(order))

    @activity.defn
    @translated
    @heartbeating
    async def cancel_payment(self, step: LookUp) -> Findings:
        """Release an authorization, and read back what became of it."""
        if step.payment_reference is None:
            raise ValueError("only a payment can be canceled")
        return Findings(payment=await self._provider.cancel_payment(step.merchant_id, step.payment_reference))

    @activity.defn
    @translated
    @heartbeating
    async def refund_payment(self, order: RefundOrder) -> RefundReport:
        """Give money back. The order's key makes the call repeatable."""
        return await self._provider.refund_payment(order)

    @activity.defn
    @translated
    @heartbeating
    async def read_refund(self, step: ReadRefund) -> RefundReport:
        """Ask what became of a refund."""
        return await self._provider.read_refund(step.merchant_id, step.reference)
