"""The bytes of an opened audience file, decompressed, within their budget."""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits

BLOCK = 1 << 20  # bytes that are handled at once, at first: of these the encoding is told, letter by letter
_LARGE_BLOCK = 1 << 22  # and then: what is done with a block costs as much as some thousand of its rows
_GZIP = 16 + zlib.MAX_WBITS
_SLICE = 1 << 14  # compressed bytes that are handed over at once
_MOST_MEMBERS = 100_000  # block-wise compressors write one for 64 KiB


@dataclass(frozen=True, slots=True)
class Source:
    """One opened file: its path from the project root, the checked descriptor, and its size at that time."""

    file: str
    stream: BinaryIO
    facts: os.stat_result

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return self.facts.st_size


class Budget:
    """Counts what one pass over an audience has read, over all its files."""

    __slots__ = ("_allowed", "_left")

    def __init__(self, size: int) -> None:
        self._allowed = size
        self._left = size

    def take(self, size: int, file: str) -> None:
        """Count so many bytes of a file.

        Raises:
            SpecError: the audience is larger than it may be.
        """
        self._left -= size
        if self._left < 0:
            message = f"the audience has more than {self._allowed:,} bytes up to this file"
            raise broken(Code.TOO_LARGE, file, 1, message, allowed="split it over several campaigns")


def text_blocks(source: Source, budget: Budget, limits: Limits) -> Iterator[bytes]:
    """The file's bytes from its start in blocks, decompressed where its name ends in `.gz`.

    Each call reads from the start through the same descriptor, without moving it for others.

    Raises:
        SpecError: the budget is used up, or a compressed file is broken or expands too much.
    """
    blocks = raw_blocks(source)
    for block in _gunzipped(blocks, source, limits) if source.file.lower().endswith(".gz") else blocks:
        budget.take(len(block), source.file)
        yield block


def raw_blocks(source: Source) -> Iterator[bytes]:
    """The bytes as they are on the disk."""
    place, size = 0, BLOCK
    while block := os.pread(source.stream.fileno(), size, place):
        yield block
        place += len(block)
        size = _LARGE_BLOCK


def _gunzipped(blocks: Iterable[bytes], source: Source, limits: Limits) -> Iterator[bytes]:
    """Decompressed blocks of `BLOCK` bytes and a last one; a file may have several gzip members."""
    allowed = limits.ratio * source.size
    ready = bytearray()
    total = 0
    for piece in _inflated(blocks, source.file):
        total += len(piece)
        if total > allowed:
            message = f"the file expands to more than {limits.ratio:,} times its size"
            raise broken(Code.COMPRESSION, source.file, 1, message, allowed="give it uncompressed")
        ready += piece
        if len(ready) >= BLOCK:
            yield bytes(ready)
            ready.clear()
    if ready:
        yield bytes(ready)


def _inflated(blocks: Iterable[bytes], file: str) -> Iterator[bytes]:
    """Pieces of at most `BLOCK` bytes. Input goes in by slices: the end of a member copies what is left."""
    member = zlib.decompressobj(_GZIP)
    begun = False
    members = 0
    try:
        for data in _slices(blocks):
            left, piece, begun = data, b"", True
            while left or len(piece) == BLOCK:
                piece = member.decompress(left, BLOCK)
                yield piece
                left = member.unconsumed_tail
                if member.eof:
                    left, piece, begun = member.unused_data, b"", bool(member.unused_data)
                    member = zlib.decompressobj(_GZIP)
                    members += 1
                    if members > _MOST_MEMBERS:
                        message = f"the file has more than {_MOST_MEMBERS:,} gzip members"
                        raise broken(Code.COMPRESSION, file, 1, message, allowed="compress it in one go")
    except zlib.error:
        raise broken(Code.COMPRESSION, file, 1, "the file is no gzip file, or a damaged one") from None
    if begun:
        raise broken(Code.COMPRESSION, file, 1, "the gzip file is cut short")


def _slices(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        for start in range(0, len(block), _SLICE):
            yield block[start : start + _SLICE]
