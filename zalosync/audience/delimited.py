"""Text with separators to columns: strict about quotes and field counts, exact about line numbers.

Input is UTF-8 in blocks of bytes. Each block is cut where a record ends, so a quoted field may hold line
breaks and memory stays bounded by a block. Counting bytes proves what the fast parser does not check: that
quotes open and close fields only, and that each record has as many fields as the header.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.errors import InternalError, SpecError

SEPARATORS = (",", ";", "\t")
_SAMPLE_RECORDS = 50  # looked at when more than one separator could be meant
_SAMPLE_BYTES = 1 << 16
_INTERNAL = "__"  # columns that zalosync adds begin with this


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one file: columns as text, and the physical line (from 1) on which each row begins."""

    frame: pl.DataFrame
    lines: pl.Series


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a file: its column names, what separates them, and where the rows begin."""

    columns: tuple[str, ...]
    separator: str
    first_line: int


def parts(blocks: Iterable[bytes], file: str, limits: Limits, separators: Iterable[str]) -> Iterator[Part]:
    """The rows of one file, a block at a time; the first part has the columns and may have no rows.

    Raises:
        SpecError: the text is not what it says it is; names the file and the line.
    """
    header: Header | None = None
    line = 1
    for block in _records(blocks, file, limits):
        body = block
        if header is None:
            header, body = _header(block, file, limits, tuple(separators))
            line = header.first_line
            yield _no_rows(header)
        if body:
            yield _part(_Body(body, file, line), header, limits)
            line += body.count(b"\n")
    if header is None:
        raise broken(Code.HEADER, file, 1, "the file is empty", allowed="a first line with column names")


def _records(blocks: Iterable[bytes], file: str, limits: Limits) -> Iterator[bytes]:
    """The same bytes, cut after the last record that ends in each block; the last line gets its line end."""
    rest = b""
    line = 1
    for block in blocks:
        data = rest + block
        cut = _last_end(data)
        if len(data) - cut > limits.record:
            raise broken(
                Code.QUOTES,
                file,
                line + data.count(b"\n", 0, cut),
                f"a record has more than {limits.record:,} bytes; is a quote left open?",
            )
        if cut:
            yield data[:cut]
            line += data.count(b"\n", 0, cut)
        rest = data[cut:]
    if rest:
        if rest.count(b'"') % 2:
            raise broken(Code.QUOTES, file, line, "a quote is opened and never closed")
        yield rest + b"\n"


def _last_end(data: bytes) -> int:
    """Where the last record of the data ends: after the last line feed that is not inside quotes, or 0."""
    end = len(data)
    inside = data.count(b'"') % 2 == 1
    while (feed := data.rfind(b"\n", 0, end)) >= 0:
        inside ^= data.count(b'"', feed, end) % 2 == 1
        if not inside:
            return feed + 1
        end = feed
    return 0


@dataclass(frozen=True, slots=True)
class _Body:
    """Whole records of a file, and where they stand in it.

    `lines` holds the physical line of each line of `data` where blank lines were taken out of it.
    """

    data: bytes
    file: str
    line: int
    lines: pl.Series | None = None

    def line_at(self, feeds: int) -> int:
        """The physical line after so many line feeds of `data`."""
        return self.line + feeds if self.lines is None else int(self.lines[feeds])

    def broken(self, code: Code, feeds: int, message: str, *, allowed: str = "") -> SpecError:
        """The error for the line after so many line feeds."""
        return broken(code, self.file, self.line_at(feeds), message, allowed=allowed)

    def text(self) -> str:
        """The data as text.

        Raises:
            SpecError: it is not UTF-8.
        """
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            feeds = self.data.count(b"\n", 0, error.start)
            raise self.broken(Code.ENCODING, feeds, "not UTF-8; save the file as UTF-8") from None


def _header(block: bytes, file: str, limits: Limits, separators: tuple[str, ...]) -> tuple[Header, bytes]:
    """The column names and the bytes after them."""
    end = _first_end(block)
    body = _Body(block[:end], file, 1)
    text = body.text().rstrip("\r\n")
    if not text.strip(f" {''.join(separators)}"):
        raise body.broken(Code.HEADER, 0, "the first line is blank", allowed="column names")
    separator = separators[0] if len(separators) == 1 else _separator(block, body, separators)
    _check_controls(body, _outside(body, separator))
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        raise body.broken(Code.TOO_LARGE, 0, "a column name is far too long") from None
    columns = checked_columns(names, file, limits)
    return Header(columns, separator, 1 + body.data.count(b"\n")), block[end:]


def checked_columns(names: Iterable[str], file: str, limits: Limits) -> tuple[str, ...]:
    """The column names in NFC, or the error that says which one cannot be used and why.

    Raises:
        SpecError: too many, empty, too long, unprintable, repeated, or one of our own.
    """
    columns = tuple(unicodedata.normalize("NFC", name) for name in names)
    if len(columns) > limits.columns:
        message = f"the file has {len(columns):,} columns"
        raise broken(Code.HEADER, file, 1, message, allowed=f"at most {limits.columns:,}")
    seen: set[str] = set()
    for place, name in enumerate(columns, start=1):
        if not name.strip():
            raise broken(Code.HEADER, file, 1, f"column {place} has no name")
        if len(name.encode()) > limits.field or not name.isprintable():
            raise broken(
                Code.HEADER, file, 1, f"the name of column {place} is too long or has control characters"
            )
        if name.startswith(_INTERNAL):
            raise broken(
                Code.HEADER, file, 1, f"column {place} begins with `__`, which is kept for zalosync's own"
            )
        if name in seen:
            raise broken(Code.HEADER, file, 1, f"two columns have the name `{name}`; rename one of them")
        seen.add(name)
    return columns


def _first_end(block: bytes) -> int:
    """Where the first record ends; a block always ends with a record."""
    end = block.find(b"\n") + 1
    while block.count(b'"', 0, end) % 2:
        end = block.find(b"\n", end) + 1
    return end


def _separator(block: bytes, header: _Body, separators: tuple[str, ...]) -> str:
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
    try:
        return len({len(record) for record in islice(reader, _SAMPLE_RECORDS) if record}) == 1
    except csv.Error:
        return False


def _part(body: _Body, header: Header, limits: Limits) -> Part:
    outside = _outside(body, header.separator) if b'"' in body.data else body.data
    _check_controls(body, outside)
    if outside[:1] in {b"\n", b"\r"} or b"\n\n" in outside or b"\n\r\n" in outside:
        return _without_blank_lines(body, header, limits)
    records = outside.count(b"\n")
    frame = _parsed(body, header)
    separators = outside.count(header.separator.encode())
    if frame is None or frame.height != records or separators != records * (len(header.columns) - 1):
        raise _uneven(body, header, limits)
    starts = _starts(body) if records != body.data.count(b"\n") else body.lines
    lines = _lines(body.line, records) if starts is None else starts
    _check_fields(frame, lines, body.file, limits)
    return Part(frame, lines)


def _parsed(body: _Body, header: Header) -> pl.DataFrame | None:
    try:
        return pl.read_csv(
            body.data,
            has_header=False,
            separator=header.separator,
            schema=dict.fromkeys(header.columns, pl.String),
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        body.text()
        return None  # its words may quote the file; what is wrong is found again by counting


def _check_controls(body: _Body, outside: bytes) -> None:
    if b"\0" in body.data:
        feeds = body.data.count(b"\n", 0, body.data.index(b"\0"))
        raise body.broken(Code.CONTROL, feeds, "a NUL byte; this is no text file, or a damaged one")
    if b"\r" in outside and outside.count(b"\r") != outside.count(b"\r\n"):
        message = "a carriage return without a line feed; save the file with LF or CRLF line ends"
        raise body.broken(Code.CONTROL, 0, message)


def _outside(body: _Body, separator: str) -> bytes:
    """The bytes that are not inside quotes, with one `"` for each quoted run.

    Raises:
        SpecError: a quote stands inside an unquoted field, or something follows a closing quote.
    """
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
    return b'"'.join(outside)


def _without_blank_lines(body: _Body, header: Header, limits: Limits) -> Part:
    """Blank lines are no rows; the numbers of the other lines step over them."""
    kept = _physical(body).filter(~(pl.col("starts") & pl.col("text").is_in(["", "\r"])))
    if kept.is_empty():
        return _no_rows(header)
    data = "\n".join(kept["text"]).encode() + b"\n"
    return _part(_Body(data, body.file, body.line, kept["line"]), header, limits)


def _physical(body: _Body) -> pl.DataFrame:
    """The physical lines: `text`, `line`, and whether a record may start there (not inside quotes)."""
    texts = pl.Series("text", body.text().removesuffix("\n").split("\n"), dtype=pl.String)
    lines = body.lines if body.lines is not None else _lines(body.line, texts.len())
    quotes = texts.str.count_matches('"', literal=True).cum_sum()
    starts = (quotes.shift(1, fill_value=0) % 2 == 0).alias("starts")
    return pl.DataFrame([texts, lines.alias("line"), starts])


def _starts(body: _Body) -> pl.Series:
    return _physical(body).filter("starts")["line"]


def _lines(first: int, count: int) -> pl.Series:
    return pl.int_range(first, first + count, dtype=pl.UInt32, eager=True).alias("line")


def _no_rows(header: Header) -> Part:
    return Part(pl.DataFrame(schema=dict.fromkeys(header.columns, pl.String)), _lines(1, 0))


def _check_fields(frame: pl.DataFrame, lines: pl.Series, file: str, limits: Limits) -> None:
    longest = frame.select(pl.all().str.len_bytes().max()).row(0)
    for name, size in zip(frame.columns, longest, strict=True):
        if size is not None and size > limits.field:
            row = (frame[name].str.len_bytes() > limits.field).arg_max()
            line = int(lines[row or 0])
            message = f"a value of column `{name}` has {size:,} bytes"
            raise broken(Code.TOO_LARGE, file, line, message, allowed=f"at most {limits.field:,}")


def _uneven(body: _Body, header: Header, limits: Limits) -> SpecError:
    """The error for the first record that has not as many fields as the header."""
    reader = csv.reader(io.StringIO(body.text(), newline=""), delimiter=header.separator)
    feeds = 0
    try:
        for record in reader:
            if len(record) != len(header.columns):
                message = f"the record has {len(record):,} fields"
                allowed = f"{len(header.columns):,}, as in the header"
                return body.broken(Code.FIELD_COUNT, feeds, message, allowed=allowed)
            feeds = reader.line_num
    except csv.Error:
        allowed = f"at most {limits.field:,} bytes"
        return body.broken(Code.TOO_LARGE, feeds, "a value is far too long", allowed=allowed)
    raise InternalError(f"{body.file}: the parser and the count of fields disagree from line {body.line}")
