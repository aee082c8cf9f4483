"""Entries: what is owed, and the money on it."""

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Page, Representation, amount
from api.representations.settlements import SettlementOut, settlement
from domain.entries import EntryItemKind, EntryStatus
from domain.ledger_views import EntryDetailView, TiedPaymentView
from domain.payments import PaymentStatus
from domain.views import EntryView


class EntryOut(Representation):
    """The receivable of a checkout. `expected_amount` is promised and not there yet."""

    id: str
    status: EntryStatus
    initial_amount: Amount
    open_amount: Amount
    outstanding_amount: Amount
    expected_amount: Amount


class EntryItemOut(Representation):
    """Money of a payment on the entry, expected or assigned; `process` wrote it last."""

    payment: str
    payment_status: PaymentStatus
    provider: str
    provider_reference: str
    kind: EntryItemKind
    amount: Amount
    process: str
    created_at: Moment


class EntryDetailOut(Representation):
    """A receivable with the money on it and all that was done with it.

    `initial_amount` plus `reductions` is the `open_amount`; less `assigned_amount` it is the `outstanding_amount`.
    """

    model_config = ConfigDict(title="Entry")

    id: str
    checkout: str
    assignment_key: str
    status: EntryStatus
    currency: str
    initial_amount: Amount
    reductions: Amount
    open_amount: Amount
    assigned_amount: Amount
    expected_amount: Amount
    outstanding_amount: Amount
    items: list[EntryItemOut]
    settlements: list[SettlementOut]
    created_at: Moment
    updated_at: Moment


class EntryList(Page[EntryDetailOut]):
    """A page of entries, newest first. `next_cursor` is null on the last page."""


def entry(view: EntryView, currency: str) -> EntryOut:
    """An entry as its checkout shows it."""
    return EntryOut(
        id=view.id,
        status=view.status,
        initial_amount=amount(view.initial_amount, currency),
        open_amount=amount(view.open_amount, currency),
        outstanding_amount=amount(view.outstanding_amount, currency),
        expected_amount=amount(view.expected_amount, currency),
    )


def entry_detail(view: EntryDetailView) -> EntryDetailOut:
    """An entry with its money."""
    names = ("initial_amount", "reductions", "open_amount", "assigned_amount", "expected_amount", "outstanding_amount")
    return EntryDetailOut(
        id=view.id,
        checkout=view.checkout_id,
        assignment_key=view.assignment_key,
        status=view.status,
        currency=view.currency,
        **{name: amount(getattr(view, name), view.currency) for name in names},
        items=[_tied(tie, view.currency) for tie in view.items],
        settlements=[settlement(done) for done in view.settlements],
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def _tied(tie: TiedPaymentView, currency: str) -> EntryItemOut:
    return EntryItemOut(
        payment=tie.item.payment_id,
        payment_status=tie.status,
        provider=tie.provider,
        provider_reference=tie.provider_reference,
        kind=tie.item.kind,
        amount=amount(tie.item.amount, currency),
        process=tie.item.process,
        created_at=tie.item.created_at,
    )
