"""A merchant's accent colour on our pages, kept readable: contrast as WCAG 2.2 (success criterion 1.4.3) wants it."""

import base64
import re
from dataclasses import dataclass
from hashlib import sha256

FALLBACK = "#1f2937"
LEAST_CONTRAST = 4.5
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_WHITE, _BLACK, _INK = "#ffffff", "#000000", "#111827"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccentStyle:
    """A style sheet of one rule, and the Content-Security-Policy source that lets exactly it through."""

    css: str

    @classmethod
    def of(cls, accent: str) -> "AccentStyle":
        """The rule for a colour `#rrggbb`; anything else falls back to a neutral dark."""
        colour = accent if _HEX.fullmatch(accent) else FALLBACK
        on_colour = max(_WHITE, _BLACK, key=lambda ink: contrast(colour, ink))
        as_text = colour if contrast(colour, _WHITE) >= LEAST_CONTRAST else _INK
        return cls(css=f":root{{--accent:{colour};--on-accent:{on_colour};--accent-text:{as_text}}}")

    @property
    def source(self) -> str:
        """`'sha256-…'`, for `style-src`."""
        return f"'sha256-{base64.b64encode(sha256(self.css.encode()).digest()).decode()}'"


def contrast(left: str, right: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(left), _luminance(right)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
