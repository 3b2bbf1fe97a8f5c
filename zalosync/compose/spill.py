"""Frames parted by the first bits of a digest, outside of memory where there is much of them.

So what belongs together meets in one part, and no part is larger than its share, whatever the whole is.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import polars as pl

_LENGTH = 8  # bytes that say how long a stored frame is


class Spill:
    """Frames that come in any order and are given back part by part.

    Args:
        parts: how many; with one, everything stays in memory.
        column: UInt64 digests, whose first bits choose the part; equal digests share one.
        stack: closes the files.
    """

    def __init__(self, parts: int, column: str, stack: ExitStack) -> None:
        self._width = 2**64 // parts + 1
        self._column = column
        self._held: list[pl.DataFrame] = []
        # Files without a name: what is in them never outlives the process, not even a killed one.
        self._files = [stack.enter_context(_nameless()) for _ in range(parts if parts > 1 else 0)]

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return len(self._files) or 1

    def add(self, frame: pl.DataFrame) -> None:
        """Take some rows."""
        if not frame.height:
            return
        if not self._files:
            self._held.append(frame)
            return
        part = pl.col(self._column) // self._width
        parted = frame.with_columns(part.alias("__part")).partition_by("__part", as_dict=True)
        for (number,), rows in parted.items():
            _write(self._files[int(number)], rows.drop("__part"))

    def part(self, number: int) -> pl.DataFrame | None:
        """The rows of one part in the order in which they came, or None where there are none."""
        frames = self._held if not self._files else list(self._read(self._files[number]))
        return pl.concat(frames) if frames else None

    @staticmethod
    def _read(file: IO[bytes]) -> Iterator[pl.DataFrame]:
        file.seek(0)
        while size := file.read(_LENGTH):
            yield pl.read_ipc_stream(io.BytesIO(file.read(int.from_bytes(size, "big"))))
        file.seek(0, os.SEEK_END)


def _write(file: IO[bytes], frame: pl.DataFrame) -> None:
    """Append a frame behind its length: a reader of frames reads more of a file than its frame."""
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    data = buffer.getbuffer()
    file.write(len(data).to_bytes(_LENGTH, "big"))
    file.write(data)


def _nameless() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="zalosync-")
