"""Parquet to columns of text, a batch at a time. Damage can abort the process: `child` calls this one."""

import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.parquet_pages import MalformedError, Sizes, sizes
from zalosync.audience.part import Part, check_values, checked_columns, composed, no_rows, numbered
from zalosync.audience.source import Source
from zalosync.errors import SpecError

_ROWS = 50_000  # of one batch
_WHOLE = 1e15  # floats below are exact as integers
_T = TypeVar("_T")
_DAMAGED = "the file is no Parquet file, or a damaged one"


def parts(source: Source, limits: Limits, measured: Callable[[int], object]) -> Iterator[Part]:
    """The rows of one file; the first part has the columns and no rows.

    Text stays, numbers are written as digits (a float without a fraction as an integer, NaN as nothing),
    times in ISO 8601. `lines` are row numbers from 1.

    Args:
        source: the opened file.
        limits: bounds for the file.
        measured: told the bytes of its largest row group, before any is decompressed.

    Raises:
        SpecError: damaged, too large when decompressed, or a column that is no text, number, time or yes-no.
    """
    file = source.file
    found = _sizes(source)
    _check_sizes(found, source, limits)
    measured(found.largest_group)
    # Opening the descriptor's path opens the file that was checked, whatever its name points at by now.
    scan = pl.scan_parquet(f"/dev/fd/{source.stream.fileno()}", glob=False)
    schema = _guarded(scan.collect_schema, file)
    checked = checked_columns(schema.names(), file, limits)
    yield no_rows(checked)
    texts = [
        _text(name, kind, file).fill_null("").alias(new)
        for (name, kind), new in zip(schema.items(), checked, strict=True)
    ]
    batches = iter(scan.select(texts).collect_batches(chunk_size=_ROWS, maintain_order=True))
    row = 1
    while (frame := _guarded(lambda: next(batches, None), file)) is not None:
        part = Part(composed(frame), numbered(row, frame.height))
        check_values(part, file, limits)
        yield part
        row += frame.height
    if row - 1 != found.rows:
        raise broken(Code.FORMAT, file, 1, _DAMAGED)


def _guarded(call: Callable[[], _T], file: str) -> _T:
    """What the call gives; the library's own words may quote the file and are left out."""
    try:
        return call()
    except (pl.exceptions.PolarsError, OSError):  # and a panic ends the process
        raise broken(Code.FORMAT, file, 1, _DAMAGED) from None


def _sizes(source: Source) -> Sizes:
    try:
        return sizes(lambda place, count: os.pread(source.stream.fileno(), count, place), source.size)
    except MalformedError:
        raise broken(Code.FORMAT, source.file, 1, _DAMAGED) from None


def _check_sizes(found: Sizes, source: Source, limits: Limits) -> None:
    bounds = (
        (found.total, limits.size, "bytes when decompressed"),
        (found.total, limits.ratio * source.size, "bytes when decompressed, more than its size allows"),
        (found.largest_group, limits.row_group, "bytes in one row group; write smaller row groups"),
        (found.rows, limits.rows, "rows"),
    )
    for value, bound, what in bounds:
        if value > bound:
            message = f"the file has {value:,} {what}"
            raise broken(Code.TOO_LARGE, source.file, 1, message, allowed=f"at most {bound:,}")


def _text(name: str, kind: pl.DataType, file: str) -> pl.Expr:
    """The column as text."""
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if kind.time_zone else ""))
    if kind.is_float():
        whole = column.is_finite() & (column.abs() < _WHOLE) & (column == column.round())
        digits = pl.when(whole).then(column.cast(pl.Int64, strict=False)).cast(pl.String)
        return pl.when(column.is_nan()).then(None).otherwise(pl.coalesce(digits, column.cast(pl.String)))
    plain = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Time, pl.Null)
    if isinstance(kind, plain) or kind.is_integer() or kind.is_decimal():
        return column.cast(pl.String)
    raise _unfit(name, kind, file)


def _unfit(name: str, kind: pl.DataType, file: str) -> SpecError:
    allowed = "text, numbers, dates, times, yes or no"
    return broken(Code.VALUE, file, 1, f"column `{name}` holds {kind.base_type()}", allowed=allowed)
