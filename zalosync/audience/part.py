"""What every format gives: some rows of one file as columns of text, and where they stand in it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.texts import as_one, places_of

_INTERNAL = "__"  # columns that zalosync adds begin with this
_VALUE = re.compile(r"@|^[+'(]*[0-9](?:[ .()/-]*[0-9]){8,}$")  # a mail address, a phone: not to be quoted
_MARK = "[\u0300-\u036f]"  # combining marks; in UTF-8 they begin with one of the bytes below
_MARK_BYTES = (b"\xcc", b"\xcd")


@dataclass(frozen=True, slots=True)
class Part:
    """Some consecutive rows of one file.

    Args:
        frame: the file's columns, String without nulls.
        lines: for each row the line (from 1) on which it begins, UInt32; in Parquet its row number.
    """

    frame: pl.DataFrame
    lines: pl.Series


def numbered(first: int, count: int) -> pl.Series:
    """The line numbers of `count` rows on lines of their own."""
    return pl.int_range(first, first + count, dtype=pl.UInt32, eager=True).alias("line")


def no_rows(columns: Iterable[str]) -> Part:
    """A part that has only columns."""
    return Part(pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), numbered(1, 0))


def checked_columns(names: Iterable[str], file: str, limits: Limits) -> tuple[str, ...]:
    """The column names in NFC, or the error that says which one cannot be used and why.

    Raises:
        SpecError: none, too many, empty, too long, with invisible characters, repeated, or one of our own.
    """
    columns = tuple(unicodedata.normalize("NFC", name) for name in names)
    if not 0 < len(columns) <= limits.columns:
        message = f"the file has {len(columns):,} columns"
        raise broken(Code.HEADER, file, 1, message, allowed=f"1 to {limits.columns:,}")
    seen: set[str] = set()
    for place, name in enumerate(columns, start=1):
        fault = _fault(name, seen, limits)
        if fault:
            raise broken(Code.HEADER, file, 1, f"column {place} {fault}")
        seen.add(name)
    return columns


def _fault(name: str, seen: set[str], limits: Limits) -> str:
    if not name.strip():
        return "has no name"
    if len(name.encode(errors="replace")) > limits.field:
        return "has a name that is too long"
    if not name.isprintable():
        return "has a name with invisible characters"
    if _VALUE.search(name):
        return "looks like a value and not like a name; is the first line a header?"
    if name.startswith(_INTERNAL):
        return f"begins with `{_INTERNAL}`, which is kept for columns of zalosync's own"
    return f"has the name `{name}`, as another one has; rename one of them" if name in seen else ""


def may_have_marks(text: bytes) -> bool:
    """Whether `composed` could change anything in this UTF-8."""
    return any(byte in text for byte in _MARK_BYTES)


def composed(frame: pl.DataFrame) -> pl.DataFrame:
    """The same values, in NFC where they have combining marks: `ệ` equals `ệ`, however it was typed."""
    changed: list[pl.Series] = []
    for column in frame.iter_columns():
        rows = _marked(column)
        if len(rows):
            changed.append(column.clone().scatter(rows, column.gather(rows).str.normalize("NFC")))
    return frame.with_columns(changed)


def _marked(column: pl.Series) -> pl.Series:
    """The rows with combining marks. They are few: found as bytes, in a third of the time of a pattern."""
    text = as_one(column)
    places = sorted(place for byte in _MARK_BYTES for place in places_of(byte, text))
    if not places:
        return pl.Series(dtype=pl.UInt32)
    ends = column.str.len_bytes().cum_sum()
    rows = ends.search_sorted(pl.Series(places, dtype=ends.dtype), side="right").unique(maintain_order=True)
    return rows.filter(column.gather(rows).str.contains(_MARK))


def check_values(part: Part, file: str, limits: Limits) -> None:
    """Raise for the first value of a column that is larger than a field may be.

    Raises:
        SpecError: names the line and the column.
    """
    longest = part.frame.select(pl.all().str.len_bytes().max()).row(0)
    for name, size in zip(part.frame.columns, longest, strict=True):
        if size is not None and size > limits.field:
            row = (part.frame[name].str.len_bytes() > limits.field).arg_max()
            message = f"a value of column `{name}` has {size:,} bytes"
            allowed = f"at most {limits.field:,}"
            raise broken(Code.TOO_LARGE, file, int(part.lines[row or 0]), message, allowed=allowed)
