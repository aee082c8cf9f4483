"""A merchant as a TOML file, read with all that is wrong with it said at once.

id = "meridian"
[seller]           # fields of domain.merchants.Seller, [seller.address] and [seller.electronic_address]
[branding]         # `logo` is the name of an SVG file beside this one
[texts.de.invoice] # words in place of ours, by language and section: title = "Beleg"
[blocks.de]        # templates for the free places of documents: see adapters.documents.blocks
[series.invoice]   # fields of domain.numbers.Numbering; also credit_note, cancelation, deposit
[invoice_fields]   # [.sources], [.defaults] and [.customers."<number>"]: see domain.invoice_mapping
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self
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

from adapters import charts
from adapters.documents import blocks, logo
from adapters.documents.fonts import FontLibrary
from adapters.documents.words import LANGUAGES
from domain.accounts import violations
from domain.book_settings import PLAIN, BookSettings, Debtors
from domain.capture_modes import CaptureMode, DelayedMethod
from domain.cart import TaxRounding
from domain.checkout import Address
from domain.countries import is_country
from domain.currencies import exponent
from domain.electronic_addresses import ElectronicAddress, id_problem, scheme_problem
from domain.errors import InvalidAmount, InvalidInput
from domain.invoice_mapping import InvoiceMapping, mapping_problems
from domain.languages import is_language
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from domain.merchants import BalancedWhen, BillableWhen, Branding, Invoicing, Merchant, Seller
from domain.numbers import Numbering, Reset, check_pattern, collisions, numbering_problems
from domain.refunds import RefundApproval
from domain.retention import LEAST_YEARS, MOST_YEARS
from domain.scripts import missing_fonts
from domain.settlements import CreditBalance
from domain.tax_settings import TaxSettings
from domain.texts import UNPRINTABLE
from domain.vat_ids import InvalidVatIdPolicy
from wording import own_texts

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


class InvalidMerchantFile(ValueError):
    """The file is not a merchant. The message has one line per field that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What a file is read with: the directory it lies in, and the fonts its documents will be set in."""

    directory: Path
    fonts: FontLibrary


def load(path: Path, fonts: FontLibrary | None = None) -> Merchant:
    """The merchant of a TOML file. Raises InvalidMerchantFile, and OSError when the file cannot be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidMerchantFile(f"{path.name} is not TOML: {error}") from error
    try:
        return _MerchantTable.model_validate(
            content, context=_Surroundings(directory=path.parent, fonts=fonts or FontLibrary())
        ).to_domain()
    except ValidationError as error:
        wrong = [f"  {'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()]
        raise InvalidMerchantFile("\n".join([f"{path.name} is not a merchant:", *wrong])) from error


def _country(code: str) -> str:
    if not is_country(code):
        raise ValueError("must be an ISO 3166-1 alpha-2 country code in upper case, such as DE")
    return code


def _language(code: str, info: ValidationInfo[Any]) -> str:
    """Read after the texts: a language we have none in needs the merchant's own."""
    if code not in LANGUAGES | info.data.get("texts", {}).keys():
        raise ValueError(f"we have texts in {', '.join(sorted(LANGUAGES))} only; others need texts of your own")
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


def _iban(text: str) -> str:
    """ISO 13616: letters count 10 to 35, the country and check digits go last, the rest by 97 is 1."""
    iban = text.replace(" ", "")
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
        raise ValueError("must be an IBAN such as DE75 5121 0800 1245 1261 99")
    if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 != 1:
        raise ValueError("the check digits of this IBAN are wrong")
    return iban


def _wrong_languages(by_language: Mapping[str, object]) -> Iterator[str]:
    return (f"{code!r} is no ISO 639-1 code" for code in by_language if not is_language(code))


def _unprintable(text: str, fonts: FontLibrary) -> str | None:
    if UNPRINTABLE.search(text):
        return "must be one line without control characters and direction overrides"
    if missing := fonts.undrawable(text):
        return f"has characters no font can draw: {missing[:10]}; {missing_fonts(missing)}"
    return None


def _block_problem(place: str, source: str, fonts: FontLibrary) -> str | None:
    try:
        printed = blocks.printed(blocks.checked(place, source))
    except blocks.UnsafeBlock as error:
        return str(error)
    return _unprintable(printed.replace("\n", " "), fonts)


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


class _ElectronicAddressTable(_Table):
    scheme: str
    id: str

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if problem := scheme_problem(self.scheme):
            raise ValueError(f"scheme {problem}")
        if problem := id_problem(self.scheme, self.id):
            raise ValueError(f"id {problem}")
        return self

    def to_domain(self) -> ElectronicAddress:
        return ElectronicAddress(scheme=self.scheme, id=self.id)


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
    electronic_address: _ElectronicAddressTable | None = None

    @model_validator(mode="after")
    def _can_charge_tax(self) -> Self:
        if not self.vat_id and not self.tax_number:
            raise ValueError("vat_id or tax_number is needed to charge tax (EN 16931, BR-S-02)")
        return self

    def to_domain(self) -> Seller:
        apart = {"address", "register_entry", "electronic_address"}
        values = {name: value for name, value in self if name not in apart}
        return Seller(
            **values,
            register=self.register_entry,
            address=self.address.to_domain(),
            electronic_address=self.electronic_address.to_domain() if self.electronic_address else None,
        )


class _BrandingTable(_Table):
    display_name: _Text
    logo: str
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

    @field_validator("logo")
    @classmethod
    def _read_logo(cls, name: str, info: ValidationInfo[_Surroundings]) -> str:
        if Path(name).name != name or not name.endswith(".svg"):
            raise ValueError("must be the name of an SVG file beside the merchant's file")
        try:
            return logo.checked((info.context.directory / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from error

    def to_domain(self, texts: "_Texts", templates: Mapping[str, Mapping[str, str]]) -> Branding:
        return Branding(**self.model_dump(), texts=_by_dotted_key(texts), blocks=templates)


_Texts = dict[str, dict[str, dict[str, str]]]
"""By language, section and name, as a file has them."""


def _by_dotted_key(texts: _Texts) -> dict[str, dict[str, str]]:
    return {
        language: {f"{section}.{name}": text for section, table in tables.items() for name, text in table.items()}
        for language, tables in texts.items()
    }


class _TaxTable(_Table):
    oss: bool = False
    rounding: Annotated[TaxRounding, Field(strict=False)] = TaxRounding.GROSS_EXACT
    invalid_vat_id: Annotated[InvalidVatIdPolicy, Field(strict=False)] = InvalidVatIdPolicy.CHARGE

    def to_domain(self) -> TaxSettings:
        return TaxSettings(**self.model_dump())


class _NumberingTable(_Table):
    pattern: Annotated[str, AfterValidator(_number_pattern)]
    reset: Annotated[Reset, Field(strict=False)]
    start: Annotated[int, Field(ge=1)] = 1

    def to_domain(self) -> Numbering:
        return Numbering(**dict(self))


class _SeriesTable(_Table):
    invoice: _NumberingTable | None = None
    credit_note: _NumberingTable | None = None
    cancelation: _NumberingTable | None = None
    deposit: _NumberingTable | None = None

    def to_domain(self) -> dict[str, Numbering]:
        return {kind: table.to_domain() for kind, table in self if table is not None}


_PATTERN_KEYS = {
    "invoice": "number_pattern",
    "credit_note": "credit_note_pattern",
    "cancelation": "cancelation_pattern",
    "deposit": "deposit_pattern",
}


def _currency(code: str) -> str:
    try:
        decimals = exponent(code)
    except InvalidAmount as error:
        raise ValueError("must be an ISO 4217 currency code such as EUR") from error
    if decimals > 2:
        raise ValueError("books are kept in a currency with at most two decimals")
    return code


def _chart(name: str) -> str:
    if name not in charts.names():
        raise ValueError(f"must be one of {', '.join(charts.names())}")
    return name


class _BooksTable(_Table):
    chart: Annotated[str, AfterValidator(_chart)] = PLAIN
    accounts: list[charts.AccountTable] = []
    currency: Annotated[str, AfterValidator(_currency)] = "EUR"
    debtors: Annotated[Debtors, Field(strict=False)] = Debtors.EACH
    first_debtor: int | None = None
    account_length: Annotated[int, Field(ge=4, le=8)] = 4
    fiscal_year_from: Annotated[int, Field(ge=1, le=12)] = 1
    consultant: Annotated[int, Field(ge=1001, le=9_999_999)] | None = None
    client: Annotated[int, Field(ge=1, le=99_999)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        settings = self.to_domain()
        if broken := violations(charts.of_merchant(settings)):
            raise ValueError("; ".join(broken))
        if not 10**self.account_length <= settings.first_debtor <= settings.last_debtor:
            raise ValueError(f"first_debtor must be between {10**self.account_length} and {settings.last_debtor}")
        return self

    def to_domain(self) -> BookSettings:
        values = {name: value for name, value in self if name not in {"accounts", "first_debtor"}}
        first = 10**self.account_length if self.first_debtor is None else self.first_debtor
        accounts = tuple(account.to_domain() for account in self.accounts)
        return BookSettings(**values, accounts=accounts, first_debtor=first)


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
    texts: _Texts = {}
    blocks: dict[str, dict[str, str]] = {}
    languages: Annotated[list[Annotated[str, AfterValidator(_language)]], Field(min_length=1)]
    redirect_origins: list[Annotated[str, AfterValidator(_origin)]] = []
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    number_pattern: Annotated[str, AfterValidator(_number_pattern)] = "{year}-{000000}"
    first_number: Annotated[int, Field(ge=1)] = 1
    late_money: Annotated[LateMoneyPolicy, Field(strict=False)] = LateMoneyPolicy.HOLD
    late_money_days: Annotated[int, Field(ge=1, le=365)] = 7
    overpayment: Annotated[OverpaymentPolicy, Field(strict=False)] = OverpaymentPolicy.REFUND
    short_payment: Annotated[ShortPaymentPolicy, Field(strict=False)] = ShortPaymentPolicy.HOLD
    balanced_when: Annotated[BalancedWhen, Field(strict=False)] = BalancedWhen.CAPTURED
    credit_note_pattern: Annotated[str, AfterValidator(_number_pattern)] = "GS-{year}-{000000}"
    cancelation_pattern: Annotated[str, AfterValidator(_number_pattern)] = "ST-{year}-{000000}"
    deposit_pattern: Annotated[str, AfterValidator(_number_pattern)] = "AZ-{year}-{000000}"
    legal_entity: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,10}$")] | None = None
    series: _SeriesTable = _SeriesTable()
    refund_approval: Annotated[RefundApproval, Field(strict=False)] = RefundApproval.NONE
    retention_years: Annotated[int, Field(ge=LEAST_YEARS, le=MOST_YEARS)] = 10
    capture: Annotated[CaptureMode, Field(strict=False)] = CaptureMode.AUTOMATIC
    delayed_methods: list[Annotated[DelayedMethod, Field(strict=False)]] = []
    tax: _TaxTable = _TaxTable()
    books: _BooksTable = _BooksTable()

    @field_validator("texts")
    @classmethod
    def _only_texts_of_ours(cls, texts: _Texts, info: ValidationInfo[_Surroundings]) -> _Texts:
        wrong = list(_wrong_languages(texts))
        for language, own in _by_dotted_key(texts).items():
            for key, text in own.items():
                if problem := own_texts.problem(key, text) or _unprintable(text, info.context.fonts):
                    wrong.append(f"{language}.{key} {problem}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return texts

    @field_validator("blocks")
    @classmethod
    def _only_plain_blocks(
        cls, templates: dict[str, dict[str, str]], info: ValidationInfo[_Surroundings]
    ) -> dict[str, dict[str, str]]:
        wrong = list(_wrong_languages(templates))
        for language, places in templates.items():
            for place, source in places.items():
                if problem := _block_problem(place, source, info.context.fonts):
                    wrong.append(f"{language}.{place}: {problem}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return templates

    credit_balance: Annotated[CreditBalance, Field(strict=False)] | None = None

    invoicing: Annotated[Invoicing, Field(strict=False)] = Invoicing.IMMEDIATE
    billable_when: Annotated[BillableWhen, Field(strict=False)] = BillableWhen.BALANCED
    invoice_fields: _InvoiceFieldsTable = _InvoiceFieldsTable()

    @model_validator(mode="after")
    def _seller_can_be_printed(self, info: ValidationInfo[_Surroundings]) -> Self:
        printed = f"{self.branding.display_name}{''.join(map(str, self.seller.model_dump().values()))}"
        if problem := _unprintable(printed, info.context.fonts):
            raise ValueError(f"seller and display name: {problem}")
        return self

    @model_validator(mode="after")
    def _numbers_stay_unique(self) -> Self:
        if problems := list(self._series_problems()):
            raise ValueError("; ".join(problems))
        return self

    def _series_problems(self) -> Iterator[str]:
        """What is wrong with the series as a whole, in the words of the file."""
        said_twice = {"invoice": {"number_pattern", "first_number"}}
        for kind, key in _PATTERN_KEYS.items():
            twice = self.model_fields_set & said_twice.get(kind, {key})
            if getattr(self.series, kind) is not None and twice:
                yield f"{' and '.join(sorted(twice))} must go: [series.{kind}] says it"
        if self.series.invoice is None and "number_pattern" not in self.model_fields_set:
            yield "number_pattern or [series.invoice] is needed"
        merchant = self.to_domain()
        names = {kind: f"series.{kind}" if getattr(self.series, kind) else key for kind, key in _PATTERN_KEYS.items()}
        numberings = {names[kind]: merchant.numbering(kind) for kind in _PATTERN_KEYS}
        for name, numbering in numberings.items():
            for problem in numbering_problems(numbering, merchant.legal_entity):
                yield f"{name} {problem}"
        patterns = {name: numbering.pattern for name, numbering in numberings.items()}
        for left, right in collisions(patterns, merchant.legal_entity):
            yield f"{left} and {right} would give the same numbers"

    def to_domain(self) -> Merchant:
        return Merchant(
            id=self.id,
            seller=self.seller.to_domain(),
            branding=self.branding.to_domain(self.texts, self.blocks),
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
            cancelation_pattern=self.cancelation_pattern,
            deposit_pattern=self.deposit_pattern,
            refund_approval=self.refund_approval,
            retention_years=self.retention_years,
            capture=self.capture,
            delayed_methods=tuple(self.delayed_methods),
            tax=self.tax.to_domain(),
            legal_entity=self.legal_entity or "",
            series=self.series.to_domain(),
            books=self.books.to_domain(),
            credit_balance=self.credit_balance,
            invoicing=self.invoicing,
            billable_when=self.billable_when,
            invoice_mapping=self.invoice_fields.to_domain(),
        )
