"""What an audience is cut into: records that are looked into when somebody asks, in whatever process."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part
from zalosync.errors import SpecError


class Records(Protocol):
    """Whole records of one file, not looked into yet. To be handed to other processes."""

    def part(self) -> Part:
        """The rows.

        Raises:
            SpecError: the text is not what it says it is; names the file and the line.
        """

    def split(self, lines: int) -> Iterator[Self]:
        """The same records in pieces of about so many lines at most."""


class Made:
    """Rows that were read already, as those of Parquet and Excel files are.

    Args:
        rows: as they will be given.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Part) -> None:
        self._rows = rows

    def part(self) -> Part:
        """The rows."""
        return self._rows

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process in the form that costs least: half of what pickling frames does."""
        return _unpacked, (_packed(self._rows.frame), _packed(self._rows.lines.to_frame()))


def _packed(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    # Of a copy (of nothing but names): Polars locks a frame while it writes, and waits for the interpreter
    # meanwhile; another thread that has the interpreter and asks the same frame would wait for ever.
    frame.clone().write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def _unpacked(frame: bytes, lines: bytes) -> Made:
    rows, numbers = (pl.read_ipc_stream(io.BytesIO(packed)) for packed in (frame, lines))
    return Made(Part(rows, numbers.to_series()))


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows of an audience.

    Args:
        records: of one file.
        file: for errors.
        limits: of the audience.
    """

    records: Records | Made
    file: str
    limits: Limits

    def rows(self) -> pl.DataFrame:
        """All columns of the audience, String, never null.

        Raises:
            SpecError: the text is not what it says it is; names the file and the line.
        """
        return self.records.part().frame

    def check(self, before: int, rows: int) -> None:
        """Raise where the audience has too many rows, with these `rows` and those `before` them.

        Raises:
            SpecError: names the line of the first one too many.
        """
        if before + rows > self.limits.rows:
            raise too_many(self.records.part(), before, self.file, self.limits)


def too_many(part: Part, before: int, file: str, limits: Limits) -> SpecError:
    """The error for the first row beyond the limit."""
    line = int(part.lines[limits.rows - before])
    message = "the audience has too many rows up to here"
    return broken(Code.TOO_LARGE, file, line, message, allowed=f"{limits.rows:,}")
