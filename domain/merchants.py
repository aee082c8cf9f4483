"""A merchant: who sells. Legal data for the invoice, how it looks, how its numbers run, what it allows."""

from dataclasses import dataclass

from domain.checkout import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """The legal seller as an invoice must name it (BG-4, and § 14 UStG and § 35a GmbHG in Germany).

    `vat_id` is BT-31, `tax_number` BT-32; at least one is needed to charge tax.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How the merchant's pages, mails and documents look. `logo` is an SVG with flat fills, as text."""

    display_name: str
    logo: str
    accent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A tenant. `redirect_origins` are the exact origins (`https://shop.example`) customers may be sent to.

    `time_zone` (IANA) is the seller's calendar: it decides which day an invoice is issued on.
    `number_pattern` makes invoice numbers: `{year}` and one run of zeros in braces, `RE-{year}-{000000}`;
    the zeros are the number's least width. `first_number` is the first one drawn of a fresh series.
    """

    id: str
    seller: Seller
    branding: Branding
    languages: tuple[str, ...] = ("en",)
    redirect_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    number_pattern: str = "{year}-{000000}"
    first_number: int = 1
