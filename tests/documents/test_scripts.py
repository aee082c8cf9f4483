"""Names in any script: bundled fonts, fonts of the operator's, and characters no font has."""

from dataclasses import replace
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from adapters.documents.direction import isolated
from adapters.documents.fonts import BUNDLED, FontLibrary, UnusableFont
from adapters.documents.renderer import PooledRenderer
from adapters.documents.typesetter import Typesetter
from domain.errors import MissingGlyphs
from domain.scripts import font_set, missing_fonts
from tests.documents.invoices import BUYER, LINES, an_invoice
from tests.documents.reading import opened, pages, used_fonts

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")

_CHINESE = "北極光設計"


def _font(directory: Path, characters: str, *, family: str = "Test Han", weight: int = 400, licence: int = 0) -> Path:
    """A font whose glyphs are squares."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (900, 700), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    names = {character: f"u{ord(character):04X}" for character in characters}
    glyphs = [".notdef", "space", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({0x20: "space"} | {ord(character): name for character, name in names.items()})
    builder.setupGlyf({name: TTGlyphPen(None).glyph() if name == "space" else square for name in glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(usWeightClass=weight, fsType=licence)
    builder.setupPost()
    path = directory / f"{family.replace(' ', '')}-{weight}.ttf"
    builder.save(path)
    return path


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as an operator makes it: fonts in a folder of their own, and a licence beside them."""
    directory = tmp_path_factory.mktemp("fonts")
    (directory / "han").mkdir()
    (directory / "OFL.txt").write_text("licence")
    _font(directory / "han", _CHINESE)
    return directory


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("محمد بن أحمد السعيد", "Vazirmatn"),
        ("پرویز گل‌محمدی", "Vazirmatn"),
        ("خالد شيخ ضياء", "Vazirmatn"),
        ("דוד בן־גוריון", "Noto-Sans-Hebrew"),
    ],
)
def test_names_written_from_right_to_left_are_drawn_in_our_own_fonts(
    typesetter: Typesetter, name: str, family: str
) -> None:
    rendered = typesetter.render(an_invoice(buyer=replace(BUYER, company=None, name=name)))
    with opened(rendered) as pdf:
        fonts = used_fonts(pdf)
        assert any(family in str(font["/BaseFont"]) for font in fonts)
        assert all("/FontFile2" in font["/DescendantFonts"][0]["/FontDescriptor"] for font in fonts)
    (text,) = pages(rendered)
    assert name.replace("\N{ZERO WIDTH NON-JOINER}", "") in text


def test_every_bundled_family_has_the_three_weights_of_the_page_and_its_licence() -> None:
    licences = "".join(path.read_text() for path in BUNDLED.glob("OFL-*.txt"))
    assert FontLibrary().families == ("Inter", "Noto Sans Hebrew", "Vazirmatn")
    for family in ("Inter", "NotoSansHebrew", "Vazirmatn"):
        assert {path.stem for path in BUNDLED.glob(f"{family}-*.ttf")} == {
            f"{family}-{weight}" for weight in ("Regular", "SemiBold", "Bold")
        }
        assert (BUNDLED / f"OFL-{family}.txt").exists()
    assert licences.count("SIL OPEN FONT LICENSE Version 1.1") == 3


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("Köhler & Söhne", "Köhler &amp; Söhne"),
        ("محمد 24", '<bdi dir="rtl">محمد 24</bdi>'),
        ("24 שלום", '<bdi dir="rtl">24 שלום</bdi>'),
        ("Anna <שלום>", '<bdi dir="ltr">Anna &lt;שלום&gt;</bdi>'),
    ],
)
def test_a_text_runs_in_the_direction_of_its_first_letter_and_is_isolated(text: str, markup: str) -> None:
    assert isolated(text) == markup
    assert isolated(isolated(text)) == markup


def test_a_missing_script_is_named_with_a_font_that_has_it() -> None:
    with pytest.raises(MissingGlyphs, match=r"U\+5317 北.*such as Noto Sans CJK") as caught:
        FontLibrary().check("北 A")
    assert caught.value.characters == "北"


@pytest.mark.parametrize(
    ("character", "found"),
    [
        ("株", "Noto Sans CJK"),
        ("ひ", "Noto Sans CJK"),
        ("한", "Noto Sans CJK"),
        ("क", "Noto Sans Devanagari"),
        ("ก", "Noto Sans Thai"),
        ("Ա", "Noto Sans Armenian"),
        ("\N{GRINNING FACE}", None),
        ("\x07", None),
    ],
)
def test_a_script_tells_which_fonts_are_needed(character: str, found: str | None) -> None:
    assert font_set(character) == found


def test_symbols_without_a_script_are_to_be_left_out() -> None:
    assert missing_fonts("\N{GRINNING FACE}") == "no font set is known to have them: leave them out"


def test_an_added_font_draws_what_the_bundled_ones_cannot(added: Path) -> None:
    invoice = an_invoice(
        buyer=replace(BUYER, company=f"{_CHINESE} Ltd"), lines=(replace(LINES[0], name=_CHINESE), *LINES[1:])
    )
    rendered = Typesetter(FontLibrary(added)).render(invoice)
    (text,) = pages(rendered)
    assert f"{_CHINESE} Ltd z. Hd. Dr. Jana Köhler" in text
    with opened(rendered) as pdf:
        (font,) = (font for font in used_fonts(pdf) if "Test-Han" in str(font["/BaseFont"]))
        assert "/FontFile2" in font["/DescendantFonts"][0]["/FontDescriptor"]


async def test_the_processes_of_the_renderer_use_the_added_fonts_and_agree_on_the_bytes(added: Path) -> None:
    invoice = an_invoice(buyer=replace(BUYER, name=_CHINESE))
    renderer = PooledRenderer(font_directory=added)
    try:
        assert (await renderer.render(invoice)).pdf == Typesetter(FontLibrary(added)).render(invoice).pdf
    finally:
        await renderer.close()


def test_bundled_fonts_are_not_replaced_by_added_ones_of_the_same_name(tmp_path: Path) -> None:
    _font(tmp_path, "Aß" + _CHINESE, family="Inter")
    library = FontLibrary(tmp_path)
    assert library.paths == FontLibrary().paths
    assert library.undrawable(_CHINESE)


def test_a_family_draws_a_character_only_if_all_its_weights_do(tmp_path: Path) -> None:
    _font(tmp_path, "北極")
    _font(tmp_path, "北", weight=700)
    assert FontLibrary(tmp_path).undrawable("北極") == "極"


def test_fonts_that_cannot_be_used_are_named_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(UnusableFont, match="has no font"):
        FontLibrary(tmp_path)
    broken = tmp_path / "Broken.otf"
    broken.write_bytes(b"no font")
    with pytest.raises(UnusableFont, match=r"Broken\.otf is not a usable font"):
        PooledRenderer(font_directory=tmp_path)
    broken.unlink()
    _font(tmp_path, "北", licence=2)
    with pytest.raises(UnusableFont, match="must not be embedded"):
        FontLibrary(tmp_path)
