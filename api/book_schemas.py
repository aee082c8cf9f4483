"""What is sent and asked about bookings, as JSON and query parameters: shapes and types only."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.schemas import PageQuery
from domain.booking_exports import ExportFormat
from domain.bookings import BookingKind
from domain.checkout import LONGEST_REASON


def _iso_day(value: Any) -> Any:
    """Days are texts, never numbers or moments that something could be read into."""
    if isinstance(value, str) and re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        return value
    raise ValueError("must be a day such as 2025-11-30")


Day = Annotated[date, BeforeValidator(_iso_day, json_schema_input_type=date)]


class BookingQuery(PageQuery):
    """Which bookings to list."""

    first_day: Day | None = Field(None, alias="from", description="only bookings of this day or later")
    last_day: Day | None = Field(None, alias="to", description="only bookings of this day or earlier")
    kind: BookingKind | None = Field(None, description="only bookings that tell of this")
    account: str | None = Field(None, pattern=r"^[0-9]{3,8}$", description="only bookings on this account")
    reference: str | None = Field(
        None, pattern=r"^[A-Za-z0-9._:/-]{1,100}$", description="only bookings of this document or payment"
    )
    checkout: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,100}$", description="only bookings of this checkout")


class RangeQuery(BaseModel):
    """Days, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: Day = Field(alias="from", description="the first day")
    last_day: Day = Field(alias="to", description="the last day")


class BookingExportBody(BaseModel):
    """Which bookings to export, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="BookingExportRequest")

    format: ExportFormat = Field(description=f"one of {', '.join(ExportFormat)}", examples=["datev"])
    first_day: Day = Field(alias="from", description="the first day, such as 2025-11-01", examples=["2025-11-01"])
    last_day: Day = Field(alias="to", description="the last day, such as 2025-11-30", examples=["2025-11-30"])


class ReasonBody(BaseModel):
    """Why something is done to the books."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="Reason")

    reason: str = Field(description=f"why, a string of 1 to {LONGEST_REASON} characters", examples=["month is done"])
