"""Whatever goes wrong between us and Stripe, however often: the call succeeds in the end, and has one effect.

The real adapter with the official SDK talks to the stand-in. All cases run side by side, once; each test looks at
the outcome of one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import httpx
import pytest

from adapters.stripe.provider import StripeProvider
from domain.captures import CaptureOrder
from domain.errors import ProviderUnavailable
from domain.payments import PaymentReport, PaymentStatus, Promise, SessionOrder, SessionReport, SessionStatus
from domain.refunds import RefundOrder, RefundReport
from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running

FAULTS = (
    "500", "500_after", "503", "409", "429", "timeout_before", "timeout_after", "reset_before", "reset_after",
)  # fmt: skip
OPERATIONS = ("create", "read", "expire", "refund", "capture", "cancel")
KINDS = {"refund": "refunds", "capture": "payment_intents", "cancel": "payment_intents"}
"""What there must be one of at the provider; else it is a session."""
CASES = [(operation, fault, times) for operation, fault, times in product(OPERATIONS, FAULTS, (1, 2, 3))]
SILENCE_SECONDS = 1.0
"""How long the adapter waits for an answer here."""
MOST_ATTEMPTS = 12
KEY = "sk_test_faults"
AMOUNT = 83900
PART = 50000

pytestmark = pytest.mark.xdist_group("provider-faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case: the answer, how often it was asked for, and what lies at the provider."""

    answer: Any
    attempts: int
    objects: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The adapter, and a browser that plays customers and orders faults."""

    provider: StripeProvider
    browser: httpx.AsyncClient

    async def outcome(self, operation: str, fault: str, times: int) -> Outcome:
        """Prepare what the operation needs, let it go wrong so often, and repeat it until it succeeds."""
        name = f"chk_{operation}_{fault}_{times}"
        call = await getattr(self, f"_{operation}")(name)
        order = {"operation": operation, "do": fault, "times": times, "seconds": 30}
        await self._sandbox("faults", {"only": name, "http": [order]})
        answer, attempts = await _persist(call)
        objects = await self._objects(KINDS.get(operation, "checkout/sessions"), name)
        return Outcome(answer=answer, attempts=attempts, objects=objects)

    async def _create(self, name: str) -> Callable[[], Awaitable[Any]]:
        order = _order(name)
        return lambda: self.provider.open_session(order)

    async def _read(self, name: str) -> Callable[[], Awaitable[SessionReport]]:
        opened = await self.provider.open_session(_order(name))
        return lambda: self.provider.read_session("meridian", opened.session_id)

    async def _expire(self, name: str) -> Callable[[], Awaitable[SessionReport]]:
        opened = await self.provider.open_session(_order(name))
        return lambda: self.provider.expire_session("meridian", opened.session_id)

    async def _refund(self, name: str) -> Callable[[], Awaitable[RefundReport]]:
        payment = await self._paid(_order(name))
        assert payment.status is PaymentStatus.COLLECTED
        order = RefundOrder(
            merchant_id="meridian",
            refund_id=f"ref_{name}",
            idempotency_key=f"ref_{name}",
            payment_reference=payment.reference,
            amount=AMOUNT,
            currency="EUR",
        )
        return lambda: self.provider.refund_payment(order)

    async def _capture(self, name: str) -> Callable[[], Awaitable[PaymentReport]]:
        payment = await self._paid(_order(name, manual_capture=True))
        assert payment.promise is Promise.AUTHORIZED
        order = CaptureOrder(
            merchant_id="meridian",
            payment_reference=payment.reference,
            amount=PART,
            currency="EUR",
            idempotency_key=f"{payment.reference}:capture:{PART}",
        )
        return lambda: self.provider.capture_payment(order)

    async def _cancel(self, name: str) -> Callable[[], Awaitable[PaymentReport]]:
        payment = await self._paid(_order(name, manual_capture=True))
        assert payment.promise is Promise.AUTHORIZED
        return lambda: self.provider.cancel_payment("meridian", payment.reference)

    async def _paid(self, order: SessionOrder) -> PaymentReport:
        """The payment after the customer has done what the page asks for."""
        opened = await self.provider.open_session(order)
        await self._sandbox(f"sessions/{opened.session_id}/pay", {"outcome": "succeed"})
        payment = (await self.provider.read_session("meridian", opened.session_id)).payment
        assert payment is not None
        return payment

    async def _objects(self, kind: str, name: str) -> list[dict[str, Any]]:
        """All there is of a case at the provider."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {"limit": 100}
        while more:
            answer = await self.browser.get(f"/v1/{kind}", params=more, headers={"Authorization": f"Bearer {KEY}"})
            page = answer.raise_for_status().json()
            found += page["data"]
            more = {"limit": 100, "starting_after": page["data"][-1]["id"]} if page["has_more"] else {}
        return [one for one in found if name in {one.get("client_reference_id"), *_marks(one)}]

    async def _sandbox(self, path: str, order: dict[str, Any]) -> None:
        (await self.browser.post(f"/_sandbox/{path}", json=order)).raise_for_status()


@pytest.fixture(scope="module")
async def outcomes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[tuple[str, str, int], Outcome]]:
    """Every case's outcome."""
    accounts = (StripeAccount(api_key=KEY, endpoints=()),)
    async with (
        running(tmp_path_factory.mktemp("stripe") / "box.db", accounts) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as browser,
    ):
        provider = StripeProvider({"meridian": KEY}, api_base=url, timeout=SILENCE_SECONDS)
        desk = Desk(provider=provider, browser=browser)
        places = asyncio.Semaphore(24)

        async def one(case: tuple[str, str, int]) -> Outcome:
            async with places:
                return await desk.outcome(*case)

        found = await asyncio.gather(*[one(case) for case in CASES])
        yield dict(zip(CASES, found, strict=True))
        await provider.close()


@pytest.mark.timeout(110)
@pytest.mark.parametrize(("operation", "fault", "times"), CASES)
async def test_call_succeeds_in_the_end_and_has_one_effect(
    outcomes: dict[tuple[str, str, int], Outcome], operation: str, fault: str, times: int
) -> None:
    outcome = outcomes[operation, fault, times]

    assert len(outcome.objects) == 1
    [there] = outcome.objects
    if operation in KINDS:
        assert outcome.answer.reference == there["id"]
        assert there["amount"] == AMOUNT
    else:
        assert outcome.answer.session_id == there["id"]
    if operation == "expire":
        assert outcome.answer.status is SessionStatus.EXPIRED
        assert there["status"] == "expired"
    if operation == "capture":
        assert (outcome.answer.status, outcome.answer.amount) == (PaymentStatus.COLLECTED, PART)
        assert (there["status"], there["amount_received"]) == ("succeeded", PART)
    if operation == "cancel":
        assert outcome.answer.status is PaymentStatus.CANCELED
        assert (there["status"], there["amount_received"]) == ("canceled", 0)
    assert outcome.attempts <= 2 * times + 1


def test_faults_that_the_sdk_does_not_absorb_are_among_the_cases(
    outcomes: dict[tuple[str, str, int], Outcome],
) -> None:
    assert outcomes["create", "500_after", 1].attempts > 1
    assert outcomes["create", "429", 3].attempts > 1
    assert outcomes["create", "503", 1].attempts == 1


async def _persist(call: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
    """As the run does it: again and again while it may succeed. A refusal ends it, and the test."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            return await call(), attempt
        except ProviderUnavailable:
            continue
    raise AssertionError(f"not in {MOST_ATTEMPTS} attempts")


def _order(name: str, *, manual_capture: bool = False) -> SessionOrder:
    return SessionOrder(
        merchant_id="meridian",
        checkout_id=name,
        entry_id=f"ent_{name}",
        idempotency_key=f"{name}:session:1",
        amount=AMOUNT,
        currency="EUR",
        title="Meridian SO-1",
        language="de",
        customer_email="jana@example.org",
        return_url="https://pay.test/pay/t/return",
        cancel_url="https://pay.test/pay/t/cancel",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2),
        manual_capture=manual_capture,
    )


def _marks(one: dict[str, Any]) -> set[str]:
    return {str(value).removeprefix("ref_") for value in (one.get("metadata") or {}).values()}
