"""What a shop reads of the ledger, as JSON: entries, orders, payments, settlements, links for several entries."""

from pydantic import ConfigDict

from api.representations.checkouts import Amount, Moment, PaymentOut, Representation, amount, payment
from api.services import Site
from domain.checkout import Address, CheckoutStatus, PriceMode
from domain.entries import EntryItemKind, EntryStatus
from domain.ledger_views import (
    EntryDetailView,
    EntryItemView,
    EntryPage,
    LinkView,
    OrderDetailView,
    OrderPage,
    PaymentDetailView,
    PaymentPage,
    SettlementView,
    TiedPaymentView,
)
from domain.payments import PaymentStatus
from domain.settlements import ReductionKind, SettlementKind


class MoveOut(Representation):
    """Money that was assigned."""

    payment: str
    entry: str
    amount: Amount


class SettlementOut(Representation):
    """A reduction, a cancelation, or money assigned. `refunds` give back what was set free."""

    model_config = ConfigDict(title="Settlement")

    id: str
    kind: SettlementKind
    key: str | None
    entry: str | None
    reduction: ReductionKind | None
    amount: Amount
    currency: str
    reason: str | None
    by: str
    moves: list[MoveOut]
    refunds: list[str]
    credit_note: str | None
    created_at: Moment


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


class EntryList(Representation):
    """A page of entries, newest first. `next_cursor` is null on the last page."""

    items: list[EntryDetailOut]
    next_cursor: str | None


class PaymentItemOut(Representation):
    """Where money of the payment is."""

    entry: str
    kind: EntryItemKind
    amount: Amount
    process: str
    created_at: Moment


class PaymentDetailOut(PaymentOut):
    """A payment and where its money is: `captured` is what is assigned, available, refunded and disputed."""

    model_config = ConfigDict(title="PaymentDetail")

    checkout: str | None
    captured: Amount
    assigned: Amount
    available: Amount
    refunded: Amount
    disputed: Amount
    method: str | None
    detail: str | None
    captured_at: Moment | None
    items: list[PaymentItemOut]
    created_at: Moment
    updated_at: Moment


class PaymentList(Representation):
    """A page of payments, newest first. `next_cursor` is null on the last page."""

    items: list[PaymentDetailOut]
    next_cursor: str | None


class AddressOut(Representation):
    """A postal address."""

    line1: str
    line2: str | None
    postal_code: str
    city: str
    country: str


class BuyerOut(Representation):
    """Who bought."""

    name: str
    company: str | None
    email: str
    language: str
    vat_id: str | None
    number: str | None
    address: AddressOut


class OrderLineOut(Representation):
    """One thing sold."""

    position: int
    sku: str | None
    name: str
    description: str | None
    quantity: str
    unit: str
    unit_price: str
    tax_category: str
    tax_rate: str


class OrderDiscountOut(Representation):
    """A discount on the order."""

    name: str
    amount: Amount


class OrderDetailOut(Representation):
    """A sales order with its lines; prices are gross or net as `prices` says."""

    model_config = ConfigDict(title="OrderDetail")

    id: str
    number: str
    checkout: str
    currency: str
    prices: PriceMode
    total: Amount
    buyer: BuyerOut
    lines: list[OrderLineOut]
    discounts: list[OrderDiscountOut]
    created_at: Moment


class OrderList(Representation):
    """A page of orders, newest first. `next_cursor` is null on the last page."""

    items: list[OrderDetailOut]
    next_cursor: str | None


class LinkEntryOut(Representation):
    """An entry of the link; `outstanding_amount` is what can be paid of it there."""

    entry: str
    checkout: str
    assignment_key: str
    checkout_status: CheckoutStatus
    outstanding_amount: Amount


class LinkOut(Representation):
    """A payment link for several entries. `amount` is what is outstanding on them together."""

    model_config = ConfigDict(title="CombinedPaymentLink")

    id: str
    key: str | None
    url: str
    currency: str
    amount: Amount
    entries: list[LinkEntryOut]
    expires_at: Moment
    created_at: Moment


def settlement(view: SettlementView) -> SettlementOut:
    """What was done with entries."""
    return SettlementOut(
        id=view.id,
        kind=view.kind,
        key=view.key,
        entry=view.entry_id,
        reduction=view.reduction,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        reason=view.reason,
        by=view.done_by,
        moves=[
            MoveOut(payment=move.payment_id, entry=move.entry_id, amount=amount(move.amount, view.currency))
            for move in view.moves
        ],
        refunds=list(view.refunds),
        credit_note=view.credit_note_id,
        created_at=view.created_at,
    )


def entry(view: EntryDetailView) -> EntryDetailOut:
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


def entry_list(page: EntryPage) -> EntryList:
    """A page of entries."""
    return EntryList(items=[entry(view) for view in page.items], next_cursor=page.next_cursor)


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


def payment_detail(view: PaymentDetailView) -> PaymentDetailOut:
    """A payment and where its money is."""
    currency = view.payment.currency
    names = ("captured", "assigned", "available", "refunded", "disputed")
    return PaymentDetailOut(
        **payment(view.payment).model_dump(),
        checkout=view.checkout_id,
        **{name: amount(getattr(view, name), currency) for name in names},
        method=view.method,
        detail=view.detail,
        captured_at=view.captured_at,
        items=[_item(item, currency) for item in view.items],
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def payment_list(page: PaymentPage) -> PaymentList:
    """A page of payments."""
    return PaymentList(items=[payment_detail(view) for view in page.items], next_cursor=page.next_cursor)


def _item(item: EntryItemView, currency: str) -> PaymentItemOut:
    return PaymentItemOut(
        entry=item.entry_id,
        kind=item.kind,
        amount=amount(item.amount, currency),
        process=item.process,
        created_at=item.created_at,
    )


def order(view: OrderDetailView) -> OrderDetailOut:
    """A sales order with its lines."""
    buyer = view.buyer
    return OrderDetailOut(
        id=view.id,
        number=view.number,
        checkout=view.checkout_id,
        currency=view.currency,
        prices=view.prices,
        total=amount(view.total, view.currency),
        buyer=BuyerOut(
            name=buyer.name,
            company=buyer.company,
            email=buyer.email,
            language=buyer.language,
            vat_id=buyer.vat_id,
            number=buyer.number,
            address=_address(buyer.address),
        ),
        lines=[
            OrderLineOut(
                position=line.position,
                sku=line.sku,
                name=line.name,
                description=line.description,
                quantity=f"{line.quantity:f}",
                unit=line.unit,
                unit_price=f"{line.unit_price:f}",
                tax_category=line.tax_category,
                tax_rate=f"{line.tax_rate:f}",
            )
            for line in view.lines
        ],
        discounts=[
            OrderDiscountOut(name=discount.name, amount=amount(discount.amount, view.currency))
            for discount in view.discounts
        ],
        created_at=view.created_at,
    )


def _address(address: Address) -> AddressOut:
    return AddressOut(
        line1=address.line1,
        line2=address.line2,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
    )


def order_list(page: OrderPage) -> OrderList:
    """A page of orders."""
    return OrderList(items=[order(view) for view in page.items], next_cursor=page.next_cursor)


def link(view: LinkView, site: Site) -> LinkOut:
    """A payment link for several entries."""
    return LinkOut(
        id=view.id,
        key=view.request.key,
        url=site.payment_url(view.token),
        currency=view.currency,
        amount=amount(view.payable, view.currency),
        entries=[
            LinkEntryOut(
                entry=member.entry_id,
                checkout=member.checkout_id,
                assignment_key=member.assignment_key,
                checkout_status=member.checkout_status,
                outstanding_amount=amount(member.outstanding, view.currency),
            )
            for member in view.entries
        ],
        expires_at=view.expires_at,
        created_at=view.created_at,
    )
