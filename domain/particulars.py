"""The particulars of a checkout: all that is not an amount. Its key, who buys, where to return to, notes."""

import re
from collections.abc import Mapping

from domain.capture_modes import CaptureMode
from domain.checkout import Address, Customer, Redirects
from domain.countries import is_country
from domain.currencies import is_currency
from domain.e_invoices import counts_in_hundredths
from domain.electronic_addresses import ElectronicAddress, id_problem, leitweg_id_problem, scheme_problem
from domain.languages import is_language
from domain.redirects import redirect_problem
from domain.texts import UNPRINTABLE, card_problem, email_problem, vat_id_problem
from domain.violations import Violations, escaped

SHORTEST_EXPIRY_SECONDS = 30 * 60
LONGEST_EXPIRY_SECONDS = 30 * 24 * 3600
MOST_METADATA = 20
LONGEST_METADATA_KEY = 40
LONGEST_METADATA_VALUE = 500

_ASSIGNMENT_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


def check_assignment_key(violations: Violations, key: object) -> None:
    """The key is part of workflow ids and file names, so its characters are few."""
    if not isinstance(key, str) or not _ASSIGNMENT_KEY.fullmatch(key):
        problem = "must be 1 to 100 of the characters A-Z a-z 0-9 . _ : - and start with a letter or digit"
        violations.add("/assignment_key", problem)


def check_customer(violations: Violations, customer: object) -> None:
    """Who buys: everything an invoice must say of the buyer (BG-7) and a mail needs."""
    if not isinstance(customer, Customer):
        violations.add("/customer", "must be a customer")
        return
    violations.check_text("/customer/name", customer.name, most=200)
    violations.check_text("/customer/company", customer.company, most=200, optional=True)
    violations.add("/customer/email", email_problem(customer.email))
    if not is_language(customer.language):
        violations.add("/customer/language", 'must be an ISO 639-1 code in lower case such as "de"')
    if customer.vat_id is not None:
        violations.add("/customer/vat_id", vat_id_problem(customer.vat_id))
    violations.check_identifier("/customer/number", customer.number, most=64, optional=True)
    _check_address(violations, customer.address)
    _check_electronic_address(violations, customer.electronic_address)
    _check_reference(violations, customer)


def _check_address(violations: Violations, address: object) -> None:
    pointer = "/customer/address"
    if not isinstance(address, Address):
        violations.add(pointer, "must be an address")
        return
    violations.check_text(f"{pointer}/line1", address.line1, most=200)
    violations.check_text(f"{pointer}/line2", address.line2, most=200, optional=True)
    violations.check_text(f"{pointer}/postal_code", address.postal_code, most=20)
    violations.check_text(f"{pointer}/city", address.city, most=100)
    if not is_country(address.country):
        violations.add(f"{pointer}/country", 'must be an ISO 3166-1 alpha-2 code in upper case such as "DE"')


def _check_electronic_address(violations: Violations, address: object) -> None:
    pointer = "/customer/electronic_address"
    if address is None:
        return
    if not isinstance(address, ElectronicAddress):
        violations.add(pointer, "must be an electronic address, or null")
        return
    violations.add(f"{pointer}/scheme", scheme_problem(address.scheme))
    violations.add(f"{pointer}/id", id_problem(address.scheme, address.id))


def _check_reference(violations: Violations, customer: Customer) -> None:
    """What the buyer wants to find the invoice by (BT-10), of which there is one."""
    violations.check_text("/customer/buyer_reference", customer.buyer_reference, most=200, optional=True)
    if customer.leitweg_id is not None:
        violations.add("/customer/leitweg_id", leitweg_id_problem(customer.leitweg_id))
        if customer.buyer_reference is not None:
            violations.add("/customer/buyer_reference", "must not be given beside a Leitweg-ID, which is the reference")


def check_leitweg_id(violations: Violations, customer: object, currency: object, *, writes_xrechnung: bool) -> None:
    """Who has a Leitweg-ID gets an XRechnung, or learns before he pays that he cannot (see `domain.e_invoices`)."""
    if not isinstance(customer, Customer) or customer.leitweg_id is None:
        return
    pointer = "/customer/leitweg_id"
    if not writes_xrechnung:
        violations.add(pointer, "needs a seller with a telephone number, which this merchant does not have (BR-DE-6)")
    if isinstance(currency, str) and is_currency(currency) and not counts_in_hundredths(currency):
        violations.add(pointer, "needs a currency with two decimals (PEPPOL-EN16931-R120)")


def check_redirects(violations: Violations, redirects: object, *, origins: tuple[str, ...], allow_local: bool) -> None:
    """Where the customer returns to: only to the merchant's own addresses (see `domain.redirects`)."""
    if redirects is None:
        return
    if not isinstance(redirects, Redirects):
        violations.add("/redirects", "must be redirects")
        return
    for name in ("success", "failure", "cancel"):
        problem = redirect_problem(getattr(redirects, name), origins=origins, allow_local=allow_local)
        violations.add(f"/redirects/{name}", problem)
    if redirects.pending is not None:
        problem = redirect_problem(redirects.pending, origins=origins, allow_local=allow_local)
        violations.add("/redirects/pending", problem)


def check_capture(violations: Violations, capture: object) -> None:
    """When the money is captured: at once, or when the shop says so."""
    if capture is not None and not (isinstance(capture, str) and capture in set(CaptureMode)):
        violations.add("/capture", 'must be "automatic", "manual" or null')


def check_expiry(violations: Violations, seconds: object) -> None:
    """How long the link lives: long enough to be opened in a mail, and within a provider's patience."""
    within = isinstance(seconds, int) and SHORTEST_EXPIRY_SECONDS <= seconds <= LONGEST_EXPIRY_SECONDS
    if not within:
        problem = f"must be a whole number from {SHORTEST_EXPIRY_SECONDS} (30 minutes) to {LONGEST_EXPIRY_SECONDS}"
        violations.add("/expires_in_seconds", f"{problem} (30 days)")


def check_metadata(violations: Violations, metadata: object) -> None:
    """The shop's own notes, kept and given back. A wrong key is not repeated in the pointer."""
    if not isinstance(metadata, Mapping):
        violations.add("/metadata", "must be an object of strings")
        return
    if len(metadata) > MOST_METADATA:
        violations.add("/metadata", f"must not have more than {MOST_METADATA} entries")
        return
    for key, value in metadata.items():
        if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_METADATA_KEY or UNPRINTABLE.search(key):
            violations.add("/metadata", f"must have keys of 1 to {LONGEST_METADATA_KEY} printable characters")
            continue
        if not isinstance(value, str) or len(value) > LONGEST_METADATA_VALUE or UNPRINTABLE.search(value):
            problem: str | None = f"must be a string of at most {LONGEST_METADATA_VALUE} printable characters"
        else:
            problem = card_problem(f"{key}\n{value}")
        violations.add(f"/metadata/{escaped(key)}", problem)
