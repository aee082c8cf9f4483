"""A merchant as a TOML file, read with all that is wrong with it said at once.

id = "meridian"
[seller]           # fields of domain.merchants.Seller, and [seller.address]
[branding]         # `logo` is the name of an SVG file beside this one
[invoice_fields]   # [.sources], [.defaults] and [.customers."<number>"]: see domain.invoice_mapping
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from adapters.documents import logo
from adapters.documents.words import LANGUAGES
from domain.checkout import Address
from domain.countries import is_country
from domain.errors import InvalidInput
from domain.invoice_mapping import InvoiceMapping, mapping_problems
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.merchants import BalancedWhen, BillableWhen, Branding, Invoicing, Merchant, Seller
from domain.numbers import check_pattern
from domain.refunds import RefundApproval

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


class InvalidMerchantFile(ValueError):
    """The file is not a merchant. The message has one line per field that is wrong."""


def load(path: Path) -> Merchant:
    """The merchant of a TOML file. Raises InvalidMerchantFile, and OSError when the file cannot be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidMerchantFile(f"{path.name} is not TOML: {error}") from error
    try:
        return _MerchantTable.model_validate(content, context=path.parent).to_domain()
    except ValidationError as error:
        wrong = [f"  {'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()]
        raise InvalidMerchantFile("\n".join([f"{path.name} is not a merchant:", *wrong])) from error


def _country(code: str) -> str:
    if not is_country(code):
        raise ValueError("must be an ISO 3166-1 alpha-2 country code in upper case, such as DE")
    return code


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"documents are written in {', '.join(sorted(LANGUAGES))} only")
    return code


def _origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454, section 6.2); plain HTTP on this machine only."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if f"{parts.scheme}://{parts.netloc}" != text or not host or "@" in parts.netloc or text != text.lower():
        raise ValueError("must be an origin such as https://shop.example, without path or trailing slash")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL_HOSTS):
        raise ValueError("must be https, or http on this machine")
    return text


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin")
    return name


def _number_pattern(pattern: str) -> str:
    try:
        check_pattern(pattern)
    except InvalidInput as error:
        raise ValueError("; ".join(violation.message for violation in error.violations)) from error
    return pattern


def _around_counter(pattern: str) -> str:
    """A pattern with its counter blotted out, however wide it is."""
    return re.sub(r"\{0+\}", "{0}", pattern)


def _iban(text: str) -> str:
    """ISO 13616: letters count 10 to 35, the country and check digits go last, the rest by 97 is 1."""
    iban = text.replace(" ", "")
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
        raise ValueError("must be an IBAN such as DE75 5121 0800 1245 1261 99")
    if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 != 1:
        raise ValueError("the check digits of this IBAN are wrong")
    return iban


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _AddressTable(_Table):
    line1: _Text
    line2: _Text | None = None
    postal_code: _Text
    city: _Text
    country: Annotated[str, AfterValidator(_country)]

    def to_domain(self) -> Address:
        return Address(**self.model_dump())


class _SellerTable(_Table):
    name: _Text
    address: _AddressTable
    vat_id: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9A-Z+*]{2,13}$")] | None = None
    tax_number: _Text | None = None
    register_entry: Annotated[_Text | None, Field(alias="register")] = None
    managing_directors: _Text | None = None
    phone: _Text | None = None
    email: EmailStr
    website: _Text | None = None
    bank_name: _Text | None = None
    iban: Annotated[str, AfterValidator(_iban)] | None = None
    bic: Annotated[str, StringConstraints(pattern=r"^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$")] | None = None

    @model_validator(mode="after")
    def _can_charge_tax(self) -> Self:
        if not self.vat_id and not self.tax_number:
            raise ValueError("vat_id or tax_number is needed to charge tax (EN 16931, BR-S-02)")
        return self

    def to_domain(self) -> Seller:
        values = {name: value for name, value in self if name not in {"address", "register_entry"}}
        return Seller(**values, register=self.register_entry, address=self.address.to_domain())


class _BrandingTable(_Table):
    display_name: _Text
    logo: str
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

    @field_validator("logo")
    @classmethod
    def _read_logo(cls, name: str, info: ValidationInfo[Path]) -> str:
        if Path(name).name != name or not name.endswith(".svg"):
            raise ValueError("must be the name of an SVG file beside the merchant's file")
        try:
            return logo.checked((info.context / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from error

    def to_domain(self) -> Branding:
        return Branding(**self.model_dump())


class _InvoiceFieldsTable(_Table):
    """What invoices say beside amounts, and where it comes from; a source may be one text or a list of them."""

    sources: dict[str, str | list[str]] = {}
    customers: dict[str, dict[str, str]] = {}
    defaults: dict[str, str] = {}

    @model_validator(mode="after")
    def _can_be_mapped(self) -> Self:
        if problems := list(mapping_problems(self.to_domain())):
            raise ValueError("; ".join(problems))
        return self

    def to_domain(self) -> InvoiceMapping:
        return InvoiceMapping(
            sources={name: (one,) if isinstance(one, str) else tuple(one) for name, one in self.sources.items()},
            customers=self.customers,
            defaults=self.defaults,
        )


class _MerchantTable(_Table):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    seller: _SellerTable
    branding: _BrandingTable
    languages: Annotated[list[Annotated[str, AfterValidator(_language)]], Field(min_length=1)]
    redirect_origins: list[Annotated[str, AfterValidator(_origin)]] = []
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    number_pattern: Annotated[str, AfterValidator(_number_pattern)]
    first_number: Annotated[int, Field(ge=1)] = 1
    late_money: Annotated[LateMoneyPolicy, Field(strict=False)] = LateMoneyPolicy.HOLD
    late_money_days: Annotated[int, Field(ge=1, le=365)] = 7
    overpayment: Annotated[OverpaymentPolicy, Field(strict=False)] = OverpaymentPolicy.REFUND
    short_payment: Annotated[ShortPaymentPolicy, Field(strict=False)] = ShortPaymentPolicy.HOLD
    balanced_when: Annotated[BalancedWhen, Field(strict=False)] = BalancedWhen.CAPTURED
    credit_note_pattern: Annotated[str, AfterValidator(_number_pattern)] = "GS-{year}-{000000}"
    refund_approval: Annotated[RefundApproval, Field(strict=False)] = RefundApproval.NONE
    invoicing: Annotated[Invoicing, Field(strict=False)] = Invoicing.IMMEDIATE
    billable_when: Annotated[BillableWhen, Field(strict=False)] = BillableWhen.BALANCED
    invoice_fields: _InvoiceFieldsTable = _InvoiceFieldsTable()

    @model_validator(mode="after")
    def _no_number_twice(self) -> Self:
        if _around_counter(self.credit_note_pattern) == _around_counter(self.number_pattern):
            raise ValueError("credit_note_pattern and number_pattern would give the same numbers")
        return self

    def to_domain(self) -> Merchant:
        return Merchant(
            id=self.id,
            seller=self.seller.to_domain(),
            branding=self.branding.to_domain(),
            languages=tuple(self.languages),
            redirect_origins=tuple(self.redirect_origins),
            time_zone=self.time_zone,
            number_pattern=self.number_pattern,
            first_number=self.first_number,
            late_money=self.late_money,
            late_money_days=self.late_money_days,
            overpayment=self.overpayment,
            short_payment=self.short_payment,
            balanced_when=self.balanced_when,
            credit_note_pattern=self.credit_note_pattern,
            refund_approval=self.refund_approval,
            invoicing=self.invoicing,
            billable_when=self.billable_when,
            invoice_mapping=self.invoice_fields.to_domain(),
        )
