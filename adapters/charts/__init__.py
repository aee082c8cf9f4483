"""The charts of accounts that are shipped, as readable data beside this file."""

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.accounts import Account, Chart, Role
from domain.book_settings import BookSettings
from domain.cart import TaxCategory

_HERE = Path(__file__).parent
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class AccountTable(BaseModel):
    """An account as charts and merchant files write it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    role: Annotated[Role, Field(strict=False)]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,8}$")]
    name: _Name
    category: Annotated[TaxCategory | None, Field(strict=False)] = None
    rate: Annotated[Decimal | None, Field(strict=False, gt=0, le=100)] = None
    automatic: bool = False
    tax_key: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")] | None = None

    def to_domain(self) -> Account:
        """The same in the house's words."""
        return Account(**self.model_dump())


def names() -> tuple[str, ...]:
    """The charts there are."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.toml")))


@cache
def shipped(name: str) -> Chart:
    """The chart of this name, which must be one of `names()`."""
    content = tomllib.loads((_HERE / f"{name}.toml").read_text(encoding="utf-8"))
    accounts = [AccountTable.model_validate(table).to_domain() for table in content["accounts"]]
    return Chart(name=content["name"], datev=content.get("datev"), accounts=tuple(accounts))


@cache
def of_merchant(settings: BookSettings) -> Chart:
    """The merchant's chart: the shipped one with his own accounts in place."""
    return with_own(settings.chart, settings.accounts)


def with_own(name: str, accounts: Iterable[Account]) -> Chart:
    """A shipped chart with single accounts replaced."""
    return shipped(name).with_overrides(accounts)
