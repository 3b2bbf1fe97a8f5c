"""Blocks of bytes to whole records: cut where a line ends that is not inside quotes, with line numbers kept.

Memory is bounded by a block and one record; a record without an end is refused when it is too large.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.errors import SpecError


def records(blocks: Iterable[bytes], file: str, limits: Limits, *, quotes: bool) -> Iterator["Body"]:
    """The same bytes as whole records, those of about one block at a time; the last line gets its line end.

    Args:
        blocks: UTF-8.
        file: for errors.
        limits: how large a record may be.
        quotes: line ends inside `"` do not end a record.

    Raises:
        SpecError: a record is too large, or a quote is never closed.
    """
    rest = b""
    line = 1
    for block in blocks:
        data = rest + block
        cut = _last_end(data) if quotes else data.rfind(b"\n") + 1
        rest = data[cut:]
        feeds = data.count(b"\n", 0, cut)
        if len(rest) > limits.record:
            raise _endless(rest, file, line + feeds, limits)
        if cut:
            yield Body(data[:cut], feeds, file, line)
        line += feeds
    if rest:
        if quotes and rest.count(b'"') % 2:
            raise broken(Code.QUOTES, file, line, "a quote is opened and never closed")
        yield Body(rest + b"\n", rest.count(b"\n") + 1, file, line)


def empty(file: str, needed: str) -> SpecError:
    """The error for a file with nothing in it."""
    return broken(Code.HEADER, file, 1, "the file is empty", allowed=needed)


def first_end(data: bytes) -> int:
    """Where the first record ends, of whole ones whose lines may end inside quotes."""
    end = data.find(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    while quotes % 2:
        start, end = end, data.find(b"\n", end) + 1
        quotes += data.count(b'"', start, end)
    return end


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


def _endless(rest: bytes, file: str, line: int, limits: Limits) -> SpecError:
    message = f"a record has more than {limits.record:,} bytes"
    if b'"' in rest:
        return broken(Code.QUOTES, file, line, f"{message}; is a quote left open?")
    return broken(Code.TOO_LARGE, file, line, message)


@dataclass(frozen=True, slots=True)
class Body:
    """Whole records of a file, and where they stand in it.

    Args:
        data: UTF-8, with a line feed at its end.
        feeds: how many line feeds it has.
        file: for errors.
        line: the physical line on which it begins.
        lines: the physical line of each line of it, where blank lines were taken out.
    """

    data: bytes
    feeds: int
    file: str
    line: int
    lines: pl.Series | None = None

    def split(self, lines: int, *, quotes: bool = True) -> Iterator["Body"]:
        """The same records in pieces of about the same size, with at most so many line feeds each.

        Args:
            lines: more only where a record has more by itself.
            quotes: line ends inside `"` do not end a record.
        """
        if self.feeds <= lines:
            yield self
            return
        pieces = -(-self.feeds // lines)
        size = len(self.data) * (pieces // 2) // pieces  # by halves: no deeper than their logarithm
        cut = _last_end(self.data[:size]) if quotes else self.data.rfind(b"\n", 0, size) + 1
        if not cut:  # a long record comes first
            cut = first_end(self.data) if quotes else self.data.find(b"\n") + 1
        if cut == len(self.data):
            yield self
            return
        for piece in self.divided(cut):
            yield from piece.split(lines, quotes=quotes)

    def divided(self, end: int) -> "tuple[Body, Body]":
        """The records up to where one ends, and the others."""
        first = Body(self.data[:end], self.data.count(b"\n", 0, end), self.file, self.line)
        return first, Body(self.data[end:], self.feeds - first.feeds, self.file, self.line + first.feeds)

    def line_at(self, feeds: int) -> int:
        """The physical line after so many line feeds of `data`."""
        return self.line + feeds if self.lines is None else int(self.lines[feeds])

    def broken(
        self, code: Code, feeds: int, message: str, *, found: str = "", allowed: str = ""
    ) -> SpecError:
        """The error for the line after so many line feeds."""
        return broken(code, self.file, self.line_at(feeds), message, found=found, allowed=allowed)

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

    def check_no_nul(self) -> None:
        """Raise where a zero byte is in the data.

        Raises:
            SpecError: names the line.
        """
        if b"\0" in self.data:
            feeds = self.data.count(b"\n", 0, self.data.index(b"\0"))
            raise self.broken(Code.CONTROL, feeds, "a NUL byte; this is no text file, or a damaged one")
