"""Filters told in columns: a Polars expression for each, and for which values it is certainly the same.

Each teller adds to `sure` an expression that is true where the columnar result is exactly the filter's;
all other rows are rendered by Jinja with the filter itself. Case is told only for the letters on which
the tables of Rust and Python agree (a test walks through all of them), amounts and dates only for their
plainest spellings.
"""

from collections.abc import Callable, Mapping

import polars as pl
from jinja2 import nodes

from zalosync.compose.quantities import WHITE_SPACE
from zalosync.compose.sms import fold_expression

Sure = list[pl.Expr]
Teller = Callable[[pl.Expr, object, Sure], pl.Expr]

# The letters of Vietnamese and Western European languages. Without "ŉ", which has no capital of one
# character; "ơ" and "ư" stand apart from their blocks.
_LETTERS = (
    r"A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0148\u014a-\u017f"
    r"\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9"
)
CASED = rf"^[{_LETTERS}\x20-\x7e\u00a0-\u00bf\u00d7\u00f7\u2010-\u2027]*$"
TITLED = rf"^[{_LETTERS} ,.()/&+-]*$"
# Neither marks nor joiners nor what decomposes: each character stands by itself.
_SINGLE = r"^[\x20-\x7e\u00a0-\u02af\u1ea0-\u1ef9\u2010-\u2027\u20a0-\u20bf]*$"

_MONTH_AND_DAY = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_HOUR_AND_MINUTE = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SECOND = ":[0-5][0-9]"
_DAY = ((8, 2), "/", (5, 2), "/", (0, 4))
_CLOCK = ((11, 2), ":", (14, 2))
# By name: what must follow an ISO date for the form to be told, and its pieces (offset and length).
_DATES: Mapping[str, tuple[str, tuple[tuple[int, int] | str, ...]]] = {
    "dd/mm/yyyy": (f"(?:{_HOUR_AND_MINUTE}(?:{_SECOND})?)?", _DAY),
    "mm/yyyy": (f"(?:{_HOUR_AND_MINUTE}(?:{_SECOND})?)?", _DAY[2:]),
    "hh:mm": (f"{_HOUR_AND_MINUTE}(?:{_SECOND})?", _CLOCK),
    "hh:mm:ss": (_HOUR_AND_MINUTE + _SECOND, (*_CLOCK, ":", (17, 2))),
    "hh:mm dd/mm/yyyy": (f"{_HOUR_AND_MINUTE}(?:{_SECOND})?", (*_CLOCK, " ", *_DAY)),
    "hh:mm:ss dd/mm/yyyy": (_HOUR_AND_MINUTE + _SECOND, (*_CLOCK, ":", (17, 2), " ", *_DAY)),
}
_AMOUNT_DIGITS, _GROUP = 15, 3
_SEPARATORS: Mapping[object, str] = {"vnd": ".", "dots": ".", "commas": ",", "plain": ""}


def teller(node: nodes.Filter) -> Teller | None:
    """How this use of a filter is told in columns, or None where only the filter itself can tell."""
    return _TELLERS.get(node.name)


def argument(node: nodes.Filter) -> object:
    """The constant that the filter is given, or None."""
    constant = node.args[0] if node.args else None
    return constant.value if isinstance(constant, nodes.Const) else None


def _blank(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars(WHITE_SPACE) == ""


def _cased(change: Callable[[pl.Expr], pl.Expr], letters: str) -> Teller:
    def tell(value: pl.Expr, _argument: object, sure: Sure) -> pl.Expr:
        sure.append(value.str.contains(letters))
        return change(value)

    return tell


def _trim(value: pl.Expr, _argument: object, _sure: Sure) -> pl.Expr:
    return value.str.strip_chars(WHITE_SPACE)


def _default(value: pl.Expr, constant: object, _sure: Sure) -> pl.Expr:
    return pl.when(_blank(value)).then(pl.lit(str(constant))).otherwise(value)


def _truncate(value: pl.Expr, length: object, sure: Sure) -> pl.Expr:
    sure.append(value.str.contains(_SINGLE))
    cut = value.str.head(int(str(length))).str.strip_chars_end(WHITE_SPACE)
    return pl.when(value.str.len_chars() > int(str(length))).then(cut).otherwise(value)


def _ascii(value: pl.Expr, _argument: object, sure: Sure) -> pl.Expr:
    folded, certain = fold_expression(value)
    sure.append(certain)
    return folded


def _date(value: pl.Expr, name: object, sure: Sure) -> pl.Expr:
    time, pieces = _DATES[str(name)]
    sure.append(value.str.contains(rf"^(?:[12][0-9]{{3}}-{_MONTH_AND_DAY}{time})?$"))
    parts = [pl.lit(piece) if isinstance(piece, str) else value.str.slice(*piece) for piece in pieces]
    return pl.when(value == "").then(value).otherwise(pl.concat_str(parts))


def _number(value: pl.Expr, name: object, sure: Sure) -> pl.Expr:
    sure.append(value.str.contains(rf"^(?:0|[1-9][0-9]{{0,{_AMOUNT_DIGITS - 1}}})?$"))
    by = _SEPARATORS[name]
    if not by:
        return value
    told = pl.when(value.str.len_bytes() <= _GROUP).then(value)
    for most in range(2 * _GROUP, _AMOUNT_DIGITS + 1, _GROUP):
        groups = [value.str.slice(-at, _GROUP) for at in range(most - _GROUP, 0, -_GROUP)]
        grouped = pl.concat_str([value.str.head(_GROUP - most), *groups], separator=by)
        told = told.when(value.str.len_bytes() <= most).then(grouped)  # type: ignore[assignment]
    return told.otherwise(value)


def _vnd(value: pl.Expr, _argument: object, sure: Sure) -> pl.Expr:
    return _number(value, "vnd", sure)


_TELLERS: Mapping[str, Teller] = {
    "upper": _cased(lambda value: value.str.to_uppercase(), CASED),
    "lower": _cased(lambda value: value.str.to_lowercase(), CASED),
    "title": _cased(lambda value: value.str.to_titlecase(), TITLED),
    "trim": _trim,
    "default": _default,
    "truncate": _truncate,
    "ascii": _ascii,
    "date": _date,
    "number": _number,
    "vnd": _vnd,
}
