"""Text with separators to columns: strict about quotes and field counts, exact about line numbers.

Counting bytes proves what the fast parser does not check: that quotes open and close whole fields only, and
that each record has as many fields as the header. Only what fails is looked at again, slowly, for its line.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import polars as pl

from zalosync.audience.broken import Code
from zalosync.audience.limits import Limits
from zalosync.audience.part import (
    Part,
    check_values,
    checked_columns,
    composed,
    may_have_marks,
    no_rows,
    numbered,
)
from zalosync.audience.records import Body, empty, first_end, records
from zalosync.errors import InternalError, SpecError

_SAMPLE_RECORDS = 50  # looked at when more than one separator could be meant
_SAMPLE_BYTES = 1 << 16  # less than the largest field that Python's reader takes


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a file: its column names, and what separates them."""

    columns: tuple[str, ...]
    separator: str


@dataclass(frozen=True, slots=True)
class Records:
    """Some records behind the first one."""

    body: Body
    header: Header
    limits: Limits

    def part(self) -> Part:
        """The rows.

        Raises:
            SpecError: the text is not what it says it is; names the file and the line.
        """
        return _part(self.body, self.header, self.limits)

    def split(self, lines: int) -> "Iterator[Records]":
        """The same records in pieces of about so many lines at most."""
        return (Records(body, self.header, self.limits) for body in self.body.split(lines))


def read(
    blocks: Iterable[bytes], file: str, limits: Limits, separators: Sequence[str]
) -> Iterator[Part | Records]:
    """The records of one file, a block at a time; before them a part with the columns and no rows.

    Raises:
        SpecError: the first record has no column names, or a quote is never closed; names the line.
    """
    header: Header | None = None
    for body in records(blocks, file, limits, quotes=True):
        if header is not None:
            yield Records(body, header, limits)
            continue
        first, rest = body.divided(first_end(body.data))
        header = _header(first, body, limits, separators)
        yield no_rows(header.columns)
        if rest.data:
            yield Records(rest, header, limits)
    if header is None:
        raise empty(file, "a first line with column names")


def _header(first: Body, body: Body, limits: Limits, separators: Sequence[str]) -> Header:
    text = first.text().rstrip("\r\n")
    if not text.strip(f" {''.join(separators)}"):
        raise first.broken(Code.HEADER, 0, "the first line is blank", allowed="column names")
    separator = separators[0] if len(separators) == 1 else _separator(first, body.data, separators)
    _check_controls(first, _quoting(first, separator))
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        raise first.broken(Code.TOO_LARGE, 0, "a column name is far too long") from None
    return Header(checked_columns(names, first.file, limits), separator)


def _separator(header: Body, block: bytes, separators: Sequence[str]) -> str:
    """What separates the fields: the only candidate in the header, else the one all records agree on."""
    unquoted = b"".join(header.data.split(b'"')[::2])
    present = [separator for separator in separators if separator.encode() in unquoted]
    if not present[1:]:
        return (*present, *separators)[0]
    sample = block[: block.rfind(b"\n", 0, _SAMPLE_BYTES) + 1].decode(errors="ignore")
    even = [separator for separator in present if _is_even(sample, separator)]
    if len(even) == 1:
        return even[0]
    candidates = " and ".join(repr(separator) for separator in present)
    message = f"cannot tell what separates the fields: {candidates} could"
    raise header.broken(
        Code.HEADER, 0, message, allowed="column names in quotes where they hold one of these"
    )


def _is_even(sample: str, separator: str) -> bool:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    return len({len(record) for record in islice(reader, _SAMPLE_RECORDS) if record}) == 1


def _part(body: Body, header: Header, limits: Limits) -> Part:
    quoting = _quoting(body, header.separator)
    _check_controls(body, quoting)
    count = body.feeds - quoting.inside.count(b"\n")
    if len(header.columns) == 1 and _has_blank_lines(quoting.outside):
        return _without_blank_lines(body, header, limits)
    frame = _parsed(body, header)
    separator = header.separator.encode()
    separators = body.data.count(separator) - quoting.inside.count(separator)
    if frame is None or frame.height != count or separators != count * (len(header.columns) - 1):
        if _has_blank_lines(quoting.outside):  # which have no separators
            return _without_blank_lines(body, header, limits)
        raise _uneven(body, header, limits)
    starts = _starts(body) if count != body.feeds else body.lines
    lines = numbered(body.line, count) if starts is None else starts
    part = Part(composed(frame) if may_have_marks(body.data) else frame, lines)
    check_values(part, body.file, limits)
    return part


def _parsed(body: Body, header: Header) -> pl.DataFrame | None:
    try:
        return pl.read_csv(
            body.data,
            has_header=False,
            separator=header.separator,
            schema=dict.fromkeys(header.columns, pl.String),
            empty_string_is_null=False,
        ).rechunk()  # it has a chunk for each of some threads, and each question would be asked of each
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        body.text()
        return None  # its words may quote the file; what is wrong is found again by counting


def _check_controls(body: Body, quoting: "_Quoting") -> None:
    body.check_no_nul()
    if b"\r" not in body.data:
        return
    outside = quoting.outside
    if outside.count(b"\r") != outside.count(b"\r\n"):
        message = "a carriage return without a line feed; save the file with LF or CRLF line ends"
        raise body.broken(Code.CONTROL, 0, message)


@dataclass(frozen=True, slots=True)
class _Quoting:
    """Whole records, by what stands inside of quotes and what does not.

    Args:
        runs: between the quotes: outside, inside, outside, and so on.
    """

    runs: list[bytes]

    @property
    def outside(self) -> bytes:
        """The bytes that are not inside quotes, with one `"` for each quoted run."""
        return b'"'.join(self.runs[::2])

    @property
    def inside(self) -> bytes:
        """The bytes that are: few, mostly."""
        return b"".join(self.runs[1::2])


def _quoting(body: Body, separator: str) -> _Quoting:
    """Where the quotes are.

    Raises:
        SpecError: a quote stands inside an unquoted field, or something follows a closing quote.
    """
    if b'"' not in body.data:
        return _Quoting([body.data])
    runs = body.data.split(b'"')
    outside = runs[::2]
    opens = (separator.encode(), b"\n")
    closes = (*opens, b"\r\n")
    wrong = {
        run for run in set(outside[1:-1]) if run and not (run.startswith(closes) and run.endswith(opens))
    }
    last = len(outside) - 1
    for place in range(last + 1) if wrong else (0, last):
        run = outside[place]
        begins_well = place == 0 or not run or run.startswith(closes)
        ends_well = place == last or not run or run.endswith(opens)
        if not (begins_well and ends_well):
            before = b'"'.join(runs[: 2 * place + begins_well])
            message = "a quote may only open and close a whole field, and is doubled inside it"
            raise body.broken(Code.QUOTES, before.count(b"\n"), message)
    return _Quoting(runs)


def _has_blank_lines(outside: bytes) -> bool:
    return outside[:1] in {b"\n", b"\r"} or b"\n\n" in outside or b"\n\r\n" in outside


def _without_blank_lines(body: Body, header: Header, limits: Limits) -> Part:
    """Blank lines are no rows; the numbers of the other lines step over them."""
    kept = _physical(body).filter(~(pl.col("starts") & pl.col("text").is_in(["", "\r"])))
    if kept.is_empty():
        return no_rows(header.columns)
    data = "\n".join(kept["text"]).encode() + b"\n"
    return _part(Body(data, kept.height, body.file, body.line, kept["line"]), header, limits)


def _physical(body: Body) -> pl.DataFrame:
    """The physical lines: `text`, `line`, and whether a record may start there (not inside quotes)."""
    texts = pl.Series("text", body.text().removesuffix("\n").split("\n"), dtype=pl.String)
    lines = body.lines if body.lines is not None else numbered(body.line, texts.len())
    quotes = texts.str.count_matches('"', literal=True).cum_sum()
    starts = (quotes.shift(1, fill_value=0) % 2 == 0).alias("starts")
    return pl.DataFrame([texts, lines.alias("line"), starts])


def _starts(body: Body) -> pl.Series:
    return _physical(body).filter("starts")["line"]


def _uneven(body: Body, header: Header, limits: Limits) -> SpecError:
    """The error for the first record that has not as many fields as the header."""
    reader = csv.reader(io.StringIO(body.text(), newline=""), delimiter=header.separator)
    feeds = 0
    try:
        for record in reader:
            if len(record) != len(header.columns):
                message = "the record has not as many fields as the header"
                found, allowed = f"{len(record):,}", f"{len(header.columns):,}"
                return body.broken(Code.FIELD_COUNT, feeds, message, found=found, allowed=allowed)
            feeds = reader.line_num
    except csv.Error:
        allowed = f"at most {limits.field:,} bytes"
        return body.broken(Code.TOO_LARGE, feeds, "a value is far too long", allowed=allowed)
    raise InternalError(f"{body.file}: the parser and the count of fields disagree from line {body.line}")
