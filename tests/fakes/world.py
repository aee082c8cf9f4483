"""The state that the fake ports share, and the moves that the real system would make on it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from adapters.vat_ids import is_vat_id
from domain.cart import PricedCart
from domain.cases import CaseStatus
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.corrections import CorrectionRequest
from domain.deposits import Deposit
from domain.documents import DocumentKind, DocumentRef
from domain.entries import EntryStatus
from domain.invoices import InvoiceStatus
from domain.merchants import Merchant
from domain.payments import AttemptStatus, PaymentStatus, Promise, ProviderEvent, SettledBy
from domain.pricing import CheckoutRules, price_checkout
from domain.vat_ids import VatEvidence, VatIdStatus
from domain.views import (
    AcceptedCorrection,
    AttemptView,
    CaseView,
    CheckoutView,
    CorrectionView,
    EntryView,
    InvoiceRunView,
    InvoiceView,
    PaymentLinkView,
    PaymentView,
    PayoutView,
    RefundView,
    RunOrderView,
    SentDeliveryView,
    TaxView,
)


@dataclass
class World:
    """Merchants and their keys are put in by a test; checkouts come into being by `open`.

    `sessions` and `payments` are the checkouts of a provider's sessions and payments, by the provider's ids.
    """

    merchants: dict[str, Merchant] = field(default_factory=dict)
    api_keys: dict[str, str] = field(default_factory=dict)
    checkouts: dict[str, CheckoutView] = field(default_factory=dict)
    carts: dict[str, PricedCart] = field(default_factory=dict)
    canceled_invoices: dict[str, tuple[str, InvoiceView]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    payments: dict[str, str] = field(default_factory=dict)
    events: dict[tuple[str, str, str], ProviderEvent] = field(default_factory=dict)
    applied: set[tuple[str, str, str]] = field(default_factory=set)
    payouts: dict[str, tuple[str, PayoutView]] = field(default_factory=dict)
    cases: dict[str, tuple[str, CaseView]] = field(default_factory=dict)
    refunds: dict[str, tuple[str, RefundView]] = field(default_factory=dict)
    deliveries: dict[str, list[SentDeliveryView]] = field(default_factory=dict)
    corrections: dict[tuple[str, str], AcceptedCorrection] = field(default_factory=dict)
    deposits: dict[str, Deposit] = field(default_factory=dict)
    invoice_runs: dict[str, tuple[str, InvoiceRunView]] = field(default_factory=dict)
    run_orders: dict[str, tuple[RunOrderView, ...]] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def open(self, merchant_id: str, request: CheckoutRequest, vat_evidence: VatEvidence | None = None) -> CheckoutView:
        """A checkout as a fresh run leaves it: entry open, link issued."""
        merchant = self.merchants[merchant_id]
        rules = CheckoutRules.of(
            merchant,
            now=datetime.now(UTC),
            allow_local_redirects=True,
            is_vat_id=is_vat_id,
            vat_id=vat_evidence.status if vat_evidence else VatIdStatus.UNVERIFIED,
        )
        cart = price_checkout(request, rules)
        number = next(self._ids)
        total = cart.totals.payable
        now = datetime(2025, 11, 24, 9, 30, tzinfo=UTC) + timedelta(seconds=number)
        view = CheckoutView(
            id=f"chk_{number:024x}",
            merchant_id=merchant_id,
            assignment_key=request.assignment_key,
            status=CheckoutStatus.AWAITING_PAYMENT,
            currency=cart.currency,
            total=total,
            request=request,
            workflow_id=f"{merchant_id}/{request.assignment_key}",
            payment_link=PaymentLinkView(
                token=f"token-{number:016x}", expires_at=now + timedelta(seconds=request.expires_in_seconds)
            ),
            entry=EntryView(
                id=f"ent_{number:024x}",
                status=EntryStatus.OPEN,
                initial_amount=total,
                open_amount=total,
                outstanding_amount=total,
            ),
            tax=TaxView(cart=cart, vat_id=vat_evidence),
            created_at=now,
            updated_at=now,
        )
        self.checkouts[view.id] = view
        self.carts[view.id] = cart
        return view

    def change(self, checkout_id: str, status: CheckoutStatus) -> CheckoutView:
        """Move a checkout to a status."""
        self.checkouts[checkout_id] = replace(self.checkouts[checkout_id], status=status)
        return self.checkouts[checkout_id]

    def invoice(
        self, checkout_id: str, *, number: str, pdf: bytes | None, xml: bytes | None, ubl: bytes | None = None
    ) -> InvoiceView:
        """Give a checkout its invoice, with as many documents as are stored already."""
        checkout = self.checkouts[checkout_id]
        view = InvoiceView(
            id=f"inv_{next(self._ids):024x}",
            number=number,
            status=InvoiceStatus.PAID,
            currency=checkout.currency,
            total=checkout.total,
            pdf=self._store(DocumentKind.INVOICE_PDF, pdf),
            xml=self._store(DocumentKind.INVOICE_XML, xml),
            ubl=self._store(DocumentKind.INVOICE_UBL, ubl),
        )
        self.checkouts[checkout_id] = replace(checkout, invoice=view, status=CheckoutStatus.INVOICED)
        return view

    def cancel_invoice(self, invoice_id: str) -> None:
        """Take an invoice out of force."""
        for view in self.checkouts.values():
            if view.invoice is not None and view.invoice.id == invoice_id:
                canceled = replace(view.invoice, status=InvoiceStatus.CANCELED)
                self.canceled_invoices[invoice_id] = (view.merchant_id, canceled)
                self.checkouts[view.id] = replace(view, invoice=None)
                return

    def correct(self, merchant_id: str, request: CorrectionRequest) -> InvoiceView:
        """Take an invoice back, in whole or in part, by a document of its own."""
        number = next(self._ids)
        [(checkout, invoice)] = [
            (view, view.invoice)
            for view in self.checkouts.values()
            if view.invoice is not None and view.invoice.id == request.invoice_id
        ]
        document = replace(
            invoice,
            id=f"inv_{number:024x}",
            number=f"C-{number}",
            kind=request.kind,
            status=InvoiceStatus.SETTLED,
            reason=request.reason,
            corrects_id=invoice.id,
            pdf=None,
            xml=None,
        )
        by = CorrectionView(id=document.id, kind=document.kind, number=document.number, total=document.total)
        corrected = replace(invoice, corrected_by=(*invoice.corrected_by, by))
        self.checkouts[checkout.id] = replace(checkout, invoice=corrected)
        self.canceled_invoices[document.id] = (merchant_id, document)
        accepted = AcceptedCorrection(request=request, document_id=document.id)
        self.corrections[merchant_id, request.key] = accepted
        return document

    def capture(self, checkout_id: str) -> CheckoutView:
        """The customer has paid what was asked."""
        checkout = self.checkouts[checkout_id]
        payment = PaymentView(
            id=f"pay_{next(self._ids):024x}",
            status=PaymentStatus.COLLECTED,
            amount=checkout.total,
            currency=checkout.currency,
            provider="stripe",
            provider_reference=f"pi_{checkout_id}",
            settled_by=SettledBy.WEBHOOK,
        )
        self.checkouts[checkout_id] = replace(checkout, payments=(payment,), status=CheckoutStatus.COMPLETED)
        return self.checkouts[checkout_id]

    def promise(self, checkout_id: str, promise: Promise) -> CheckoutView:
        """The customer has done his part; the money is held, or on its way."""
        checkout = self.checkouts[checkout_id]
        held = promise is Promise.AUTHORIZED
        payment = PaymentView(
            id=f"pay_{next(self._ids):024x}",
            status=PaymentStatus.PENDING,
            amount=checkout.total,
            currency=checkout.currency,
            provider="stripe",
            provider_reference=f"pi_{checkout_id}",
            settled_by=SettledBy.WEBHOOK,
            promise=promise,
            authorized_amount=checkout.total if held else None,
            capture_before=checkout.created_at + timedelta(days=7) if held else None,
        )
        entry = replace(checkout.entry, expected_amount=checkout.total)
        self.checkouts[checkout_id] = replace(checkout, payments=(payment,), entry=entry)
        return self.checkouts[checkout_id]

    def end_payment(self, checkout_id: str, status: PaymentStatus, amount: int | None = None) -> CheckoutView:
        """What was promised came, in full or in part, or came to nothing."""
        checkout = self.checkouts[checkout_id]
        [payment] = checkout.payments
        ended = replace(payment, status=status, amount=payment.amount if amount is None else amount, promise=None)
        entry = replace(checkout.entry, expected_amount=0)
        self.checkouts[checkout_id] = replace(checkout, payments=(ended,), entry=entry)
        return self.checkouts[checkout_id]

    def attempted(self, checkout_id: str, status: AttemptStatus, reason: str | None = None) -> CheckoutView:
        """An attempt to pay, and what became of it."""
        checkout = self.checkouts[checkout_id]
        attempt = AttemptView(
            number=len(checkout.attempts) + 1,
            status=status,
            reason=reason,
            payment_id=None,
            opened_at=checkout.created_at,
            expires_at=checkout.created_at + timedelta(hours=23),
        )
        self.checkouts[checkout_id] = replace(checkout, attempts=(*checkout.attempts, attempt))
        return self.checkouts[checkout_id]

    def record_refund(self, merchant_id: str, refund: RefundView) -> None:
        """Write a refund down, or how it changed."""
        self.refunds[refund.id] = (merchant_id, refund)
        checkout = self.checkouts[refund.checkout_id or ""]
        others = tuple(other for other in checkout.refunds if other.id != refund.id)
        self.checkouts[checkout.id] = replace(checkout, refunds=(*others, refund))

    def case(self, merchant_id: str, **known: Any) -> CaseView:
        """A case of late money that waits for a person, unless more is known of it."""
        number = next(self._ids)
        opened = datetime(2025, 12, 2, 9, 30, tzinfo=UTC) + timedelta(seconds=number)
        case = CaseView(
            id=f"case_{number:024x}",
            kind="late_payment",
            status=CaseStatus.OPEN,
            checkout_id=None,
            payment_id=f"pay_{number:024x}",
            payment_reference=f"pi_{number}",
            workflow_id="late-payment:chk",
            amount=83900,
            currency="EUR",
            detail=None,
            options=("accept", "refund"),
            opened_at=opened,
            due_at=opened + timedelta(days=7),
            overdue=False,
        )
        case = replace(case, **known)
        self.cases[case.id] = (merchant_id, case)
        return case

    def of_workflow(self, workflow_id: str) -> CheckoutView:
        """The checkout of a run."""
        return next(view for view in self.checkouts.values() if view.workflow_id == workflow_id)

    def _store(self, kind: DocumentKind, content: bytes | None) -> DocumentRef | None:
        if content is None:
            return None
        key = f"{kind}/{next(self._ids)}"
        self.documents[key] = content
        return DocumentRef(kind=kind, key=key, sha256=sha256(content).hexdigest(), size=len(content))
