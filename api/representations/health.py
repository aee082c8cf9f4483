"""Whether the parts of the house answer."""

from typing import Literal

from api.representations.base import Representation


class PartsOut(Representation):
    """Which parts answer."""

    database: bool
    workflows: bool


class ReadinessOut(Representation):
    """Whether this process can do its work now."""

    status: Literal["ok", "degraded"]
    parts: PartsOut
