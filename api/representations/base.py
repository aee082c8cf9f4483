"""What all that is answered has in common: money as decimal strings, times in UTC, nothing undescribed."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.money import Money

Amount = Annotated[str, Field(description="major units, as a decimal string", examples=["839.00"])]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class Representation(BaseModel):
    """What is answered; nothing that is not described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkflowOut(Representation):
    """The run behind the checkout, and where to look at it."""

    id: str
    url: str


def amount(minor: int, currency: str) -> str:
    """Minor units as a decimal string in major units."""
    return Money(minor, currency).to_decimal_string()
