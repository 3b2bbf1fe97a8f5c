"""Numbers and dates as texts spell them, and the spellings that templates give them.

Read is what has one reading. `NO_VALUE` stands for a text that has none.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal

from jinja2 import StrictUndefined

NO_VALUE = StrictUndefined("the text is not what the filter reads")

# What `trim` takes away: Unicode's White_Space, the zero-width space and the byte order mark.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
)
MAX_DIGITS = 18  # of the whole part; more is an identifier, not a number

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
# Viet Nam keeps UTC+7 the whole year. Times that carry another offset are told in this one.
_VIET_NAM = timezone(timedelta(hours=7))


def printed(value: object) -> str:
    """The spelling of a value that may be printed: text or number, never an object's own `repr`."""
    kind = type(value)
    if kind is str or kind is int:
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError("only text and numbers are printed")


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
