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
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum

from jinja2 import StrictUndefined

from zalosync.compose.sms import fold_ascii

NO_VALUE = StrictUndefined("the text is not what the filter reads")

# What `trim` takes away: Unicode's White_Space, the zero-width space and the byte order mark.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
)
MAX_DIGITS = 18  # of the whole part; more is an identifier, not a number
MAX_CONSTANT = 200  # characters of `default`
MAX_TRUNCATE = 200
MAX_ROUND = 6

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
# Viet Nam keeps UTC+7 the whole year. Times that carry another offset are told in this one.
_VIET_NAM = timezone(timedelta(hours=7))


class Kind(StrEnum):
    """What an expression can yield."""

    TEXT = "text"
    NUMBER = "a number"
    YES_NO = "yes or no"
    NOTHING = "nothing"


def printed(value: object) -> str:
    """The spelling of a value that may be printed: text or number, never an object's own `repr`."""
    kind = type(value)
    if kind is str or kind is int:
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError("only text and numbers are printed")


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


# -- numbers --------------------------------------------------------------------------------------------

_GROUP = 3  # digits between two separators
_PLAIN = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_GROUPED = re.compile(
    r"([+-]?)([0-9]{1,3}(?:(?P<by>[.,])[0-9]{3})(?:(?P=by)[0-9]{3}){0,4})(?:(?!(?P=by))[.,]([0-9]{1,18}))?",
    re.ASCII,
)


def read_number(text: str) -> Decimal | None:
    """The number that a text spells, or None where there is none or more than one reading.

    Plain: "1250000", "-3.5". Grouped by dots or commas where it is plain that they group: "1.250.000",
    "1,250,000.50", "1.250,5". Not "1.250" nor "1,250" (one and a quarter, or a thousand?), nor "3,5".
    """
    text = text.strip(WHITE_SPACE)
    plain = _PLAIN.fullmatch(text)
    if plain:
        fraction = plain[3]
        groups = fraction is not None and len(fraction) == _GROUP and len(plain[2]) <= _GROUP
        ambiguous = groups and plain[2][0] != "0"
        return None if ambiguous else Decimal(text)
    grouped = _GROUPED.fullmatch(text)
    if not grouped or grouped[2][0] == "0":
        return None
    by, fraction = grouped["by"], grouped[4]
    if fraction is None and grouped[2].count(by) == 1:
        return None
    return Decimal(grouped[1] + grouped[2].replace(by, "") + ("." + fraction if fraction else ""))


def _number_of(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if type(value) is int:
        return Decimal(value)
    return read_number(value) if type(value) is str else None


def to_int(value: object) -> object:
    """The whole number that a text spells; "12.0" is one, "12.5" and blank text are not."""
    if type(value) is str and len(value) <= MAX_DIGITS and value.isdecimal() and value.isascii():
        return int(value)  # what nearly every value is
    number = _number_of(value)
    if number is None or number != number.to_integral_value():
        return NO_VALUE
    return int(number)


def to_rounded(value: object, digits: int = 0) -> object:
    """The number with so many decimals, halves away from zero."""
    number = _number_of(value)
    return NO_VALUE if number is None else number.quantize(Decimal(1).scaleb(-digits), context=_EXACT)


def _groups(value: object, by: str, point: str, decimals: int | None) -> object:
    if value is NO_VALUE or (type(value) is str and not value.strip(WHITE_SPACE)):
        return "" if type(value) is str else value
    number = _number_of(value)
    if number is None:
        return NO_VALUE
    if decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    whole, _, fraction = format(number, ",f").partition(".")
    if whole == "-0" and not fraction.strip("0"):
        whole = "0"
    return whole.replace(",", by) + (point + fraction if fraction else "")


NUMBERS: Mapping[str, Callable[[object], object]] = {
    "vnd": lambda value: _groups(value, ".", ",", 0),
    "plain": lambda value: _groups(value, "", ".", None),
    "dots": lambda value: _groups(value, ".", ",", None),
    "commas": lambda value: _groups(value, ",", ".", None),
}


def number(value: object, name: str) -> object:
    """A number in one of the spellings of `NUMBERS`: "vnd" 1.250.000, "dots" 1.250.000,5, and so on."""
    return NUMBERS[name](value)


# -- dates ----------------------------------------------------------------------------------------------

# The forms that Zalo takes for a TIME parameter, by their own spelling.
DATES: Mapping[str, Callable[[datetime], str]] = {
    "dd/mm/yyyy": lambda at: f"{at.day:02}/{at.month:02}/{at.year:04}",
    "mm/yyyy": lambda at: f"{at.month:02}/{at.year:04}",
    "hh:mm": lambda at: f"{at.hour:02}:{at.minute:02}",
    "hh:mm:ss": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "hh:mm dd/mm/yyyy": lambda at: f"{at.hour:02}:{at.minute:02} {at.day:02}/{at.month:02}/{at.year:04}",
    "hh:mm:ss dd/mm/yyyy": lambda at: (
        f"{at.hour:02}:{at.minute:02}:{at.second:02} {at.day:02}/{at.month:02}/{at.year:04}"
    ),
}

_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
_OFFSET = r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?"
_DAY_FIRST = r"(?P<day>[0-9]{1,2})(?P<by>[/.-])(?P<month>[0-9]{1,2})(?P=by)(?P<year>[0-9]{4})"
_MOMENTS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:[T ]{_CLOCK} ?{_OFFSET})?",
        rf"{_DAY_FIRST}(?:,? {_CLOCK})?",
        rf"{_CLOCK},? {_DAY_FIRST}",
    )
)


def date(text: str, name: str) -> object:
    """A moment in one of the forms of `DATES`.

    Read are ISO dates and times (2026-12-01, 2026-12-01T09:00:00+07:00) and day first (01/12/2026,
    1-12-2026, 09:00 01/12/2026). A time with an offset is told in Viet Nam's. A date without a time has
    no hour: `NO_VALUE` for the forms that want one.
    """
    text = text.strip(WHITE_SPACE)
    if not text:
        return ""
    for pattern in _MOMENTS:
        match = pattern.fullmatch(text)
        if match:
            moment = _moment(match.groupdict())
            timed = match["hour"] is not None
            return NO_VALUE if moment is None or (name[0] == "h" and not timed) else DATES[name](moment)
    return NO_VALUE


def _moment(parts: Mapping[str, str | None]) -> datetime | None:
    fields = [int(parts[part] or 0) for part in ("year", "month", "day", "hour", "minute", "second")]
    try:
        moment = datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001 -- a wall time as written
        offset = parts.get("offset")
        if offset is None:
            return moment
        return datetime.fromisoformat(moment.isoformat() + offset).astimezone(_VIET_NAM)
    except (ValueError, OverflowError):
        return None


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
