"""Bytes of fixed-width values in order: in memory while they are few, else in a file without a name."""

import tempfile
import weakref
from collections.abc import Iterator
from typing import IO

MEMORY_BYTES = 16 * 2**20  # above, the values go to a file
BLOCK_BYTES = 2**20


class Column:
    """One column. Reading and writing at any place; appending at the end."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add values at the end."""
        if self._file is None and self.size + len(data) > MEMORY_BYTES:
            self._file = tempfile.TemporaryFile(prefix="zalosync-")  # noqa: SIM115 - closed as said below
            # A plan has many columns and no one place where all of them end.
            weakref.finalize(self, self._file.close)
            self._file.write(self._held)
            self._held = bytearray()
        if self._file is None:
            self._held += data
        else:
            self._file.seek(self.size)
            self._file.write(data)
        self.size += len(data)

    def read(self, start: int, size: int) -> bytes:
        """So many bytes from a place on; fewer at the end."""
        if self._file is None:
            return bytes(self._held[start : start + size])
        self._file.seek(start)
        return self._file.read(size)

    def put(self, start: int, data: bytes) -> None:
        """Overwrite what stands at a place; the size stays."""
        assert start + len(data) <= self.size
        if self._file is None:
            self._held[start : start + len(data)] = data
        else:
            self._file.seek(start)
            self._file.write(data)

    def blocks(self) -> Iterator[bytes]:
        """All of it, in order."""
        for start in range(0, self.size, BLOCK_BYTES):
            yield self.read(start, BLOCK_BYTES)
