"""Checkout Sessions as they are opened: what is asked for, checked and written down."""

from decimal import ROUND_HALF_UP, Decimal

from sandbox.stripe import methods, money
from sandbox.stripe.books import Books, new_id
from sandbox.stripe.errors import refuse
from sandbox.stripe.parameters import CreateSession, LineItem
from sandbox.stripe.store import Json

_SHORTEST = 30 * 60
_LONGEST = 24 * 3600


def create(books: Books, params: CreateSession) -> Json:
    """Open a session; its page can be paid until it expires."""
    currency = _currency(params)
    expires_at = _expiry(books.now, params.expires_at)
    amounts = [_amount(item, f"line_items[{n}][price_data]") for n, item in enumerate(params.line_items)]
    money.check_total(sum(amounts), currency)
    session_id = new_id("cs_test_", 58)
    session = _session(books, params, session_id, sum(amounts), currency, expires_at)
    books.add(session, session=session_id, payment_intent_data=params.payment_intent_data.model_dump())
    for item, amount in zip(params.line_items, amounts, strict=True):
        books.add(_line(books, item, amount, currency), session=session_id)
    books.later(expires_at - books.clock.time(), "expire_session", session=session_id)
    return session


def lines(books: Books, session: Json) -> list[Json]:
    """The session's line items in the order given."""
    found = books.store.select(books.account, "item", "session = ?", [session["id"]], "ORDER BY seq")
    return [stored.body for stored in found]


def _currency(params: CreateSession) -> str:
    named = {item.price_data.currency for item in params.line_items} | ({params.currency} - {None})
    if len(named) > 1:
        refuse("All line items of a Checkout Session must have the same currency.", "line_items")
    currency = params.line_items[0].price_data.currency
    money.check_currency(currency, "line_items[0][price_data][currency]")
    return currency


def _expiry(now: int, wanted: int | None) -> int:
    if wanted is None:
        return now + _LONGEST
    if wanted - now < _SHORTEST:
        refuse("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at")
    if wanted - now > _LONGEST:
        refuse("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at")
    return wanted


def _amount(item: LineItem, param: str) -> int:
    price = item.price_data
    given = (price.unit_amount is not None, price.unit_amount_decimal is not None)
    if given == (False, False):
        refuse(f"Missing required param: {param}[unit_amount].", f"{param}[unit_amount]", code="parameter_missing")
    if given == (True, True):
        refuse(
            "You may only specify one of these parameters: unit_amount, unit_amount_decimal.",
            param,
        )
    unit = Decimal(price.unit_amount if price.unit_amount is not None else price.unit_amount_decimal or 0)
    return int((unit * item.quantity).quantize(Decimal(1), ROUND_HALF_UP))


def _line(books: Books, item: LineItem, amount: int, currency: str) -> Json:
    price, product = item.price_data, new_id("prod_", 14)
    exact = price.unit_amount_decimal or str(price.unit_amount)
    return {
        "id": new_id("li_1", 23),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": price.product_data.name,
        "discounts": [],
        "metadata": item.metadata,
        "price": {
            "id": new_id("price_1", 23),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": books.now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": product,
            "recurring": None,
            "tax_behavior": price.tax_behavior or "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": price.unit_amount,
            "unit_amount_decimal": exact,
        },
        "quantity": item.quantity,
        "taxes": [],
    }


def _session(books: Books, params: CreateSession, session_id: str, amount: int, currency: str, expires_at: int) -> Json:
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.billing_address_collection,
        "cancel_url": params.cancel_url,
        "client_reference_id": params.client_reference_id,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": books.now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": params.customer_creation,
        "customer_details": None,
        "customer_email": params.customer_email,
        "discounts": [],
        "excluded_payment_method_types": params.excluded_payment_method_types,
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": {"enabled": False, "invoice_data": _NO_INVOICE},
        "livemode": False,
        "locale": params.locale,
        "metadata": params.metadata,
        "mode": params.mode,
        "origin_context": params.origin_context,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": methods.offered(
            currency,
            params.payment_method_types,
            params.excluded_payment_method_types,
            manual=params.payment_intent_data.capture_method == "manual",
        ),
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.submit_type,
        "subscription": None,
        "success_url": params.success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": params.ui_mode,
        "url": f"{books.public_url}/c/pay/{session_id}",
        "wallet_options": None,
    }


_NO_INVOICE: Json = {
    "account_tax_ids": None,
    "custom_fields": None,
    "description": None,
    "footer": None,
    "issuer": None,
    "metadata": {},
    "rendering_options": None,
}
