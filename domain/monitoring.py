"""What the house tells of its own health, per merchant. Numbers only: nothing here names a person or a purchase."""

from collections.abc import Mapping
from dataclasses import dataclass

PerMerchant = Mapping[str, float]
Breakdown = Mapping[tuple[str, str], int]
"""By merchant, and by what the field says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One reading.

    `oldest_unapplied_seconds` and `unapplied`: messages of providers nobody has acted upon. `list_read_seconds_ago`:
    since the provider's own list was read. `checkouts` by status, `settled` payments by how we learned of them,
    `open_cases` by kind, `overdue_cases` of those. `violations`: payments and entries whose amounts do not add
    up; anything but 0 is an alarm. `deliveries` by status, `oldest_queued_delivery_seconds`: mail no server has
    taken yet.
    """

    unapplied: PerMerchant
    oldest_unapplied_seconds: PerMerchant
    list_read_seconds_ago: PerMerchant
    checkouts: Breakdown
    settled: Breakdown
    open_cases: Breakdown
    overdue_cases: PerMerchant
    violations: PerMerchant
    deliveries: Breakdown
    oldest_queued_delivery_seconds: PerMerchant
