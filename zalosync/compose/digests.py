"""Digests of 16 bytes in columns: two numbers of 64 bits, which sort and join in the order of their bytes."""

import io
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import polars as pl

from zalosync.compose.message import DIGEST_BYTES as WIDTH

_BYTES: dict[type[pl.DataType], int] = {pl.UInt8: 1, pl.UInt64: 8}  # of a number
_PADDED = 64  # Arrow's bodies are filled up to a multiple of so many bytes
_END = 8  # bytes that end a stream


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
    numbers[0::2] = array("Q", raw(high))
    numbers[1::2] = array("Q", raw(low))
    numbers.byteswap()  # digests have the highest byte first
    return numbers.tobytes()


def raw(numbers: pl.Series) -> bytes:
    """The numbers of a column (UInt8 or UInt64, no nulls) one after the other, the lowest byte of each first.

    Taken from where Arrow's streaming format has them, in a tenth of the time that a list of them takes: a
    message with the schema, one with the rows, whose body is the numbers if nothing else is there, the end.
    """
    size = _BYTES[type(numbers.dtype)] * numbers.len()
    stream = io.BytesIO()
    numbers.to_frame().write_ipc_stream(stream)
    data = stream.getbuffer()
    rows = 8 + int.from_bytes(data[4:8], "little")  # each message says after four bytes how long its head is
    body = rows + 8 + int.from_bytes(data[rows + 4 : rows + 8], "little")
    if len(data) != body + -(-size // _PADDED) * _PADDED + _END:  # something else is there: slower, then
        return b"".join(each.to_bytes(_BYTES[type(numbers.dtype)], "little") for each in numbers.to_list())
    return bytes(data[body : body + size])


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
