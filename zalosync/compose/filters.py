"""The filters of the template language: what Vietnamese senders need, each pure and bounded.

Filters take text (a column is always text) or a number made by an earlier filter. Where a text is not
what a filter reads (`int` of "abc", `date` of "soon"), the answer is `NO_VALUE`: it passes through later
filters, `default` replaces it, and printing or comparing it makes the row's value null. Nothing is ever
guessed: "1.250" may be a thousand or one and a quarter, so it is not a number here.

Blank text, nothing but white space, stays blank through `date`, `number` and `vnd`, so that a row without
a value is told from a row with a wrong one.
"""

# ruff: noqa: RUF001 -- the apostrophes that look like others are the subject

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from zalosync.compose.quantities import (
    DATES,
    NO_VALUE,
    NUMBERS,
    WHITE_SPACE,
    date,
    number,
    printed,
    to_int,
    to_rounded,
)
from zalosync.compose.sms import fold_ascii

MAX_CONSTANT = 200  # characters of `default`
MAX_TRUNCATE = 200
MAX_ROUND = 6


class Kind(StrEnum):
    """What an expression can yield."""

    TEXT = "text"
    NUMBER = "a number"
    YES_NO = "yes or no"
    NOTHING = "nothing"


def _of_text(change: Callable[[str], object]) -> Callable[[object], object]:
    """A filter made of a function of text: numbers are spelled first, `NO_VALUE` passes through."""

    def apply(value: object) -> object:
        if type(value) is str:
            return change(value)
        return value if value is NO_VALUE else change(printed(value))

    return apply


# -- text -----------------------------------------------------------------------------------------------

_WORD = re.compile(r"[\w\u0300-\u036f]+(?:['’ʼ][\w\u0300-\u036f]+)*")
_AFTER_ONE_LETTER = re.compile(r"^(\w[\u0300-\u036f]*['’ʼ])(\w)(.*)$", re.DOTALL)


def title(text: str) -> str:
    """Each word with one capital: "NGUYỄN THỊ ánh đặng" → "Nguyễn Thị Ánh Đặng".

    A hyphen parts words ("Đắk-Lắk"), an apostrophe does not ("it's" → "It's"), except after a single
    letter, as in names of the Central Highlands and of Europe: "H'HEN NIÊ" → "H'Hen Niê", "O'Neil".
    """
    text = unicodedata.normalize("NFC", text)
    if text.replace(" ", "").isalpha():
        return unicodedata.normalize("NFC", text.title())
    return unicodedata.normalize("NFC", _WORD.sub(_title_word, text))


def _title_word(match: re.Match[str]) -> str:
    word = match[0]
    parted = _AFTER_ONE_LETTER.match(word)
    if parted:
        return parted[1].upper() + parted[2].title() + parted[3].lower()
    return word[0].title() + word[1:].lower()


def truncate(text: str, length: int) -> str:
    """At most `length` characters, NFC; a letter is never parted from its marks, nor an emoji sequence.

    Nothing is put in place of what was cut. White space before the cut goes too.
    """
    text = unicodedata.normalize("NFC", text)
    if len(text) <= length:
        return text
    cut = length
    while cut and _joins(text[cut - 1], text[cut]):
        cut -= 1
    return text[:cut].rstrip(WHITE_SPACE)


def _joins(left: str, right: str) -> bool:
    """Do these two characters belong to one letter or sign?"""
    joiner = "\u200d"
    skin_tone = "\U0001f3fb" <= right <= "\U0001f3ff"
    return joiner in {left, right} or skin_tone or unicodedata.category(right).startswith("M")


def default(value: object, constant: str | int) -> object:
    """`constant` in place of blank text and of what could not be read, else the value."""
    if value is NO_VALUE or (type(value) is str and not value.strip(WHITE_SPACE)):
        return constant
    return value


# -- the table ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument:
    """What a filter's only argument may be: a test of the constant, and its description for people."""

    accepts: Callable[[object], bool]
    allowed: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what it does, what it yields, what its argument may be.

    Attributes:
        apply: takes the value, and the argument where there is one.
        yields: None where the filter yields what it was given (`default`).
        argument: None where the filter takes none.
        example: a template, and what it makes, for the documentation.
    """

    apply: Callable[..., object]
    yields: Kind | None
    argument: Argument | None = None
    example: tuple[str, str, str] = ("", "", "")


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_constant(value: object) -> bool:
    return type(value) is int or (type(value) is str and len(value) <= MAX_CONSTANT)


def _text_with(change: Callable[..., object]) -> Callable[..., object]:
    """Like `_of_text`, for a function of text and an argument."""

    def apply(value: object, argument: object) -> object:
        if type(value) is str:
            return change(value, argument)
        return value if value is NO_VALUE else change(printed(value), argument)

    return apply


def _one_of(names: Mapping[str, object]) -> Argument:
    return Argument(
        lambda value: type(value) is str and value in names,
        "one of " + ", ".join(f"'{name}'" for name in names),
    )


FILTERS: Mapping[str, Filter] = {
    "upper": Filter(_of_text(str.upper), Kind.TEXT, example=("upper", "đặng", "ĐẶNG")),
    "lower": Filter(_of_text(str.lower), Kind.TEXT, example=("lower", "ĐẶNG", "đặng")),
    "title": Filter(_of_text(title), Kind.TEXT, example=("title", "NGUYỄN THỊ ánh", "Nguyễn Thị Ánh")),
    "trim": Filter(
        _of_text(lambda text: text.strip(WHITE_SPACE)), Kind.TEXT, example=("trim", "  Lan ", "Lan")
    ),
    "ascii": Filter(_of_text(fold_ascii), Kind.TEXT, example=("ascii", "Đặng Ánh", "Dang Anh")),
    "truncate": Filter(
        _text_with(truncate),
        Kind.TEXT,
        Argument(_whole(1, MAX_TRUNCATE), f"a whole number from 1 to {MAX_TRUNCATE}"),
        example=("truncate(8)", "Nguyễn Thị Ánh", "Nguyễn T"),
    ),
    "default": Filter(
        default,
        None,
        Argument(_is_constant, f"a text of up to {MAX_CONSTANT} characters, or a whole number"),
        example=("default('Quý khách')", "", "Quý khách"),
    ),
    "int": Filter(to_int, Kind.NUMBER, example=("int", "007", "7")),
    "round": Filter(
        to_rounded,
        Kind.NUMBER,
        Argument(_whole(0, MAX_ROUND), f"a whole number from 0 to {MAX_ROUND}", required=False),
        example=("round(1)", "2.45", "2.5"),
    ),
    "number": Filter(number, Kind.TEXT, _one_of(NUMBERS), example=("number('vnd')", "1250000", "1.250.000")),
    "vnd": Filter(NUMBERS["vnd"], Kind.TEXT, example=("vnd", "1250000", "1.250.000")),
    "date": Filter(
        _text_with(date),
        Kind.TEXT,
        _one_of(DATES),
        example=("date('dd/mm/yyyy')", "2026-12-01", "01/12/2026"),
    ),
}
