"""Digests of 16 bytes in columns: two numbers of 64 bits, which sort and join in the order of their bytes."""

import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import polars as pl

from zalosync.compose.message import DIGEST_BYTES as WIDTH


def halves(name: str, digests: list[bytes]) -> dict[str, pl.Series]:
    """Digests as the two columns `NAME0` and `NAME1`."""
    column = pl.Series(digests, dtype=pl.Binary)
    return {
        f"{name}{half}": column.bin.slice(half * 8, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
        for half in (0, 1)
    }


def split(data: bytes, *names: str) -> dict[str, pl.Series]:
    """As `halves`, of rows of digests one after the other: a digest for each name in turn."""
    names = tuple(f"{name}{half}" for name in names for half in (0, 1))
    if not data:
        return {name: pl.Series([], dtype=pl.UInt64) for name in names}
    numbers = (
        pl.Series([data], dtype=pl.Binary)
        .bin.reinterpret(dtype=pl.Array(pl.UInt64, len(data) // 8), endianness="big")
        .explode()
    )
    return {name: numbers.gather_every(len(names), place) for place, name in enumerate(names)}


def joined(high: pl.Series, low: pl.Series) -> bytes:
    """The digests of two columns, one after the other."""
    numbers = array("Q", bytes(WIDTH * high.len()))
    numbers[0::2] = array("Q", high.to_list())
    numbers[1::2] = array("Q", low.to_list())
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


class Digests(Sequence[bytes]):
    """The digests of two columns, each made when it is asked for: who needs the ends only makes two."""

    def __init__(self, high: pl.Series, low: pl.Series) -> None:
        self._high = high
        self._low = low

    def __len__(self) -> int:
        return self._high.len()

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> "Digests": ...

    def __getitem__(self, place: int | slice) -> "bytes | Digests":
        if isinstance(place, slice):
            return Digests(self._high[place], self._low[place])
        return b"".join(half[place].to_bytes(WIDTH // 2) for half in (self._high, self._low))

    def __iter__(self) -> Iterator[bytes]:
        return iter(whole(self._high, self._low))


def whole(high: pl.Series, low: pl.Series) -> list[bytes]:
    """The digests of two columns, each of them."""
    data = joined(high, low)
    return [data[start : start + WIDTH] for start in range(0, len(data), WIDTH)]
