"""Electronic invoices: which specification a document follows, and what it cannot be written without.

`broken` is a guard before a document takes a number: what the XML could not carry, or what the specification
asks for and is not there, must not come to light afterwards. Amounts and tax are judged elsewhere.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

from domain.currencies import exponent
from domain.electronic_addresses import MAIL, is_leitweg_id
from domain.errors import BrokenRule
from domain.invoices import Draft, Invoice
from domain.merchants import Seller

MOST_DECIMALS = 2
"""Amounts have at most two decimals in electronic invoices (BR-DEC-…), also in currencies that have three."""

_GERMANY = "DE"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Profile(StrEnum):
    """The specification a document follows (BT-24). The two narrower ones are EN 16931 too."""

    EN_16931 = "EN 16931"
    XRECHNUNG = "XRechnung 3.0"
    PEPPOL = "Peppol BIS Billing 3.0"


def profile_of(invoice: Invoice) -> Profile:
    """XRechnung for a buyer with a Leitweg-ID; Peppol when both parties have an address other than mail.

    Between two Germans Peppol wants XRechnung's data (its rules DE-R-…), and of every currency that it has two
    decimals; without that the document stays at EN 16931.
    """
    seller, buyer = invoice.seller, invoice.buyer
    if is_leitweg_id(invoice.buyer_reference):
        return Profile.XRECHNUNG
    addresses = (seller.electronic_address, buyer.electronic_address)
    in_peppol = all(address is not None and address.scheme != MAIL for address in addresses)
    between_germans = seller.address.country == buyer.address.country == _GERMANY
    is_complete = not between_germans or (invoice.buyer_reference is not None and can_be_called(seller))
    if in_peppol and is_complete and counts_in_hundredths(invoice.cart.currency):
        return Profile.PEPPOL
    return Profile.EN_16931


def can_be_called(seller: Seller) -> bool:
    """Whether the seller has a telephone number, which XRechnung demands (BR-DE-6, BR-DE-27)."""
    return seller.phone is not None and len(re.findall("[0-9]", seller.phone)) >= 3


def counts_in_hundredths(currency: str) -> bool:
    """Whether lines can be rounded to two decimals, as XRechnung and Peppol reckon them (PEPPOL-EN16931-R120)."""
    return exponent(currency) >= MOST_DECIMALS


def broken(draft: Draft, seller: Seller) -> tuple[BrokenRule, ...]:
    """What keeps a draft from being an electronic invoice; empty for a sound one."""
    unwritable = (*_unwritable("", draft), *_unwritable("/seller", seller))
    return (
        *(BrokenRule(rule="XML", field=field, message="has a character that XML cannot carry") for field in unwritable),
        *_broken_reference(draft, seller),
    )


def _unwritable(field: str, value: Any) -> Iterator[str]:
    """The texts that cannot be written, however deep they lie, by JSON Pointer."""
    if isinstance(value, str):
        if _NOT_XML.search(value):
            yield field
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unwritable(f"{field}/{index}", item)
    elif is_dataclass(value):
        for inner in fields(value):
            yield from _unwritable(f"{field}/{inner.name}", getattr(value, inner.name))


def _broken_reference(draft: Draft, seller: Seller) -> Iterator[BrokenRule]:
    reference = draft.particulars.buyer_reference or draft.buyer.leitweg_id
    if is_leitweg_id(reference) and not can_be_called(seller):
        message = "the buyer has a Leitweg-ID, so the seller must have a telephone number (BT-42)"
        yield BrokenRule(rule="BR-DE-6", field="/seller/phone", message=message)
    if is_leitweg_id(reference) and not counts_in_hundredths(draft.cart.currency):
        message = f"the buyer has a Leitweg-ID, but {draft.cart.currency} does not have two decimals"
        yield BrokenRule(rule="PEPPOL-EN16931-R120", field="/cart/currency", message=message)
