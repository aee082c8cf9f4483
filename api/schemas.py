"""What a shop sends, as JSON: shapes and types only. What the values must be is decided in `domain.pricing`.

Strict: a number is never taken for a string, unknown fields are refused. Each description doubles as the
expected form that is named when a field is missing or has the wrong type.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from domain.billing import RunMode
from domain.capture_modes import CaptureMode
from domain.captures import CaptureRequest
from domain.cases import CaseStatus
from domain.checkout import (
    DEFAULT_EXPIRY_SECONDS,
    LONGEST_REASON,
    Address,
    CheckoutRequest,
    CheckoutStatus,
    Customer,
    PriceMode,
    Redirects,
    RequestedCharge,
    RequestedDiscount,
    RequestedLine,
    RequestedLineCharge,
)
from domain.corrections import CorrectionRequest, LineCredit
from domain.electronic_addresses import ElectronicAddress
from domain.errors import InvalidInput
from domain.invoice_runs import InvoiceRunRequest, OrderFilter, RunOrderStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.refund_requests import RefundRequest
from domain.stated_lines import MOST_ADJUSTMENTS, MOST_CHARGES, MOST_DISCOUNTS, MOST_LINES
from domain.violations import Violations

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_A_DAY = 'a day such as "2026-11-30", or null'
ASSIGNMENT_KEY = r"^[A-Za-z0-9._:-]{1,100}$"


def _decimal_string(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("decimal_string", 'must be a decimal string such as "839.00", not a JSON number')
    return value


DecimalString = Annotated[str, BeforeValidator(_decimal_string, json_schema_input_type=str)]


_CATEGORY = 'UNTDID 5305 tax category, one of S, Z, E, AE, K, G, O, such as "S"'
_RATE = 'a decimal string in per cent such as "19", needed in category S, else null'
_CLASS = "standard, reduced, reduced_low or super_reduced, instead of tax_category and tax_rate, or null"
_SUPPLY = "what is supplied: goods, service or digital_service; a tax_class is resolved by it"


class Body(BaseModel):
    """Strict, without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AddressBody(Body):
    """A postal address."""

    line1: str = Field(description="street and number, a string", examples=["Königsstraße 48 b"])
    line2: str | None = Field(None, description="further address line, a string or null")
    postal_code: str = Field(description="postal code, a string", examples=["10961"])
    city: str = Field(description="city, a string", examples=["Berlin"])
    country: str = Field(description='ISO 3166-1 alpha-2 country code such as "DE"', examples=["DE"])


class ElectronicAddressBody(Body):
    """Where the customer takes electronic invoices, if not by mail."""

    scheme: str = Field(description='a code of the Electronic Address Scheme list, such as "9930"', examples=["9930"])
    id: str = Field(description="the identifier in this scheme, a string", examples=["DE123456788"])


class CustomerBody(Body):
    """Who buys, and to whom the invoice is addressed and mailed."""

    name: str = Field(description="the customer's name, a string", examples=["Jana Köhler"])
    company: str | None = Field(None, description="company, a string or null", examples=["Atelier Nordlicht GmbH"])
    email: str = Field(description="the address the invoice is mailed to, a string", examples=["jana@example.org"])
    language: str = Field("en", description='ISO 639-1 language code such as "de"', examples=["de"])
    vat_id: str | None = Field(None, description="VAT identification number, a string or null")
    number: str | None = Field(None, description="the shop's customer number, a string or null")
    address: AddressBody = Field(description="the billing address, an object")
    electronic_address: ElectronicAddressBody | None = Field(
        None, description="where electronic invoices go, an object; or null for the mail address"
    )
    leitweg_id: str | None = Field(
        None,
        description="the Leitweg-ID of a German authority, which gets an XRechnung; a string or null",
        examples=["04011000-12345-03"],
    )
    buyer_reference: str | None = Field(
        None, description="what the customer wants to find the invoice by, a string or null"
    )

    def to_customer(self) -> Customer:
        """The same customer in the house's words."""
        electronic = self.electronic_address
        return Customer(
            **self.model_dump(exclude={"address", "electronic_address"}),
            address=Address(**self.address.model_dump()),
            electronic_address=ElectronicAddress(**electronic.model_dump()) if electronic else None,
        )


class DiscountBody(Body):
    """A discount on the whole cart or on one line, in the checkout's price mode."""

    name: str = Field(description="what the discount is for, a string", examples=["Sommer"])
    amount: DecimalString = Field(description='a decimal string in major units such as "10.00"', examples=["10.00"])


class LineChargeBody(Body):
    """A charge on one line, in the checkout's price mode; it is taxed like the line."""

    name: str = Field(description="what the charge is for, a string", examples=["Zuschnitt"])
    amount: DecimalString = Field(description='a decimal string in major units such as "4.50"', examples=["4.50"])


class ChargeBody(Body):
    """A charge on the whole cart such as shipping, in the checkout's price mode."""

    name: str = Field(description="what the charge is for, a string", examples=["Versand"])
    amount: DecimalString = Field(description='a decimal string in major units such as "4.90"', examples=["4.90"])
    tax_category: str = Field("S", description=_CATEGORY, examples=["S"])
    tax_rate: DecimalString | None = Field(None, description=_RATE, examples=["19"])
    tax_class: str | None = Field(None, description=_CLASS)
    supply: str = Field("goods", description=_SUPPLY)


class LineBody(Body):
    """One thing bought. Its tax is stated by category and rate, or by a tax class that we resolve."""

    sku: str | None = Field(None, description="the shop's article number, a string or null", examples=["MW-1042"])
    name: str = Field(description="what is bought, a string", examples=["Schreibtisch"])
    description: str | None = Field(None, description="more words, a string or null", examples=["160 x 80 cm"])
    quantity: DecimalString = Field(description='a decimal string such as "2" or "1.5"', examples=["1"])
    unit: str = Field("C62", description='UN/ECE Recommendation 20 unit code such as "C62" (one)', examples=["C62"])
    unit_price: DecimalString = Field(
        description='a decimal string in major units, of at most six decimals, such as "849.00"', examples=["849.00"]
    )
    tax_category: str = Field("S", description=_CATEGORY, examples=["S"])
    tax_rate: DecimalString | None = Field(None, description=_RATE, examples=["19"])
    tax_class: str | None = Field(None, description=_CLASS)
    supply: str = Field("goods", description=_SUPPLY)
    exemption_code: str | None = Field(None, description="why category E, a VATEX code such as VATEX-EU-132, or null")
    exemption_reason: str | None = Field(None, description="why category E in words, a string or null")
    discounts: list[DiscountBody] = Field(
        default_factory=list, max_length=MOST_ADJUSTMENTS, description="discounts on the line, a list of objects"
    )
    charges: list[LineChargeBody] = Field(
        default_factory=list, max_length=MOST_ADJUSTMENTS, description="charges on the line, a list of objects"
    )

    def to_request(self) -> RequestedLine:
        """The same line in the house's words."""
        return RequestedLine(
            **self.model_dump(exclude={"discounts", "charges"}),
            discounts=tuple(RequestedDiscount(**discount.model_dump()) for discount in self.discounts),
            charges=tuple(RequestedLineCharge(**charge.model_dump()) for charge in self.charges),
        )


class RedirectsBody(Body):
    """Where the payment page sends the customer back to; origins must be on the merchant's list."""

    success: str = Field(description="an https URL, a string", examples=["https://shop.example/ok"])
    failure: str = Field(description="an https URL, a string", examples=["https://shop.example/failed"])
    cancel: str = Field(description="an https URL, a string", examples=["https://shop.example/cart"])
    pending: str | None = Field(
        None,
        description="where a customer goes whose payment takes days, an https URL, a string, or null for our own page",
        examples=["https://shop.example/pending"],
    )


class CheckoutBody(Body):
    """One purchase, as a shop states it."""

    model_config = ConfigDict(title="CheckoutRequest")

    assignment_key: str = Field(description="the shop's unique key of this purchase, a string", examples=["SO-88213"])
    currency: str = Field(description='ISO 4217 currency code such as "EUR"', examples=["EUR"])
    prices: Literal["gross", "net"] = Field(
        description='"gross" when prices contain tax, "net" when tax is added', examples=["gross"]
    )
    total: DecimalString | None = Field(
        None,
        description="what the lines must give, a decimal string in major units, or null",
        examples=["839.00"],
    )
    customer: CustomerBody = Field(description="who buys, an object")
    lines: list[LineBody] = Field(max_length=MOST_LINES, description="what is bought, a list of objects")
    discounts: list[DiscountBody] = Field(
        default_factory=list, max_length=MOST_DISCOUNTS, description="discounts on the cart, a list of objects"
    )
    charges: list[ChargeBody] = Field(
        default_factory=list, max_length=MOST_CHARGES, description="charges on the cart, a list of objects"
    )
    redirects: RedirectsBody | None = Field(None, description="where the customer returns to, an object or null")
    expires_in_seconds: int = Field(DEFAULT_EXPIRY_SECONDS, description="how long the link lives, a whole number")
    metadata: dict[str, str] = Field(
        default_factory=dict, description="strings by name, an object", examples=[{"cart": "c-1"}]
    )
    capture: Literal["automatic", "manual"] | None = Field(
        None, description='"automatic", "manual" (you capture), or null for what the merchant is set to'
    )
    document: Literal["invoice", "deposit"] = Field(
        "invoice", description='what it is invoiced by, "invoice" or "deposit"', examples=["invoice"]
    )
    deducts: list[str] = Field(
        default_factory=list, description="assignment keys of deposits that the invoice deducts, a list of strings"
    )

    def to_request(self) -> CheckoutRequest:
        """The same purchase in the house's words."""
        return CheckoutRequest(
            assignment_key=self.assignment_key,
            currency=self.currency,
            prices=PriceMode(self.prices),
            total=self.total,
            customer=self.customer.to_customer(),
            lines=tuple(line.to_request() for line in self.lines),
            discounts=tuple(RequestedDiscount(**discount.model_dump()) for discount in self.discounts),
            charges=tuple(RequestedCharge(**charge.model_dump()) for charge in self.charges),
            redirects=Redirects(**self.redirects.model_dump()) if self.redirects else None,
            expires_in_seconds=self.expires_in_seconds,
            metadata=dict(self.metadata),
            capture=CaptureMode(self.capture) if self.capture else None,
            document=self.document,
            deducts=tuple(self.deducts),
        )


class RefundBody(Body):
    """Money to give back."""

    model_config = ConfigDict(title="RefundRequest")

    amount: DecimalString | None = Field(
        None,
        description='a decimal string in major units such as "39.00", or null for all that is left',
        examples=["39.00"],
    )
    reason: str = Field(description="why, a string that people read", examples=["sent back"])
    key: str = Field(description="the shop's idempotency key, a string", examples=["RMA-1107"])
    payment_id: str | None = Field(
        None, description="which payment, a string, needed when several have money left, or null"
    )

    def to_request(self, checkout_id: str) -> RefundRequest:
        """The same in the house's words."""
        return RefundRequest(checkout_id=checkout_id, **self.model_dump())


class CaptureBody(Body):
    """Authorized money to capture."""

    model_config = ConfigDict(title="CaptureRequest")

    amount: DecimalString | None = Field(
        None,
        description='a decimal string in major units such as "839.00", or null for all that is owed and authorized',
        examples=["839.00"],
    )
    payment_id: str | None = Field(None, description="which authorization, a string, or null for the one that waits")

    def to_request(self, checkout_id: str) -> CaptureRequest:
        """The same in the house's words."""
        return CaptureRequest(checkout_id=checkout_id, **self.model_dump())


class CancelInvoiceBody(Body):
    """An invoice to take back."""

    model_config = ConfigDict(title="CancelInvoiceRequest")

    reason: str = Field(description="why, a string that the document shows", examples=["wrong address"])
    key: str = Field(description="the shop's idempotency key, a string", examples=["ST-1107"])

    def to_request(self, invoice_id: str) -> CorrectionRequest:
        """The same in the house's words."""
        return CorrectionRequest(kind=InvoiceKind.CANCELATION, invoice_id=invoice_id, **self.model_dump())


class LineCreditBody(Body):
    """What to credit of a line."""

    position: int = Field(description="the line's position on the invoice, a whole number from 1", examples=[1])
    quantity: DecimalString | None = Field(
        None, description='how many, a decimal string such as "1", or null', examples=["1"]
    )
    amount: DecimalString | None = Field(
        None, description='how much with tax, a decimal string in major units such as "39.00", or null'
    )


class CreditNoteBody(Body):
    """What to credit of an invoice: lines, an amount, or with neither all that is left."""

    model_config = ConfigDict(title="CreditNoteRequest")

    lines: list[LineCreditBody] = Field(
        default_factory=list, description="lines to credit, a list of objects", max_length=MOST_LINES
    )
    amount: DecimalString | None = Field(
        None, description='how much with tax, a decimal string in major units such as "39.00", or null'
    )
    reason: str = Field(description="why, a string that the document shows", examples=["sent back"])
    key: str = Field(description="the shop's idempotency key, a string", examples=["CN-1107"])

    def to_request(self, invoice_id: str) -> CorrectionRequest:
        """The same in the house's words."""
        return CorrectionRequest(
            kind=InvoiceKind.CREDIT_NOTE,
            invoice_id=invoice_id,
            key=self.key,
            reason=self.reason,
            amount=self.amount,
            lines=tuple(LineCredit(**line.model_dump()) for line in self.lines),
        )


class DecisionBody(Body):
    """A person's decision."""

    reason: str = Field(description="why, a string that people read", examples=["agreed on the phone"])
    by: str = Field("shop", description="who decides, a string", examples=["anna"])


class OrderFilterBody(Body):
    """Which orders a run looks at; all that is given must fit."""

    customer: str | None = Field(None, description="a customer number or mail address, a string or null")
    assignment_key_prefix: str | None = Field(
        None, description="what assignment keys begin with, a string or null", examples=["SO-"]
    )
    currency: str | None = Field(None, description='ISO 4217 currency code such as "EUR", or null')
    ordered_until: str | None = Field(None, description=_A_DAY, examples=["2026-11-30"])
    metadata: dict[str, str] = Field(default_factory=dict, description="an object of strings that orders must have")


class InvoiceRunBody(Body):
    """What is to be billed, and how."""

    model_config = ConfigDict(title="InvoiceRunRequest")

    mode: Literal["single", "parent_child"] = Field(
        description='"single" for an invoice per order, or "parent_child" for one per customer'
    )
    until: str | None = Field(None, description=_A_DAY, examples=["2026-11-30"])
    filter: OrderFilterBody = Field(default_factory=OrderFilterBody, description="an object")
    dry_run: bool = Field(False, description="true to draw no number and change no order, else false")
    key: str | None = Field(None, description="the shop's idempotency key, a string or null", examples=["2026-11"])

    def to_request(self, key: str) -> InvoiceRunRequest:
        """The same in the house's words, under `key`. Raises InvalidInput for what is no day."""
        violations = Violations()
        until = _day(violations, "/until", self.until)
        ordered_until = _day(violations, "/filter/ordered_until", self.filter.ordered_until)
        if violations.found:
            raise InvalidInput(violations.found)
        wanted = self.filter.model_dump(exclude={"ordered_until"})
        return InvoiceRunRequest(
            key=key,
            mode=RunMode(self.mode),
            until=until,
            filter=OrderFilter(**wanted, ordered_until=ordered_until),
            dry_run=self.dry_run,
        )


def _day(violations: Violations, pointer: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    violations.add(pointer, f"must be {_A_DAY}")
    return None


class CancelBody(Body):
    """Why a checkout is canceled."""

    model_config = ConfigDict(title="CancelRequest")

    reason: str = Field(description=f"why, a string of 1 to {LONGEST_REASON} characters", examples=["customer called"])


class CaseDecisionBody(Body):
    """What is decided about a case, and why."""

    model_config = ConfigDict(title="CaseDecision")

    decision: str = Field(description="one of the case's options, a string", examples=["refund"])
    reason: str = Field(description=f"why, a string of 1 to {LONGEST_REASON} characters", examples=["agreed by phone"])


class ResendBody(Body):
    """A wish to have a document mailed again."""

    model_config = ConfigDict(title="ResendRequest")

    key: str = Field(description="the shop's idempotency key, a string", examples=["resend-1"])
    email: str | None = Field(
        None, description="another address than the buyer's, a string or null", examples=["office@example.org"]
    )


class DownloadLinkBody(Body):
    """A wish for a link to a document."""

    model_config = ConfigDict(title="DownloadLinkRequest")

    expires_in_seconds: int = Field(30 * 24 * 3600, description="how long the link lives, a whole number")


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    limit: int = Field(20, ge=1, le=100, description="how many on a page")


class CaseQuery(PageQuery):
    """Which cases to list."""

    status: CaseStatus | None = Field(None, description="only cases that stand here")


class InvoiceQuery(PageQuery):
    """Which documents to list."""

    kind: InvoiceKind | None = Field(None, description="only documents of this kind")
    status: InvoiceStatus | None = Field(None, description="only documents that stand here")


class AuditQuery(PageQuery):
    """Which documents of a series to check."""

    limit: int = Field(200, ge=1, le=1000, description="how many documents to check")


class RunOrderQuery(PageQuery):
    """Which orders of a run to list."""

    status: RunOrderStatus | None = Field(None, description="only orders that stand here")


class CheckoutQuery(PageQuery):
    """Which checkouts to list."""

    assignment_key: str | None = Field(None, pattern=ASSIGNMENT_KEY, description="only the checkout of this key")
    status: CheckoutStatus | None = Field(None, description="only checkouts that stand here")
