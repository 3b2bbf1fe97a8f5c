"""What an SMS costs: its encoding, units and segments; and letters folded so that it costs less.

An SMS in the GSM 03.38 default alphabet holds 160 seven-bit units, or 153 in each part of a longer one;
the ten characters of its extension table take two units, which may not stand in different parts. One
other character turns the whole text into UCS-2: 70 units of UTF-16, or 67 in each part, and a pair of
surrogates may not be split either (3GPP TS 23.038 and 23.040).
"""

# ruff: noqa: RUF001 -- the characters that look like others are the subject

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
LAST_OF_BMP = 0xFFFF

_BASIC = frozenset(GSM_BASIC)
_EXTENSION = frozenset(GSM_EXTENSION)

# What has no decomposition into ASCII in Unicode, or a better spelling than it. "`" is ASCII, but not GSM.
_FOLDS = str.maketrans(
    {
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "ẞ": "SS",
        "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH", "ı": "i",
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "′": "'", "´": "'", "`": "'", "“": '"', "”": '"',
        "„": '"', "″": '"', "«": '"', "»": '"', "‹": "'", "›": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-",
        "—": "-", "―": "-", "−": "-", "•": "-", "·": ".", "×": "x", "₫": "d", "€": "EUR", "£": "GBP",
        "¥": "JPY", "©": "(c)", "®": "(r)",
    }
)  # fmt: skip


class Encoding(StrEnum):
    """How a text travels; one character outside the default alphabet decides for the whole text."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"

    @property
    def limits(self) -> tuple[int, int]:
        """Units in a text of one part, and in each part of a longer one."""
        return (160, 153) if self is Encoding.GSM_7 else (70, 67)


@dataclass(frozen=True, slots=True)
class Segments:
    """What one text takes: `units` are septets or UTF-16 code units, `segments` is what is charged."""

    encoding: Encoding
    units: int
    segments: int


def measure(text: str) -> Segments:
    """How an SMS of this text travels; a text of nothing takes no segment."""
    encoding = Encoding.GSM_7 if _BASIC.union(_EXTENSION).issuperset(text) else Encoding.UCS_2
    if encoding is Encoding.GSM_7:
        widths = [2 if character in _EXTENSION else 1 for character in text]
    else:
        widths = [2 if ord(character) > LAST_OF_BMP else 1 for character in text]
    units = sum(widths)
    whole, part = encoding.limits
    if units <= whole:
        return Segments(encoding, units, int(units > 0))
    segments, used = 1, 0
    for width in widths:
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return Segments(encoding, units, segments)


def segments_column(texts: pl.Series) -> pl.Series:
    """`measure(text).segments` of each text, null for null.

    Args:
        texts: String.

    Returns:
        UInt16, of the same length and name.
    """
    size, plain = texts.str.len_bytes(), texts.str.contains(r"^[ -Z_a-z]*$")
    # A text of so few bytes is one part whatever it is made of; one of letters of one unit may have more.
    fits = (size <= Encoding.UCS_2.limits[0]) | ((size <= Encoding.GSM_7.limits[0]) & plain)
    result = (size > 0).cast(pl.UInt16)
    rest = (~fits).arg_true()
    if len(rest):
        result = result.scatter(rest, _counted(texts.gather(rest)))
    return result.alias(texts.name)


def _counted(texts: pl.Series) -> pl.Series:
    """Segments, counted in columns; only long texts with characters of two units are walked one by one.

    Only there the end of a part can fall between the two.
    """
    text = pl.col("text")
    wide = text.str.count_matches(r"[\f^{}\\\[~\]|€]")
    pairs = text.str.count_matches(r"[\x{10000}-\x{10FFFF}]")
    foreign = text.str.contains("[^" + _in_class(GSM_BASIC + GSM_EXTENSION) + "]")
    units = text.str.len_chars() + pl.when(foreign).then(pairs).otherwise(wide)
    whole = pl.when(foreign).then(70).otherwise(160)
    part = pl.when(foreign).then(67).otherwise(153)
    counted = (
        texts.alias("text")
        .to_frame()
        .select(
            segments=pl.when(units <= whole).then(1).otherwise((units + part - 1) // part).cast(pl.UInt16),
            walk=(units > whole) & (pl.when(foreign).then(pairs).otherwise(wide) > 0),
        )
    )
    walked = counted["walk"].arg_true()
    exact = [measure(value).segments for value in texts.gather(walked).to_list()]
    return counted["segments"].scatter(walked, pl.Series(exact, dtype=pl.UInt16))


def _in_class(characters: str) -> str:
    """These characters as they stand inside a regular expression's brackets."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)


def fold_ascii(text: str) -> str:
    """The text in ASCII letters: `đ` becomes `d`, accents fall off, `?` stands for what has no spelling.

    Typographic quotes, dashes and spaces become plain ones. What is invisible (joiners, variation
    selectors) is left out. The result needs GSM-7 only, since "`", which it lacks, becomes `'`.
    """
    if text.isascii():
        return text.replace("`", "'")
    decomposed = unicodedata.normalize("NFKD", text.translate(_FOLDS)).translate(_FOLDS)
    return "".join(map(_folded, decomposed))


def _folded(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category.startswith("M") or category in {"Cf", "Cc", "Sk"}:
        return ""
    return " " if category.startswith("Z") else "?"


# What is folded in columns: each of these characters stands by itself, whatever its neighbours.
_LETTERS = "".join(map(chr, [*range(0xA0, 0x180), 0x1A0, 0x1A1, 0x1AF, 0x1B0, *range(0x1EA0, 0x1EFA)]))
_FOLDABLE = _LETTERS + "₫€–—‘’“”•`"


def fold_expression(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """`fold_ascii` in columns, and whether that is certainly its result: of ASCII and European letters."""
    folded = text.str.replace_many(list(_FOLDABLE), [fold_ascii(character) for character in _FOLDABLE])
    return folded, text.str.contains(rf"^[\x20-\x7e{_in_class(_FOLDABLE)}]*$")


def fold_column(texts: pl.Series) -> pl.Series:
    """`fold_ascii` of each text, null for null; only texts in rare letters are folded one by one.

    Args:
        texts: String.

    Returns:
        String, of the same length and name.
    """
    if (texts.str.len_bytes() == texts.str.len_chars()).all():  # which is ASCII
        return texts.str.replace_all("`", "'", literal=True)
    folded, certain = fold_expression(pl.col("text"))
    made = texts.alias("text").to_frame().select(folded=folded, rare=~certain)
    result, rare = made["folded"], made["rare"].fill_null(value=False).arg_true()
    if len(rare):
        exact = [fold_ascii(value) for value in texts.gather(rare).to_list()]
        result = result.scatter(rare, pl.Series(exact, dtype=pl.String))
    return result.alias(texts.name)
