"""Units of measure a line can be sold in: a subset of UN/ECE Recommendations 20 and 21.

EN 16931 (BT-130) takes every code of both lists, those of Recommendation 21 with an `X` in front. The subset
keeps out what no shop sells by, so that a mistyped code is refused and not printed.
"""

from collections.abc import Mapping
from types import MappingProxyType

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "C62": "one",
        "H87": "piece",
        "EA": "each",
        "PR": "pair",
        "SET": "set",
        "DZN": "dozen",
        "CEN": "hundred",
        "MIL": "thousand",
        "LS": "lump sum",
        "E48": "service unit",
        "E51": "job",
        "E54": "trip",
        "IE": "person",
        "P1": "percent",
        "SEC": "second",
        "MIN": "minute",
        "HUR": "hour",
        "DAY": "day",
        "WEE": "week",
        "MON": "month",
        "QAN": "quarter of a year",
        "ANN": "year",
        "MGM": "milligram",
        "GRM": "gram",
        "KGM": "kilogram",
        "TNE": "tonne",
        "ONZ": "ounce",
        "LBR": "pound",
        "MMT": "millimetre",
        "CMT": "centimetre",
        "MTR": "metre",
        "KMT": "kilometre",
        "INH": "inch",
        "FOT": "foot",
        "YRD": "yard",
        "CMK": "square centimetre",
        "MTK": "square metre",
        "MTQ": "cubic metre",
        "MLT": "millilitre",
        "CLT": "centilitre",
        "DLT": "decilitre",
        "LTR": "litre",
        "HLT": "hectolitre",
        "GLL": "US gallon",
        "KWH": "kilowatt hour",
        "MWH": "megawatt hour",
        "4L": "megabyte",
        "E34": "gigabyte",
        "XBG": "bag",
        "XBO": "bottle",
        "XBX": "box",
        "XCT": "carton",
        "XPK": "package",
        "XPX": "pallet",
        "XRO": "roll",
    }
)
"""Code and English meaning of every unit that is taken."""


def is_unit(code: object) -> bool:
    """Whether lines can be sold in this unit."""
    return isinstance(code, str) and code in UNITS
