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
    RequestedDiscount,
    RequestedLine,
)
from domain.errors import InvalidInput
from domain.invoice_runs import InvoiceRunRequest, OrderFilter, RunOrderStatus
from domain.pricing import MOST_DISCOUNTS, MOST_LINES
from domain.refund_requests import RefundRequest
from domain.violations import Violations

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_A_DAY = 'a day such as "2026-11-30", or null'
ASSIGNMENT_KEY = r"^[A-Za-z0-9._:-]{1,100}$"


def _decimal_string(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("decimal_string", 'must be a decimal string such as "839.00", not a JSON number')
    return value


DecimalString = Annotated[str, BeforeValidator(_decimal_string, json_schema_input_type=str)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AddressBody(_Body):
    """A postal address."""

    line1: str = Field(description="street and number, a string", examples=["Königsstraße 48 b"])
    line2: str | None = Field(None, description="further address line, a string or null")
    postal_code: str = Field(description="postal code, a string", examples=["10961"])
    city: str = Field(description="city, a string", examples=["Berlin"])
    country: str = Field(description='ISO 3166-1 alpha-2 country code such as "DE"', examples=["DE"])


class CustomerBody(_Body):
    """Who buys, and to whom the invoice is addressed and mailed."""

    name: str = Field(description="the customer's name, a string", examples=["Jana Köhler"])
    company: str | None = Field(None, description="company, a string or null", examples=["Atelier Nordlicht GmbH"])
    email: str = Field(description="the address the invoice is mailed to, a string", examples=["jana@example.org"])
    language: str = Field("en", description='ISO 639-1 language code such as "de"', examples=["de"])
    vat_id: str | None = Field(None, description="VAT identification number, a string or null")
    number: str | None = Field(None, description="the shop's customer number, a string or null")
    address: AddressBody = Field(description="the billing address, an object")


class LineBody(_Body):
    """One thing bought."""

    sku: str | None = Field(None, description="the shop's article number, a string or null", examples=["MW-1042"])
    name: str = Field(description="what is bought, a string", examples=["Schreibtisch"])
    description: str | None = Field(None, description="more words, a string or null", examples=["160 x 80 cm"])
    quantity: DecimalString = Field(description='a decimal string such as "2" or "1.5"', examples=["1"])
    unit: str = Field("C62", description='UN/ECE Recommendation 20 unit code such as "C62" (one)', examples=["C62"])
    unit_price: DecimalString = Field(
        description='a decimal string in major units such as "849.00"', examples=["849.00"]
    )
    tax_category: str = Field("S", description='UNTDID 5305 tax category such as "S"', examples=["S"])
    tax_rate: DecimalString = Field(description='a decimal string in per cent such as "19"', examples=["19"])


class DiscountBody(_Body):
    """A discount on the whole cart, in the checkout's price mode."""

    name: str = Field(description="what the discount is for, a string", examples=["Sommer"])
    amount: DecimalString = Field(description='a decimal string in major units such as "10.00"', examples=["10.00"])


class RedirectsBody(_Body):
    """Where the payment page sends the customer back to; origins must be on the merchant's list."""

    success: str = Field(description="an https URL, a string", examples=["https://shop.example/ok"])
    failure: str = Field(description="an https URL, a string", examples=["https://shop.example/failed"])
    cancel: str = Field(description="an https URL, a string", examples=["https://shop.example/cart"])


class CheckoutBody(_Body):
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
    redirects: RedirectsBody | None = Field(None, description="where the customer returns to, an object or null")
    expires_in_seconds: int = Field(DEFAULT_EXPIRY_SECONDS, description="how long the link lives, a whole number")
    metadata: dict[str, str] = Field(
        default_factory=dict, description="strings by name, an object", examples=[{"cart": "c-1"}]
    )

    def to_request(self) -> CheckoutRequest:
        """The same purchase in the house's words."""
        customer = self.customer.model_dump(exclude={"address"})
        return CheckoutRequest(
            assignment_key=self.assignment_key,
            currency=self.currency,
            prices=PriceMode(self.prices),
            total=self.total,
            customer=Customer(**customer, address=Address(**self.customer.address.model_dump())),
            lines=tuple(RequestedLine(**line.model_dump()) for line in self.lines),
            discounts=tuple(RequestedDiscount(**discount.model_dump()) for discount in self.discounts),
            redirects=Redirects(**self.redirects.model_dump()) if self.redirects else None,
            expires_in_seconds=self.expires_in_seconds,
            metadata=dict(self.metadata),
        )


class RefundBody(_Body):
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


class DecisionBody(_Body):
    """A person's decision."""

    reason: str = Field(description="why, a string that people read", examples=["agreed on the phone"])
    by: str = Field("shop", description="who decides, a string", examples=["anna"])


class OrderFilterBody(_Body):
    """Which orders a run looks at; all that is given must fit."""

    customer: str | None = Field(None, description="a customer number or mail address, a string or null")
    assignment_key_prefix: str | None = Field(
        None, description="what assignment keys begin with, a string or null", examples=["SO-"]
    )
    currency: str | None = Field(None, description='ISO 4217 currency code such as "EUR", or null')
    ordered_until: str | None = Field(None, description=_A_DAY, examples=["2026-11-30"])
    metadata: dict[str, str] = Field(default_factory=dict, description="an object of strings that orders must have")


class InvoiceRunBody(_Body):
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


class CancelBody(_Body):
    """Why a checkout is canceled."""

    model_config = ConfigDict(title="CancelRequest")

    reason: str = Field(description=f"why, a string of 1 to {LONGEST_REASON} characters", examples=["customer called"])


class CaseDecisionBody(_Body):
    """What is decided about a case, and why."""

    model_config = ConfigDict(title="CaseDecision")

    decision: str = Field(description="one of the case's options, a string", examples=["refund"])
    reason: str = Field(description=f"why, a string of 1 to {LONGEST_REASON} characters", examples=["agreed by phone"])


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    limit: int = Field(20, ge=1, le=100, description="how many on a page")


class CaseQuery(PageQuery):
    """Which cases to list."""

    status: CaseStatus | None = Field(None, description="only cases that stand here")


class RunOrderQuery(PageQuery):
    """Which orders of a run to list."""

    status: RunOrderStatus | None = Field(None, description="only orders that stand here")


class CheckoutQuery(PageQuery):
    """Which checkouts to list."""

    assignment_key: str | None = Field(None, pattern=ASSIGNMENT_KEY, description="only the checkout of this key")
    status: CheckoutStatus | None = Field(None, description="only checkouts that stand here")
