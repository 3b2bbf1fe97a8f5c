"""How large a Parquet file becomes when it is decompressed, from its page headers, before anything is.

The footer says how large its columns are, but a hostile footer can say anything: what a reader allocates
is what each page header says. So the headers are walked, and must account for every column chunk. The
layout is that of the Parquet format's own specification (thrift compact protocol, `FileMetaData`,
`ColumnMetaData`, `PageHeader`).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MAGIC = b"PAR1"
_TAIL = 8  # footer length and magic
_MAX_FOOTER = 8_000_000  # bytes; reading it costs about 0.3 µs a byte
_MAX_DEPTH = 12  # of nested structs; the format uses 5
_HEADER_WINDOW = 65_536  # bytes read for one page header; statistics may be in it
_LONG_LIST = 15  # the count did not fit into the list's first byte
_MORE = 128  # set in each byte of a number but its last


class MalformedError(Exception):
    """The bytes are not a Parquet file that can be accounted for."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes after decompression: of all pages, and of the largest row group. And the rows it claims."""

    total: int
    largest_group: int
    rows: int


Read = Callable[[int, int], bytes]  # offset, length → bytes, fewer at the end of the file


def sizes(read: Read, size: int, *, most_pages: int = 500_000) -> Sizes:
    """The sizes of a file of `size` bytes; following 500,000 page headers takes about ten seconds.

    Raises:
        MalformedError: the structure is not that of a Parquet file, or it has more pages.
    """
    tail = read(size - _TAIL, _TAIL) if size >= _TAIL + len(_MAGIC) else b""
    if tail[4:] != _MAGIC or read(0, len(_MAGIC)) != _MAGIC:
        raise MalformedError("no Parquet file")
    length = int(struct.unpack("<I", tail[:4])[0])
    if not 0 < length <= min(_MAX_FOOTER, size - _TAIL):
        raise MalformedError("no footer")
    footer = _Thrift(read(size - _TAIL - length, length)).struct()
    rows = _integer(footer, 3)
    groups = []
    if rows != sum(_integer(_fields(group), 3) for group in _list(footer, 4)):
        raise MalformedError("the row groups have not as many rows as the file")
    for group in _list(footer, 4):
        pages = [page for chunk in _list(_fields(group), 1) for page in _chunk(chunk, read, size, most_pages)]
        groups.append(sum(pages))
        most_pages -= len(pages)
    return Sizes(sum(groups), max(groups, default=0), rows)


def _chunk(chunk: Any, read: Read, size: int, most_pages: int) -> list[int]:
    """Decompressed bytes of each page of one column in one row group (`ColumnChunk.meta_data` is field 3)."""
    facts = _fields(_fields(chunk).get(3))
    starts = [_integer(facts, field) for field in (9, 11) if field in facts]  # data page, dictionary page
    place = min(starts, default=0)
    end = place + _integer(facts, 7)
    if not 0 < place <= end <= size:
        raise MalformedError("pages outside of the file")
    pages: list[int] = []
    while place < end and len(pages) < most_pages:
        header = _Thrift(read(place, min(_HEADER_WINDOW, end - place)))
        page = header.struct()
        pages.append(_integer(page, 2))
        place += header.place + _integer(page, 3)
    if place != end:
        raise MalformedError("too many pages, or one that goes on past its column")
    return pages


def _fields(value: Any) -> dict[int, Any]:
    if not isinstance(value, dict):
        raise MalformedError("a structure is missing")
    return value


def _list(fields: dict[int, Any], field: int) -> list[Any]:
    value = fields.get(field)
    if not isinstance(value, list):
        raise MalformedError("a list is missing")
    return value


def _integer(fields: dict[int, Any], field: int) -> int:
    value = fields.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedError("a size is missing")
    return value


class _Thrift:
    """A reader of the thrift compact protocol: structs as dicts by field id."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct that begins here."""
        if depth > _MAX_DEPTH:
            raise MalformedError("nested too deeply")
        fields: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            field = field + delta if delta else _zigzag(self._varint())
            fields[field] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return _zigzag(self._varint())
            case 7:
                return self._take(8)
            case 8:
                return self._take(self._varint())
            case 9 | 10:
                return self._list(depth)
            case 12:
                return self.struct(depth + 1)
            case _:
                raise MalformedError("a kind of value that Parquet does not use")

    def _list(self, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise MalformedError("nested too deeply")
        head = self._byte()
        count, kind = head >> 4, head & 15
        if count == _LONG_LIST:
            count = self._varint()
        if count > len(self.data) - self.place:
            raise MalformedError("a list longer than the file")
        if kind in {1, 2}:
            return [self._byte() == 1 for _ in range(count)]
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & ~_MORE) << shift
            if byte < _MORE:
                return value
        raise MalformedError("a number without an end")

    def _byte(self) -> int:
        if self.place >= len(self.data):
            raise MalformedError("cut short")
        self.place += 1
        return self.data[self.place - 1]

    def _take(self, count: int) -> bytes:
        if count > len(self.data) - self.place:
            raise MalformedError("cut short")
        self.place += count
        return self.data[self.place - count : self.place]


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
