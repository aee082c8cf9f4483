"""What all that is answered has in common: money as decimal strings, times in UTC, nothing undescribed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Generic, Protocol, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.money import Money

Amount = Annotated[str, Field(description="major units, as a decimal string", examples=["839.00"])]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class Representation(BaseModel):
    """What is answered; nothing that is not described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Item = TypeVar("Item", bound=Representation)
View = TypeVar("View")
View_co = TypeVar("View_co", covariant=True)


class PageOfViews(Protocol[View_co]):
    """A page of a list, as the house reads it."""

    @property
    def items(self) -> tuple[View_co, ...]:
        """What is on the page, in the order of the list."""

    @property
    def next_cursor(self) -> str | None:
        """Asks for the page after; None on the last."""


class Page(Representation, Generic[Item]):
    """A page of a list. Lists are subclasses: their name and their meaning go into the OpenAPI document."""

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def of(cls, page: PageOfViews[View], represent: Callable[[View], Item]) -> Self:
        """The page with each of its views represented."""
        return cls(items=[represent(view) for view in page.items], next_cursor=page.next_cursor)


class WorkflowOut(Representation):
    """The run behind the checkout, and where to look at it."""

    id: str
    url: str


def amount(minor: int, currency: str) -> str:
    """Minor units as a decimal string in major units."""
    return Money(minor, currency).to_decimal_string()
