"""A merchant: who sells. Legal data for the invoice, how it looks, how its numbers run, what it allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.book_settings import NO_CHOICE, BookSettings
from domain.capture_modes import CaptureMode, DelayedMethod
from domain.checkout import Address
from domain.electronic_addresses import ElectronicAddress
from domain.invoice_mapping import InvoiceMapping
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.numbers import Numbering, implied_reset
from domain.refunds import RefundApproval
from domain.settlements import CreditBalance
from domain.tax_settings import TaxSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """The legal seller as an invoice must name it (BG-4, and § 14 UStG and § 35a GmbHG in Germany).

    `vat_id` is BT-31, `tax_number` BT-32; at least one is needed to charge tax. `electronic_address` is BT-34 where
    it is not the mail address.
    """

    name: str
    address: Address
    vat_id: str | None = None
    tax_number: str | None = None
    register: str | None = None
    managing_directors: str | None = None
    phone: str | None = None
    email: str
    website: str | None = None
    bank_name: str | None = None
    iban: str | None = None
    bic: str | None = None
    electronic_address: ElectronicAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How the merchant's pages, mails and documents look. `logo` is an SVG with flat fills, as text.

    By language (ISO 639-1): `texts` has words used in place of ours, by their dotted key; `blocks` has templates
    for the free places of documents, by the name of the place.
    """

    display_name: str
    logo: str
    accent: str
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blocks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class BalancedWhen(StrEnum):
    """When captured money may balance an entry: at once, or when the provider has said its fee and net."""

    CAPTURED = "captured"
    SETTLED = "settled"


class Invoicing(StrEnum):
    """When a paid purchase is invoiced: at once and by itself, or by the next invoice run."""

    IMMEDIATE = "immediate"
    COLLECTIVE = "collective"


class BillableWhen(StrEnum):
    """What an invoice run waits for: that the entry was balanced, or no more than the order."""

    BALANCED = "balanced"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A tenant. `redirect_origins` are the exact origins (`https://shop.example`) customers may be sent to.

    `time_zone` (IANA) is the seller's calendar: it decides which day an invoice is issued on.
    `number_pattern` makes invoice numbers: `{year}` and one run of zeros in braces, `RE-{year}-{000000}`;
    the zeros are the number's least width. `first_number` is the first one drawn of a fresh series.

    `late_money` says what becomes of money for a closed checkout, `overpayment` of money beyond what was owed,
    `short_payment` of too little money; what a person must decide is overdue after `late_money_days`.
    `balanced_when` says whether an entry waits for the provider's fee before it is balanced.

    `credit_note_pattern`, `cancelation_pattern` and `deposit_pattern` make the numbers of those documents, each a
    series of its own that begins at 1. `series` says more of a series, by the kind of its documents, and goes before
    the patterns; `legal_entity` is the short name of the seller that `{entity}` stands for, and has series of its own.
    `retention_years` is how long documents must be kept after the year they are of (see `domain.retention`).
    `refund_approval` says whether a refund the shop asks for waits until somebody approves it.

    `capture` says whether payments are captured at once or only authorized, unless a checkout says otherwise;
    `delayed_methods` are the methods whose money comes days later and may fail, that customers are offered as well.
    `tax` says how sales are taxed.
    `books` says how bookings are kept.
    `credit_balance` says what becomes of money that a reduction or cancelation frees, unless the request does.

    `invoicing` says whether a paid purchase is invoiced by itself or waits for an invoice run, `billable_when` what a
    run waits for, and `invoice_mapping` what of an order an invoice says.
    """

    id: str
    seller: Seller
    branding: Branding
    languages: tuple[str, ...] = ("en",)
    redirect_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    number_pattern: str = "{year}-{000000}"
    first_number: int = 1
    late_money: LateMoneyPolicy = LateMoneyPolicy.HOLD
    late_money_days: int = 7
    overpayment: OverpaymentPolicy = OverpaymentPolicy.REFUND
    short_payment: ShortPaymentPolicy = ShortPaymentPolicy.HOLD
    balanced_when: BalancedWhen = BalancedWhen.CAPTURED
    credit_note_pattern: str = "GS-{year}-{000000}"
    cancelation_pattern: str = "ST-{year}-{000000}"
    deposit_pattern: str = "AZ-{year}-{000000}"
    refund_approval: RefundApproval = RefundApproval.NONE
    retention_years: int = 10
    capture: CaptureMode = CaptureMode.AUTOMATIC
    delayed_methods: tuple[DelayedMethod, ...] = ()
    tax: TaxSettings = field(default_factory=TaxSettings)
    legal_entity: str = ""
    series: Mapping[str, Numbering] = field(default_factory=dict)
    books: BookSettings = NO_CHOICE

    def numbering(self, kind: str) -> Numbering:
        """How documents of this kind (see `domain.invoices.InvoiceKind`) are numbered."""
        if kind in self.series:
            return self.series[kind]
        patterns = {
            "invoice": self.number_pattern,
            "credit_note": self.credit_note_pattern,
            "cancelation": self.cancelation_pattern,
            "deposit": self.deposit_pattern,
        }
        start = self.first_number if kind == "invoice" else 1
        return Numbering(pattern=patterns[kind], reset=implied_reset(patterns[kind]), start=start)

    credit_balance: CreditBalance | None = None

    invoicing: Invoicing = Invoicing.IMMEDIATE
    billable_when: BillableWhen = BillableWhen.BALANCED
    invoice_mapping: InvoiceMapping = field(default_factory=InvoiceMapping)
