"""Audience files made to exhaust, to escape or to mislead: refused, fast, without their content.

Every limit is tried at one below, at and one above it.
"""

import gzip
import io
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.unit.workbooks import sheet, workbook
from zalosync.audience.limits import Limits
from zalosync.audience.parquet_pages import MalformedError, sizes
from zalosync.audience.read import open_audience
from zalosync.errors import SpecError

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(20)]

SECRET = "0987654321"


def rows(root: Path, name: str, content: bytes, **limits: int) -> int:
    """How many rows an audience of one file with this content has."""
    (root / name).write_bytes(content)
    return count(root, name, **limits)


def count(root: Path, *patterns: str, **limits: int) -> int:
    """How many rows an audience has."""
    with open_audience(root, "", patterns, limits=Limits(**limits)) as audience:
        return sum(chunk.frame.height for chunk in audience.chunks(1_000))


def refused(root: Path, name: str, content: bytes, **limits: int) -> str:
    """What is said about the file; it never has the secret in it."""
    with pytest.raises(SpecError) as caught:
        rows(root, name, content, **limits)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def parquet(frame: pl.DataFrame, **options: int) -> bytes:
    """The frame as a Parquet file."""
    stream = io.BytesIO()
    frame.write_parquet(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


CSV = f"a,b\n{SECRET},1\n{SECRET},2\n{SECRET},3\n".encode()
JSONL = "".join(f'{{"a": "{SECRET}", "b": {n}}}\n' for n in range(3)).encode()
PARQUET = parquet(pl.DataFrame({"a": [SECRET] * 3, "b": ["1", "2", "3"]}))
XLSX = workbook(sheet([["a", "b"], *([SECRET, n] for n in range(3))]))
FILES = {
    "a.csv": CSV,
    "a.tsv": CSV.replace(b",", b"\t"),
    "a.csv.gz": gzip.compress(CSV, mtime=0),
    "a.jsonl": JSONL,
}
TABLES = {"a.parquet": PARQUET, "a.xlsx": XLSX}


@pytest.mark.parametrize(("name", "content"), (FILES | TABLES).items())
def test_the_limit_of_rows(tmp_path: Path, name: str, content: bytes) -> None:
    """Three rows pass limits of three and four, and not of two."""
    assert rows(tmp_path, name, content, rows=4) == 3
    assert rows(tmp_path, name, content, rows=3) == 3
    assert "rows" in refused(tmp_path, name, content, rows=2)


@pytest.mark.parametrize(("name", "content"), (FILES | TABLES).items())
def test_the_limit_of_columns(tmp_path: Path, name: str, content: bytes) -> None:
    """Two columns pass limits of two and three, and not of one."""
    assert rows(tmp_path, name, content, columns=3) == 3
    assert rows(tmp_path, name, content, columns=2) == 3
    assert "the file has 2 columns; allowed: 1 to 1" in refused(tmp_path, name, content, columns=1)


@pytest.mark.parametrize(("name", "content"), (FILES | TABLES).items())
def test_the_limit_of_a_field(tmp_path: Path, name: str, content: bytes) -> None:
    """A value of ten bytes passes limits of ten and eleven, and not of nine; the column is named."""
    assert rows(tmp_path, name, content, field=11) == 3
    assert rows(tmp_path, name, content, field=10) == 3
    message = refused(tmp_path, name, content, field=9)
    assert "a value of column `a` has 10 bytes; allowed: at most 9" in message
    assert message.startswith((f"{name}:1:1", f"{name}:2:1"))


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_the_limit_of_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    """The bytes of text are counted after decompression."""
    size = len(gzip.decompress(content) if name.endswith(".gz") else content)
    assert rows(tmp_path, name, content, size=size + 1) == 3
    assert rows(tmp_path, name, content, size=size) == 3
    assert f"{size - 1:,}" in refused(tmp_path, name, content, size=size - 1)


def test_the_limit_of_bytes_is_one_for_all_files(tmp_path: Path) -> None:
    """Many files together are not allowed more than one."""
    for name in ("1.csv", "2.csv", "3.csv.gz"):
        (tmp_path / name).write_bytes(gzip.compress(CSV, mtime=0) if name.endswith("gz") else CSV)
    assert count(tmp_path, "*.csv*", size=3 * len(CSV)) == 9
    with pytest.raises(SpecError, match=r"3\.csv\.gz:1:1: the audience has more than"):
        count(tmp_path, "*.csv*", size=3 * len(CSV) - 1)


def test_the_limit_of_rows_is_one_for_all_files(tmp_path: Path) -> None:
    """The row that is one too many is named, in its file."""
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_bytes(CSV)
    assert count(tmp_path, "*.csv", rows=6) == 6
    with pytest.raises(SpecError, match=r"2\.csv:4:1: the audience has too many rows up to here; allowed: 5"):
        count(tmp_path, "*.csv", rows=5)


def test_the_limit_of_files(tmp_path: Path) -> None:
    """A glob that matches too many files opens none of them."""
    for number in range(4):
        (tmp_path / f"{number}.csv").write_bytes(b"a\n1\n")
    assert count(tmp_path, "*.csv", files=5) == 4
    assert count(tmp_path, "*.csv", files=4) == 4
    with pytest.raises(SpecError, match="the audience has 4 files; allowed: at most 3"):
        count(tmp_path, "*.csv", files=3)


def test_the_limit_of_expansion(tmp_path: Path) -> None:
    """A compressed file may be a hundred times larger inside, and not more."""
    packed = gzip.compress(b"a\n" + b"1\n" * 20_000)
    ratio = -(-40_002 // len(packed))
    assert rows(tmp_path, "a.csv.gz", packed, ratio=ratio) == 20_000
    message = refused(tmp_path, "a.csv.gz", packed, ratio=ratio - 1)
    assert message.startswith(f"a.csv.gz:1:1: the file expands to more than {ratio - 1} times its size")


def test_the_limits_of_a_workbook(tmp_path: Path) -> None:
    """The parts of a workbook are counted as they are, at one below, at and above the limit."""
    with zipfile.ZipFile(io.BytesIO(XLSX)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    assert rows(tmp_path, "a.xlsx", XLSX, workbook=size + 1) == 3
    assert rows(tmp_path, "a.xlsx", XLSX, workbook=size) == 3
    message = refused(tmp_path, "a.xlsx", XLSX, workbook=size - 1)
    assert f"the workbook is too large when decompressed; allowed: at most {size - 1:,} bytes" in message
    assert "allowed: at most 100; save it as CSV" in refused(tmp_path, "a.xlsx", XLSX, workbook=100)


def test_the_limits_of_parquet_pages(tmp_path: Path) -> None:
    """Pages are counted before they are decompressed: in all, by row group, and against the file's size."""
    frame = pl.DataFrame({"a": [f"{SECRET}{n:06}" for n in range(2_000)]})
    content = parquet(frame, row_group_size=1_000)
    message = refused(tmp_path, "a.parquet", content, row_group=10)
    group = int(message.split("the file has ")[1].split(" bytes")[0].replace(",", ""))
    assert rows(tmp_path, "a.parquet", content, row_group=group) == 2_000
    assert "in one row group" in refused(tmp_path, "a.parquet", content, row_group=group - 1)
    total = 2 * group
    text = sum(len(value) for value in frame["a"])
    assert rows(tmp_path, "a.parquet", content, size=max(total, text)) == 2_000
    assert "bytes" in refused(tmp_path, "a.parquet", content, size=min(total, text) - 1)
    bomb = parquet(pl.DataFrame({"a": ["x" * 4_000] * 50_000 + ["y" * 4_000] * 50_000}))
    assert len(bomb) < 10_000
    assert "more than its size allows" in refused(tmp_path, "a.parquet", bomb, ratio=1)
    assert "the audience has more than" in refused(tmp_path, "a.parquet", bomb, size=10_000_000)


def _lying_zip() -> bytes:
    """A workbook whose sheet declares ten bytes and holds 50 MB."""
    content = bytearray(workbook(sheet([["a"]]) + " " * 50_000_000))
    size = struct.pack("<I", len(sheet([["a"]])) + 50_000_000)
    place = content.find(size)
    while place >= 0:
        content[place : place + 4] = struct.pack("<I", 10)
        place = content.find(size, place)
    return bytes(content)


def _far_cell(column: str, row: int) -> bytes:
    far = f'<row r="{row}"><c r="{column}{row}"><v>1</v></c></row>'
    return workbook(sheet([["a"], ["1"]]).replace("</sheetData>", f"{far}</sheetData>"))


def _many_copies() -> bytes:
    """One shared text of a megabyte in 10,000 cells: ten gigabytes in memory."""
    shared = f"<sst><si><t>{'x' * 1_000_000}</t></si></sst>"
    cells = sheet([["a"], *([('t="s"', "<v>0</v>")] for _ in range(10_000))])
    return workbook(cells, more={"xl/sharedStrings.xml": shared})


def _misplaced() -> bytes:
    """A cell whose place, as it is counted, stands in another attribute: the grid is too large for memory."""
    cells = sheet([["a"], ["1"]])
    return workbook(cells.replace('<c r="A2"', """<c x=' r="A2"' r='XFD1048576'"""))


def _doubled_part() -> bytes:
    packed = io.BytesIO(workbook(sheet([["a"]])))
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


def _encrypted() -> bytes:
    content = bytearray(workbook(sheet([["a"]])))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(mark, place + 4)
    return bytes(content)


WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "a lying size": _lying_zip,
    "a far cell": lambda: _far_cell("XFD", 1_048_576),
    "a far column": lambda: _far_cell("XFD", 10_000),
    "a far cell in small letters": lambda: _far_cell("xfd", 1_048_576),
    "a row beyond all rows": lambda: _far_cell("B", 4_000_000_000),
    "one text in many cells": _many_copies,
    "a document type": lambda: workbook('<!DOCTYPE w [<!ENTITY x "y">]>' + sheet([["a"]])),
    "UTF-16": lambda: workbook(sheet([["a"]]).encode("utf-16").decode("latin-1")),
    "cells without places": lambda: workbook(sheet([["a"]]).replace('<c r="A1"', "<c")),
    "a far cell behind another place": _misplaced,
    "a part twice": _doubled_part,
    "encrypted": _encrypted,
    "too many parts": lambda: workbook(sheet([["a"]]), more={f"xl/{n}.xml": "<x/>" for n in range(1_000)}),
    "no workbook in it": lambda: _zip({"xl/x.xml": "<x/>"}),
    "an empty zip": lambda: _zip({}),
    "no zip": lambda: b"PK\x03\x04" + b"x" * 100,
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1_000,
}


def _zip(parts: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("name", WORKBOOKS)
def test_workbooks_made_to_exhaust_are_refused(tmp_path: Path, name: str) -> None:
    """What would fill the memory or read another file is refused before it is opened."""
    content = WORKBOOKS[name]()
    assert refused(tmp_path, "a.xlsx", content).startswith("a.xlsx:1:1: ")


def _nested(depth: int) -> bytes:
    return b'{"a": ' + b"[" * depth + b"]" * depth + b"}\n"


ENDLESS = {
    "one field of megabytes": ("a.csv", b"a,b\n1," + b"x" * 5_000_000 + b"\n"),
    "a line without an end": ("a.csv", b"a,b\n1," + b"x" * 20_000_000),
    "a quote left open": ("a.csv", b'a,b\n1,"' + b"x\n" * 5_000_000),
    "a header without an end": ("a.csv", b"a" * 10_000_000),
    "a header of line ends in quotes": ("a.csv", b'"' + b"\n" * 700_000 + b'",b\n1,2\n'),
    "a million columns": ("a.csv", b",".join(b"c%d" % n for n in range(100_000)) + b"\n"),
    "quotes and line ends": ("a.csv", b"a,b\n" + b'"\n' * 2_000_000),
    "NUL bytes": ("a.csv", b"a,b\n" + b"\0" * 1_000_000),
    "carriage returns": ("a.csv", b"a,b\n" + b"1,2\r" * 1_000_000),
    "deep JSON": ("a.jsonl", _nested(300_000)),
    "a JSON line without an end": ("a.jsonl", b'{"a": "' + b"x" * 20_000_000),
    "a JSON number without an end": ("a.jsonl", b'{"a": ' + b"9" * 500_000 + b"}\n"),
    "many JSON keys": ("a.jsonl", b"{" + b",".join(b'"k%d": 1' % n for n in range(50_000)) + b"}\n"),
    "a gzip bomb": ("a.csv.gz", gzip.compress(b"a,b\n" + b"0" * 100_000_000)),
    "a gzip bomb of rows": ("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 10_000_000)),
    "gzip in gzip": ("a.csv.gz", gzip.compress(gzip.compress(CSV, mtime=0))),
    "a million gzip members": ("a.csv.gz", gzip.compress(b"a") * 200_000),
    "gzip with a tail": ("a.csv.gz", gzip.compress(CSV, mtime=0) + b"tail"),
    "gzip cut short": ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-1]),
    "gzip with another check": ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-8] + b"\0" * 8),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_files_made_to_exhaust_are_refused(tmp_path: Path, name: str) -> None:
    """Neither time nor memory follows what such a file claims or holds."""
    file, content = ENDLESS[name]
    refused(tmp_path, file, content)


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _footer(body: bytes) -> bytes:
    return b"PAR1" + body + struct.pack("<I", len(body)) + b"PAR1"


FOOTERS = {
    "no rows": b"\0",
    "a list longer than the file": b"\x39\xf3" + _varint(10**9),
    "lists in lists": b"\x49" + b"\x19" * 5_000,
    "structs in structs": b"\x1c" * 5_000,
    "a number without an end": b"\x36" + b"\xff" * 20,
    "an unknown kind": b"\x1f",
    "a number longer than its list": b"\x39\x16",
    "a double and no more": b"\x17" + b"\0" * 8 + b"\0",
    "text longer than the file": b"\x18" + _varint(10**9),
    "a negative size": b"\x36" + _varint(3) + b"\x19\x0c\0",
    "groups that are numbers": b"\x36\x02" + b"\x19\x15\x02\0",
    "columns without pages": b"\x36\x02" + b"\x19\x1c" + b"\x19\x1c" + b"\x3c\0" + b"\0\0\0",
    "a group without columns": b"\x36\x02" + b"\x19\x1c" + b"\x19\x0c" + b"\0\0",
    "pages outside of the file": b"\x36\x02\x19\x1c\x19\x1c\x3c\x76" + _varint(200) + b"\x26\x08\0\0\0\0",
    "Booleans and bytes": b"\x11\x13\x05" + b"\x19\x21\x01\x02\0",
}


@pytest.mark.parametrize("name", FOOTERS)
def test_footers_that_lie_are_refused(tmp_path: Path, name: str) -> None:
    """A footer is followed as far as it is true."""
    assert refused(tmp_path, "a.parquet", _footer(FOOTERS[name])) == (
        "a.parquet:1:1: the file is no Parquet file, or a damaged one [ZS311]"
    )


def test_a_footer_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    """The footer's own length is not believed either."""
    for length in (0, 9, 2**31):
        refused(tmp_path, "a.parquet", b"PAR1" + b"\0" * 4 + struct.pack("<I", length) + b"PAR1")


def test_pages_are_followed_up_to_a_limit(tmp_path: Path) -> None:
    """A file of many tiny pages cannot keep us busy: at the limit it is read, above it refused."""
    content = parquet(pl.DataFrame({"a": [str(n) for n in range(100)]}), row_group_size=10)
    pages = [most for most in range(40) if _is_followed(content, most)]
    assert pages == list(range(pages[0], 40))
    assert pages[0] in {10, 20}  # each group has a data page, and maybe a dictionary


def _is_followed(content: bytes, most: int) -> bool:
    try:
        found = sizes(lambda place, count: content[place : place + count], len(content), most_pages=most)
    except MalformedError:
        return False
    return found.rows == 100


def test_output_of_many_blocks_comes_from_little_input(tmp_path: Path) -> None:
    """What a compressor holds back at the end of its input is not lost."""
    lines = 1_500_000
    packed = gzip.compress(b"a\n" + b"1234567\n" * lines)
    assert rows(tmp_path, "a.csv.gz", packed, ratio=2_000) == lines


def test_files_outside_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links, devices, pipes, sockets, folders and other names of a file are refused, and nothing hangs."""
    outside, root = tmp_path / "outside", tmp_path / "project"
    for folder in (outside, root / "lists", root / "folder.csv"):
        folder.mkdir(parents=True)
    (outside / "secret.csv").write_bytes(CSV)
    (root / "lists" / "a.csv").write_bytes(CSV)
    (root / "link.csv").symlink_to(outside / "secret.csv")
    (root / "inner.csv").symlink_to(root / "lists" / "a.csv")
    (root / "linked").symlink_to(outside)
    (root / "hard.csv").write_bytes(CSV)
    os.link(root / "hard.csv", root / "other.csv")
    os.mkfifo(root / "pipe.csv")
    listening = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(root)
    listening.bind("socket.csv")  # the name of a socket is short
    paths = [
        *("link.csv", "inner.csv", "linked/secret.csv", "hard.csv", "other.csv", "pipe.csv", "socket.csv"),
        *(
            "folder.csv",
            "../outside/secret.csv",
            "lists/../../outside/secret.csv",
            "/dev/zero",
            "/etc/passwd",
        ),
        *(
            "~/a.csv",
            "C:\\a.csv",
            "\\\\?\\C:\\a.csv",
            "file:///etc/passwd",
            "http://127.0.0.1/a.csv",
            "lists",
        ),
        *(
            "LISTS/a.csv",
            "a\0.csv",
            "",
            ".",
            "x" * 2_000 + ".csv",
            str(root / "lists" / "a.csv"),
        ),
    ]
    try:
        for path in paths:
            with pytest.raises(SpecError) as caught:
                count(root, path)
            assert SECRET not in str(caught.value)
        for pattern in ("*.csv", "**/*.csv"):
            with pytest.raises(SpecError):
                count(root, pattern)
        assert count(root, "lists/*.csv") == 3
    finally:
        listening.close()


def test_a_file_that_is_swapped_after_the_check_is_not_read(tmp_path: Path) -> None:
    """What was opened is read, whatever stands under its name by then."""
    for name, content in (FILES | TABLES).items():
        (tmp_path / name).write_bytes(content)
        with open_audience(tmp_path, "", [name]) as audience:
            (tmp_path / name).unlink()
            (tmp_path / name).symlink_to("/dev/zero")
            assert sum(chunk.frame.height for chunk in audience.chunks(10)) == 3
        (tmp_path / name).unlink()
