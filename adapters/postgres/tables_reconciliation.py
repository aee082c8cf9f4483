"""The table of the sweep."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class ReconciliationRow(Base):
    """How far the provider's own list of a merchant's messages has been read."""

    __tablename__ = "reconciliations"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    read_until: Mapped[datetime]
