"""Why no tax is charged: codes of the VATEX list (CEF, as EN 16931 takes it for BT-121).

Four categories have one code each, which is set without asking. What is exempt (category E) has many reasons, so the
seller names his. Documents word a code in their language, a point of an article by the words of the article.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.cart import TaxCategory

CODE_OF_CATEGORY: Mapping[TaxCategory, str] = MappingProxyType(
    {
        TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
        TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
        TaxCategory.EXPORT: "VATEX-EU-G",
        TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
    }
)

_ARTICLES = (
    "VATEX-EU-79-C", "VATEX-EU-132", "VATEX-EU-135-1", "VATEX-EU-143", "VATEX-EU-144", "VATEX-EU-146-1E",
    "VATEX-EU-148", "VATEX-EU-151", "VATEX-EU-153", "VATEX-EU-159", "VATEX-EU-309", "VATEX-EU-D", "VATEX-EU-F",
    "VATEX-EU-I", "VATEX-EU-J", "VATEX-FR-FRANCHISE",
)  # fmt: skip
_POINTS = {
    "VATEX-EU-132": "1A 1B 1C 1D 1E 1F 1G 1H 1I 1J 1K 1L 1M 1N 1O 1P 1Q",
    "VATEX-EU-143": "1A 1B 1C 1D 1E 1F 1FA 1G 1H 1I 1J 1K 1L",
    "VATEX-EU-148": "A B C D E F G",
    "VATEX-EU-151": "1A 1AA 1B 1C 1D 1E",
}

EXEMPT_CODES = frozenset(
    (*_ARTICLES, *(f"{article}-{point}" for article, points in _POINTS.items() for point in points.split()))
)
"""Codes a seller may give for category E."""
