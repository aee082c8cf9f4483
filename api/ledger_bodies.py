"""What a shop sends to do something with entries, and to find its way through lists of them."""

from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas import ASSIGNMENT_KEY, Body, DecimalString, PageQuery, RedirectsBody
from domain.checkout import DEFAULT_EXPIRY_SECONDS, Redirects
from domain.entries import EntryStatus
from domain.payments import PaymentStatus
from domain.settlement_steps import LinkRequest
from domain.settlements import LONGEST_REASON, MOST_ENTRIES, CancelEntry, CreditBalance, Reduce, ReductionKind, Settle

Strategy = Literal["future_settlement", "prepared_refund", "direct_refund"]
_STRATEGY = 'what becomes of freed money: "future_settlement", "prepared_refund" or "direct_refund", or null'
_REASON = f"why, a string of 1 to {LONGEST_REASON} characters"


class ReductionBody(Body):
    """By how much less is owed, and why."""

    model_config = ConfigDict(title="ReductionRequest")

    amount: DecimalString = Field(description='a decimal string in major units such as "39.00"', examples=["39.00"])
    kind: Literal["credit", "write_off"] = Field(
        description='"credit" when the price is lowered, "write_off" when money is given up', examples=["credit"]
    )
    reason: str = Field(description=_REASON, examples=["scratched"])
    key: str = Field(description="the shop's idempotency key, a string", examples=["RED-7"])
    credit_balance: Strategy | None = Field(None, description=_STRATEGY)

    def to_request(self, entry_id: str) -> Reduce:
        """The same in the house's words."""
        return Reduce(
            key=self.key,
            entry_id=entry_id,
            amount=self.amount,
            reduction=ReductionKind(self.kind),
            reason=self.reason,
            credit_balance=_strategy(self.credit_balance),
        )


class EntryCancelationBody(Body):
    """Why an entry is canceled for good."""

    model_config = ConfigDict(title="EntryCancelation")

    reason: str = Field(description=_REASON, examples=["ordered twice"])
    credit_balance: Strategy | None = Field(None, description=_STRATEGY)

    def to_request(self, entry_id: str) -> CancelEntry:
        """The same in the house's words."""
        return CancelEntry(entry_id=entry_id, reason=self.reason, credit_balance=_strategy(self.credit_balance))


def _strategy(name: str | None) -> CreditBalance | None:
    return None if name is None else CreditBalance(name)


class SettlementBody(Body):
    """Which available money is to settle which open entries."""

    model_config = ConfigDict(title="SettlementRequest")

    entries: list[str] = Field(
        max_length=MOST_ENTRIES,
        description="the ids of the open entries to settle, in order, a list of strings",
        examples=[["ent_0a1b2c3d4e5f60718293a4b5"]],
    )
    payment_id: str | None = Field(
        None, description="the payment whose available money is used, a string, or null", examples=["pay_1"]
    )
    credit_entry_id: str | None = Field(
        None, description="the entry whose credit is used, a string, or null: money its checkout brought and has free"
    )
    amount: DecimalString | None = Field(
        None, description="a decimal string in major units, or null for as much as there is", examples=["100.00"]
    )
    reason: str | None = Field(None, description="why, a string that people read, or null")
    key: str = Field(description="the shop's idempotency key, a string", examples=["SET-12"])

    def to_request(self) -> Settle:
        """The same in the house's words."""
        return Settle(**self.model_dump(exclude={"entries"}), entries=tuple(self.entries))


class LinkBody(Body):
    """Which entries are to be paid at once."""

    model_config = ConfigDict(title="PaymentLinkRequest")

    entries: list[str] = Field(
        max_length=MOST_ENTRIES,
        description="the ids of 2 or more open entries of one currency, a list of strings",
        examples=[["ent_0a1b2c3d4e5f60718293a4b5", "ent_1a1b2c3d4e5f60718293a4b5"]],
    )
    expires_in_seconds: int = Field(DEFAULT_EXPIRY_SECONDS, description="how long the link lives, a whole number")
    redirects: RedirectsBody | None = Field(None, description="where the customer returns to, an object or null")
    key: str | None = Field(None, description="the shop's idempotency key, a string or null", examples=["LINK-3"])

    def to_request(self) -> LinkRequest:
        """The same in the house's words."""
        return LinkRequest(
            entries=tuple(self.entries),
            expires_in_seconds=self.expires_in_seconds,
            redirects=Redirects(**self.redirects.model_dump()) if self.redirects else None,
            key=self.key,
        )


class LedgerQuery(PageQuery):
    """Which things of the ledger to list."""

    assignment_key: str | None = Field(None, pattern=ASSIGNMENT_KEY, description="only of the checkout of this key")
    checkout: str | None = Field(None, max_length=100, pattern=r"^[A-Za-z0-9_-]+$", description="only of this checkout")


class EntryQuery(LedgerQuery):
    """Which entries to list."""

    status: EntryStatus | None = Field(None, description="only entries that stand here")


class PaymentQuery(LedgerQuery):
    """Which payments to list."""

    status: PaymentStatus | None = Field(None, description="only payments that stand here")
