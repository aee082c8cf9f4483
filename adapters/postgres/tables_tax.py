"""The table of what the register of VAT ids said."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class VatIdCheckRow(Base):
    """What is known of a buyer's VAT id; a checkout has a row only if the id decides about its tax.

    `evidence` is a `domain.vat_ids.VatEvidence`. `relied_on` tells that tax was left out because of the id. Unverified,
    it is asked about again at `ask_at`. `accepted_at` is when a person took responsibility for one that is invalid.
    """

    __tablename__ = "vat_id_checks"
    __table_args__ = (Index("ix_vat_id_checks_unverified", "ask_at", postgresql_where=text("status = 'unverified'")),)

    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    status: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    relied_on: Mapped[bool]
    tries: Mapped[int] = mapped_column(server_default="0")
    ask_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
