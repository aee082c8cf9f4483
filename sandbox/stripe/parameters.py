"""What each operation takes, and how Stripe words it when it gets something else.

A parameter Stripe knows but the stand-in does not play is refused by name (`unplayed`), so that nobody believes it
had an effect. The tests hold `fields + unplayed` of every operation to Stripe's official document.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from sandbox.stripe.errors import StripeError
from sandbox.stripe.form import path

P = TypeVar("P", bound="Params")


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?\d+", value):
        raise PydanticCustomError("parameter_invalid_integer", "Invalid integer: {value}", {"value": value})
    return value


def _boolean(value: Any) -> Any:
    if value not in {"true", "false"}:
        raise PydanticCustomError("parameter_invalid_boolean", "Invalid boolean: {value}", {"value": str(value)})
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise PydanticCustomError("url_invalid", "Not a valid URL")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise PydanticCustomError("email_invalid", "Invalid email address: {value}", {"value": value})
    return value


def _labels(value: Any) -> Any:
    """Metadata: at most 50 labels, names up to 40 and texts up to 500 characters."""
    if isinstance(value, list):
        value = {str(index): text for index, text in enumerate(value)}
    if value == "":
        return {}
    if isinstance(value, dict):
        if len(value) > 50:
            raise PydanticCustomError("metadata_size", "Metadata can have at most 50 keys.")
        for name, text in value.items():
            if len(name) > 40 or len(str(text)) > 500:
                raise PydanticCustomError(
                    "metadata_size",
                    "Metadata keys can have at most 40 and values at most 500 characters: {name}",
                    {"name": name[:50]},
                )
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Positive = Annotated[Whole, Field(ge=1)]
Flag = Annotated[bool, BeforeValidator(_boolean)]
Off = Annotated[Literal["false"], Field()]
Url = Annotated[str, Field(max_length=5000), AfterValidator(_address)]
Email = Annotated[str, Field(max_length=800), AfterValidator(_email)]
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
CurrencyCode = Annotated[str, AfterValidator(str.lower)]
Text = Annotated[str, Field(max_length=5000)]


class Params(BaseModel):
    """Parameters of one operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unplayed: ClassVar[str] = ""

    expand: list[str] = []


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductData(_Part):
    name: Text = Field(min_length=1)
    description: Annotated[str, Field(max_length=40000)] | None = None
    images: Annotated[list[Url], Field(max_length=8)] = []
    metadata: Labels = {}
    tax_code: Text | None = None
    unit_label: Annotated[str, Field(max_length=12)] | None = None


class PriceData(_Part):
    currency: CurrencyCode
    unit_amount: Annotated[Whole, Field(ge=0)] | None = None
    unit_amount_decimal: Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,12})?$")] | None = None
    product_data: ProductData
    tax_behavior: Literal["exclusive", "inclusive", "unspecified"] | None = None


class LineItem(_Part):
    price_data: PriceData
    quantity: Positive
    metadata: Labels = {}


class PaymentIntentData(_Part):
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    description: Annotated[str, Field(max_length=1000)] | None = None
    metadata: Labels = {}
    receipt_email: Email | None = None
    statement_descriptor: Annotated[str, Field(max_length=22)] | None = None
    statement_descriptor_suffix: Annotated[str, Field(max_length=22)] | None = None


class Switch(_Part):
    """A feature the stand-in does not have: it may be named, but only to say that it is off."""

    enabled: Off


class CreateSession(Params):
    """POST /v1/checkout/sessions, for hosted one-time payments of prices given inline."""

    unplayed = (
        "after_expiration branding_settings consent_collection custom_fields custom_text customer customer_account "
        "customer_update discounts integration_identifier managed_payments name_collection optional_items "
        "payment_method_collection payment_method_configuration payment_method_data payment_method_options permissions "
        "redirect_on_completion return_url saved_payment_method_options setup_intent_data shipping_address_collection "
        "shipping_options subscription_data tax_id_collection wallet_options allowed_payment_method_types"
    )

    mode: Literal["payment"]
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=100)]
    success_url: Url
    cancel_url: Url | None = None
    ui_mode: Literal["hosted_page"] = "hosted_page"
    client_reference_id: Annotated[str, Field(max_length=200)] | None = None
    currency: CurrencyCode | None = None
    customer_creation: Literal["always", "if_required"] = "if_required"
    customer_email: Email | None = None
    expires_at: Whole | None = None
    locale: Annotated[str, Field(pattern=r"^(auto|[a-z]{2,3}(-[A-Z0-9]{2,3})?)$")] | None = None
    metadata: Labels = {}
    payment_intent_data: PaymentIntentData = PaymentIntentData()
    payment_method_types: Annotated[list[str], Field(min_length=1)] | None = None
    excluded_payment_method_types: list[str] = []
    billing_address_collection: Literal["auto", "required"] | None = None
    submit_type: Literal["auto", "book", "donate", "pay"] | None = None
    origin_context: Literal["mobile_app", "web"] | None = None
    adaptive_pricing: Switch | None = None
    automatic_tax: Switch | None = None
    invoice_creation: Switch | None = None
    phone_number_collection: Switch | None = None
    allow_promotion_codes: Off | None = None


class Expand(Params):
    """Operations that take nothing but `expand`."""


class ReadPayment(Params):
    """GET /v1/payment_intents/{id}, with a secret key."""

    unplayed = "client_secret"


class CapturePayment(Params):
    """POST /v1/payment_intents/{id}/capture."""

    unplayed = (
        "amount_details application_fee_amount hooks payment_details statement_descriptor "
        "statement_descriptor_suffix transfer_data"
    )
    amount_to_capture: Positive | None = None
    final_capture: Literal["true"] | None = None
    metadata: Labels = {}


class CancelPayment(Params):
    """POST /v1/payment_intents/{id}/cancel."""

    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = None


class CreateRefund(Params):
    """POST /v1/refunds: of a charge, or of a payment intent's latest charge."""

    unplayed = "currency customer instructions_email origin refund_application_fee reverse_transfer"
    payment_intent: Text | None = None
    charge: Text | None = None
    amount: Positive | None = None
    metadata: Labels = {}
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class CreatedRange(_Part):
    gt: Whole | None = None
    gte: Whole | None = None
    lt: Whole | None = None
    lte: Whole | None = None


def _range(value: Any) -> Any:
    return value if isinstance(value, Mapping) else {"gte": value, "lte": value}


class Page(Params):
    """What every list takes."""

    limit: Annotated[Whole, Field(ge=1, le=100)] = 10
    starting_after: Text | None = None
    ending_before: Text | None = None


class PageOfDated(Page):
    """Lists of things that have a time."""

    created: Annotated[CreatedRange, BeforeValidator(_range)] | None = None


class ListSessions(PageOfDated):
    unplayed = "customer customer_account customer_details payment_link subscription"
    payment_intent: Text | None = None
    status: Literal["complete", "expired", "open"] | None = None


class ListPayments(PageOfDated):
    unplayed = "customer customer_account"


class ListCharges(PageOfDated):
    unplayed = "customer transfer_group"
    payment_intent: Text | None = None


class ListRefunds(PageOfDated):
    charge: Text | None = None
    payment_intent: Text | None = None


class ListDisputes(PageOfDated):
    charge: Text | None = None
    payment_intent: Text | None = None


class ListBalanceTransactions(PageOfDated):
    currency: CurrencyCode | None = None
    payout: Text | None = None
    source: Text | None = None
    type: Text | None = None


class ListPayouts(PageOfDated):
    unplayed = "arrival_date destination"
    status: Literal["canceled", "failed", "in_transit", "paid", "pending"] | None = None


class ListEvents(PageOfDated):
    type: Text | None = None
    types: Annotated[list[str], Field(max_length=20)] | None = None
    delivery_success: Flag | None = None


def read(model: type[P], given: Mapping[str, Any]) -> P:
    """`given` as `model`, or a StripeError that names the first thing wrong."""
    for name in given:
        if name in model.unplayed.split():
            raise StripeError(400, f"The Stripe stand-in does not play this parameter: {name}", param=name)
    empty = _first_empty(given)
    if empty:
        raise StripeError(
            400,
            f"You passed an empty string for '{empty}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{empty}' cannot be unset.",
            code="parameter_invalid_empty",
            param=empty,
        )
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _worded(error.errors()[0]) from None


def _first_empty(node: Any, location: tuple[str | int, ...] = ()) -> str | None:
    if node == "" and location:
        return path(location)
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        found = None if key == "metadata" else _first_empty(value, (*location, key))
        if found:
            return found
    return None


def _worded(error: ErrorDetails) -> StripeError:
    param, kind = path(error["loc"]), error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return StripeError(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
    if kind == "missing":
        return StripeError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)
    if kind == "literal_error":
        return StripeError(400, f"Invalid {param}: must be one of {context['expected']}", param=param)
    if kind == "string_too_long":
        shown = str(error["input"])
        message = f"Invalid string: {shown[:10]}...{shown[-10:]}; must be at most {context['max_length']} characters"
        return StripeError(400, message, param=param)
    if kind == "greater_than_equal":
        message = f"Invalid integer: {error['input']}; must be greater than or equal to {context['ge']}"
        return StripeError(400, message, code="parameter_invalid_integer", param=param)
    code = kind if kind.startswith(("parameter_", "url_", "email_")) else None
    message = error["msg"] if code or kind == "metadata_size" else f"Invalid {param}: {error['msg']}"
    return StripeError(400, message, code=code, param=param)
