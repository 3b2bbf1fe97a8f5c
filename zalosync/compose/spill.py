"""Frames parted by the first bits of a digest, outside of memory where there is much of them.

So what belongs together meets in one part, and no part is larger than its share, whatever the whole is.
"""

import io
import tempfile
from contextlib import ExitStack
from typing import IO

import polars as pl

# A frame costs as much to store as a hundred of its rows do: few of them wait until they are worth it.
_ROWS_OF_A_PART = 64
_WAITING_BYTES = 8 * 2**20


class Spill:
    """Frames that come in any order and are given back part by part.

    Args:
        parts: how many; with one, everything stays in memory.
        column: UInt64 digests, whose first bits choose the part; equal digests share one.
        stack: closes the file.
    """

    def __init__(self, parts: int, column: str, stack: ExitStack) -> None:
        self._width = 2**64 // parts + 1
        self._column = column
        self._held: list[pl.DataFrame] = []  # all of them, or those that wait to be stored
        self._held_bytes = self._held_rows = 0
        # A file without a name: what is in it never outlives the process, not even a killed one. One for all
        # parts: of open files a process may have few.
        self._file = stack.enter_context(_nameless()) if parts > 1 else None
        self._size = 0
        # Where the frames of each part stand in the file: place and length.
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(parts)]

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return len(self._places)

    def add(self, frame: pl.DataFrame) -> None:
        """Take some rows."""
        if not frame.height:
            return
        self._held.append(frame)
        if self._file is None:
            return
        self._held_rows += frame.height
        self._held_bytes += int(frame.estimated_size())
        if self._held_rows >= _ROWS_OF_A_PART * self.parts or self._held_bytes >= _WAITING_BYTES:
            self._store(self._file)

    def part(self, number: int) -> pl.DataFrame | None:
        """The rows of one part in the order in which they came, or None where there are none."""
        if self._file is None:
            frames = self._held
        else:
            self._store(self._file)
            frames = self._read(self._file, number)
        return pl.concat(frames) if frames else None

    def _store(self, file: IO[bytes]) -> None:
        """Part what waits, and append it to the file."""
        if not self._held:
            return
        part = pl.col(self._column) // self._width
        waiting = pl.concat(self._held).with_columns(part.alias("__part"))
        self._held.clear()
        self._held_bytes = self._held_rows = 0
        file.seek(self._size)
        for (number,), rows in waiting.partition_by("__part", as_dict=True).items():
            size = _write(file, rows.drop("__part"))
            self._places[int(number)].append((self._size, size))
            self._size += size

    def _read(self, file: IO[bytes], number: int) -> list[pl.DataFrame]:
        frames = []
        for place, size in self._places[number]:
            file.seek(place)
            # Not from the file itself: its reader reads on past the end of a frame.
            frames.append(pl.read_ipc_stream(io.BytesIO(file.read(size))))
        return frames


def _write(file: IO[bytes], frame: pl.DataFrame) -> int:
    """Append a frame; says how many bytes it takes."""
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return file.write(buffer.getbuffer())


def _nameless() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="zalosync-")
