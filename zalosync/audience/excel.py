"""The first sheet of an Excel workbook to columns of text; needs the extra `excel`.

What a workbook makes its reader allocate is known only roughly beforehand: `child` calls this one.
"""

from collections.abc import Callable, Iterator

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part, check_values, checked_columns, composed, no_rows
from zalosync.audience.source import Source, raw_blocks
from zalosync.audience.workbook import checked_workbook

# How the library writes a cell that is a date; a day without a time is midnight.
_MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00$"
_MOMENT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})$"


def parts(
    source: Source, limits: Limits, measured: Callable[[int], object], note: Callable[[str], object]
) -> Iterator[Part]:
    """The rows of the first sheet; the first part has the columns and no rows.

    The first row that holds anything names the columns. Numbers are written as digits, dates as
    `2026-12-31` or `2026-12-31T09:00:00`; formulas count with the value stored beside them, errors as
    nothing. Blank rows are no rows. `lines` are the sheet's own row numbers.

    Args:
        source: the opened file.
        limits: bounds for the file.
        measured: told the bytes that the workbook may hold, before the library is given it.
        note: told which sheet is read where there are several.

    Raises:
        SpecError: the extra is not installed, or the workbook is damaged, too large or without a header.
    """
    file = source.file
    if source.size > limits.workbook:
        message = f"the workbook has {source.size:,} bytes"
        raise broken(Code.TOO_LARGE, file, 1, message, allowed=f"at most {limits.workbook:,}; save it as CSV")
    book = checked_workbook(b"".join(raw_blocks(source)), file, limits)
    measured(book.size)
    frame = _cells(book.data, file, note)
    first = frame.head(1).row(0) if frame.height else ()
    columns = checked_columns((name or "" for name in _without_tail(first)), file, limits)
    yield no_rows(columns)
    table = frame.slice(1).with_row_index("__line", offset=book.first_row + 1)
    values = table.select(
        "__line", *(pl.col(old).alias(new) for old, new in zip(frame.columns, columns, strict=False))
    )
    outside = table.select(frame.columns[len(columns) :])
    _check_outside(outside, table["__line"], file)
    kept = values.filter(~pl.all_horizontal(pl.col(columns).is_null()))
    texts = kept.select(
        pl.col(columns).fill_null("").str.replace(_MIDNIGHT, "${1}").str.replace(_MOMENT, "${1}T${2}")
    )
    part = Part(composed(texts), kept["__line"].alias("line"))
    check_values(part, file, limits)
    yield part


def _cells(data: bytes, file: str, note: Callable[[str], object]) -> pl.DataFrame:
    """All cells of the first sheet as text, null where there is nothing."""
    try:
        import fastexcel
    except ImportError:
        message = "reading Excel files needs the extra `excel`"
        raise broken(
            Code.MISSING_EXTRA, file, 1, message, allowed="pip install 'zalosync[excel]', or save it as CSV"
        ) from None
    try:
        book = fastexcel.read_excel(data)
        sheet = book.load_sheet(0, header_row=None, dtypes="string")
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError):
        message = "the file is no Excel workbook (.xlsx), or a damaged one"
        raise broken(Code.FORMAT, file, 1, message) from None
    if len(book.sheet_names) > 1:
        note(f"{file} has {len(book.sheet_names):,} sheets; the first one is read")
    return frame


def _without_tail(names: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """The header without empty cells at its end."""
    end = len(names)
    while end and not names[end - 1]:
        end -= 1
    return names[:end]


def _check_outside(outside: pl.DataFrame, lines: pl.Series, file: str) -> None:
    """Raise where a row has a value beyond the last named column: in CSV this is a record too long."""
    beyond = outside.select(pl.any_horizontal(pl.all().is_not_null())).to_series() if outside.width else None
    if beyond is not None and beyond.any():
        line = int(lines.filter(beyond)[0])
        raise broken(Code.FIELD_COUNT, file, line, "the row has a value in a column without a name")
