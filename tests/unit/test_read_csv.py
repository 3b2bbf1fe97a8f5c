"""Comma-separated files: read as they are, or refused with the line."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pieces import parts_of
from zalosync.audience import delimited
from zalosync.audience.limits import Limits
from zalosync.audience.read import Chunk, open_audience
from zalosync.errors import SpecError


def chunks_of(root: Path, *patterns: str, rows: int = 1000, limits: Limits | None = None) -> list[Chunk]:
    """All chunks of an audience that lies in the project's folder itself."""
    with open_audience(root, "", patterns, limits=limits) as audience:
        return list(audience.chunks(rows))


def rows_of(root: Path, *patterns: str, rows: int = 1000) -> list[tuple[str, ...]]:
    """All rows of an audience."""
    return [row for chunk in chunks_of(root, *patterns, rows=rows) for row in chunk.frame.rows()]


def refusal(root: Path, content: bytes, limits: Limits | None = None) -> str:
    """What is said about a file with this content; the parser's own words are never in it."""
    (root / "a.csv").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        chunks_of(root, "a.csv", limits=limits)
    assert caught.value.__cause__ is None
    return str(caught.value)


GOOD: dict[bytes, list[tuple[str, ...]]] = {
    b"a,b\n1,2\n3,4\n": [("1", "2"), ("3", "4")],
    b"a,b\n1,2\n3,4": [("1", "2"), ("3", "4")],
    b"a,b\r\n1,2\r\n3,4\r\n": [("1", "2"), ("3", "4")],
    b"\xef\xbb\xbfa,b\n1,2\n": [("1", "2")],
    b'"a","b"\n"1","2"\n': [("1", "2")],
    b'a,b\n"x, y","say ""hi"""\n': [("x, y", 'say "hi"')],
    b'a,b\n"two\nlines",2\n': [("two\nlines", "2")],
    b'a,b\r\n"two\r\nlines",2\r\n': [("two\r\nlines", "2")],
    b'a,b\n"\n\n",2\n': [("\n\n", "2")],
    b'a,b\n,\n"",""\n': [("", ""), ("", "")],
    b"a,b\n 1 , 2 \n": [(" 1 ", " 2 ")],
    b"a,b\n007,1e5\nNULL,NA\n": [("007", "1e5"), ("NULL", "NA")],
    b"a,b\n#1,2\n": [("#1", "2")],
    b"a,b\n\n1,2\n\n\n3,4\n\n": [("1", "2"), ("3", "4")],
    b"a,b\r\n\r\n1,2\r\n\r\n": [("1", "2")],
    b"a\n1\n\n2\n": [("1",), ("2",)],
    b"a,b\n": [],
    b"a,b": [],
    b"a,b\n\n\n": [],
    b"a;b\n1;2,5\n": [("1", "2,5")],
    b"a\tb\n1\t2,5;\n": [("1", "2,5;")],
    b"2026-11-01,amount_20261101\n1,2\n": [("1", "2")],
    b"a;b,c\n1;2\n3;4\n": [("1", "2"), ("3", "4")],
    b'"a,b";c\n1;2\n': [("1", "2")],
    "tên,số\nĐặng Thị Ánh,1\n".encode(): [("Đặng Thị Ánh", "1")],
}


@pytest.mark.parametrize("content", GOOD)
@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_well_formed_files_are_read_as_they_are(tmp_path: Path, content: bytes, rows: int) -> None:
    """Every value arrives as the text that was written, whatever the chunk size."""
    (tmp_path / "a.csv").write_bytes(content)
    assert rows_of(tmp_path, "a.csv", rows=rows) == GOOD[content]


REFUSED: list[tuple[bytes, str]] = [
    (b"", "a.csv:1:1: the file is empty; allowed: a first line with column names [ZS312]"),
    (b"\xef\xbb\xbf", "a.csv:1:1: the file is empty; allowed: a first line with column names [ZS312]"),
    (b"\na,b\n", "a.csv:1:1: the first line is blank; allowed: column names [ZS312]"),
    (b",,\n1,2,3\n", "a.csv:1:1: the first line is blank; allowed: column names [ZS312]"),
    (b"a,,c\n1,2,3\n", "a.csv:1:1: column 2 has no name [ZS312]"),
    (b"a, ,c\n1,2,3\n", "a.csv:1:1: column 2 has no name [ZS312]"),
    (
        b"a,b,a\n1,2,3\n",
        "a.csv:1:1: column 3 has the name `a`, as another one has; rename one of them [ZS312]",
    ),
    (
        b"An,0901234567\n",
        "a.csv:1:1: column 2 looks like a value and not like a name; is the first line a header?",
    ),
    (
        b"a@b.vn,1\n",
        "a.csv:1:1: column 1 looks like a value and not like a name; is the first line a header?",
    ),
    (b"'+84 90 123 45 67,1\n", "a.csv:1:1: column 1 looks like a value and not like a name"),
    (b"a,__b\n", "a.csv:1:1: column 2 begins with `__`, which is kept for columns of zalosync's own [ZS312]"),
    (b'a,"b\nc"\n', "a.csv:1:1: column 2 has a name with invisible characters [ZS312]"),
    (
        b"a,b\n1,2\n3\n",
        "a.csv:3:1: the record has not as many fields as the header; found 1; allowed: 2 [ZS314]",
    ),
    (b"a,b\n1\n", "a.csv:2:1: the record has not as many fields as the header; found 1; allowed: 2 [ZS314]"),
    (
        b"a,b\n1,2\n3,4,5\n",
        "a.csv:3:1: the record has not as many fields as the header; found 3; allowed: 2 [ZS314]",
    ),
    (
        b"a,b\n1\n2,3,4\n",
        "a.csv:2:1: the record has not as many fields as the header; found 1; allowed: 2 [ZS314]",
    ),
    (
        b"a,b\n\n\n1\n",
        "a.csv:4:1: the record has not as many fields as the header; found 1; allowed: 2 [ZS314]",
    ),
    (
        b'a,b\n"x\ny",1\n2\n',
        "a.csv:4:1: the record has not as many fields as the header; found 1; allowed: 2 [ZS314]",
    ),
    (b'a,b\n1,"2\n', "a.csv:2:1: a quote is opened and never closed [ZS315]"),
    (b'a,b\n1,2\n3,"4\n5,6\n', "a.csv:3:1: a quote is opened and never closed [ZS315]"),
    (b'a,b\n1,5" pipe\n3,6" pipe\n', "a.csv:2:1: a quote may only open and close a whole field"),
    (b'a,b\n1,2\n1,"2"x\n', "a.csv:3:1: a quote may only open and close a whole field"),
    (b'a,b\n1,2\nx"1",2\n', "a.csv:3:1: a quote may only open and close a whole field"),
    (b'a,b\n"1", "2"\n', "a.csv:2:1: a quote may only open and close a whole field"),
    (b'a,b\n"1"\n"2"x,3\n"4",5\n', "a.csv:3:1: a quote may only open and close a whole field"),
    (b'a,b\n"1\n1",2\n"3",4"4"\n', "a.csv:4:1: a quote may only open and close a whole field"),
    (b'x"a",b\n1,2\n', "a.csv:1:1: a quote may only open and close a whole field"),
    (
        b"a,b\n1,2\n3,\xff\n",
        "a.csv:3:1: the encoding cannot be told: not UTF-8 from here on",
    ),
    (
        b"a,b\n\n\n3,\xff\n",
        "a.csv:4:1: the encoding cannot be told: not UTF-8 from here on",
    ),
    (b"a,b\n1,2\n3,\x00\n", "a.csv:3:1: a NUL byte; this is no text file, or a damaged one [ZS320]"),
    (b"a,b\x00\n1,2\n", "a.csv:1:1: a NUL byte; this is no text file, or a damaged one [ZS320]"),
    (b"a,b\n1,2\r3,4\n", "a.csv:2:1: a carriage return without a line feed"),
    (b"a,b\r1,2\r3,4\r", "a.csv:1:1: a carriage return without a line feed"),
    (b"a;b,c\n1;2,3\n", "a.csv:1:1: cannot tell what separates the fields: ',' and ';' could"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_broken_files_are_refused_with_the_line(tmp_path: Path, content: bytes, message: str) -> None:
    """A broken file stops everything, names its line and quotes no value."""
    assert refusal(tmp_path, content).startswith(message)


def test_lines_are_those_an_editor_shows(tmp_path: Path) -> None:
    """Line numbers count line breaks in quotes and blank lines; row numbers count neither."""
    content = b'a,b\n1,2\n\n"3\n3\n3",4\n\n\n5,"6\n\n6"\n7,8\n'
    (tmp_path / "a.csv").write_bytes(content)
    for rows in (1, 2, 3, 10):
        chunks = chunks_of(tmp_path, "a.csv", rows=rows)
        assert [line for chunk in chunks for line in chunk.lines] == [2, 4, 9, 12]
        places = [chunk.first_row + i for chunk in chunks for i in range(chunk.frame.height)]
        assert places == [0, 1, 2, 3]


def test_many_files_are_one_list_of_rows(tmp_path: Path) -> None:
    """Files come in the order of their names, once each, rows numbered over all of them."""
    (tmp_path / "b.csv").write_bytes(b"k\n3\n")
    (tmp_path / "a.csv").write_bytes(b"k\n1\n2\n")
    (tmp_path / "c.csv").write_bytes(b"k\n")
    with open_audience(tmp_path, "", ["b.csv", "*.csv", "./a.csv"]) as audience:
        assert audience.columns == ("k",)
        assert audience.files == ("a.csv", "b.csv", "c.csv")
        assert audience.size == 4 + 2 + 4 + 2
        chunks = list(audience.chunks(100))
    assert [(chunk.file, chunk.first_row, chunk.frame.height) for chunk in chunks] == [
        ("a.csv", 0, 2),
        ("b.csv", 2, 1),
    ]


def test_the_rows_may_be_read_twice(tmp_path: Path) -> None:
    """Each pass starts at the first row, also when two passes are mixed."""
    (tmp_path / "a.csv").write_bytes(b"k\n1\n2\n3\n")
    with open_audience(tmp_path, "", ["a.csv"]) as audience:
        first, second = audience.chunks(1), audience.chunks(2)
        seen = [next(first).frame.rows(), next(second).frame.rows(), next(first).frame.rows()]
    assert seen == [[("1",)], [("1",), ("2",)], [("2",)]]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (b"a,c\n", "without `b` and with `c`"),
        (b"a\n", "without `b`"),
        (b"a,b,c\n", "with `c`"),
        (b"b,a\n", "another order"),
    ],
)
def test_all_files_have_the_same_columns(tmp_path: Path, other: bytes, difference: str) -> None:
    """A file with other columns is named, with what differs."""
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    (tmp_path / "b.csv").write_bytes(other)
    with pytest.raises(SpecError) as caught:
        open_audience(tmp_path, "", ["*.csv"])
    assert f"b.csv:1:1: the columns are not those of a.csv: {difference}" in str(caught.value)


def test_paths_are_relative_to_the_naming_file(tmp_path: Path) -> None:
    """The base may be given from the root or absolute; `..` works inside the project."""
    (tmp_path / "specs" / "lists").mkdir(parents=True)
    (tmp_path / "specs" / "lists" / "a.csv").write_bytes(b"a\n1\n")
    for base in ("specs/campaigns", Path("specs/campaigns"), tmp_path / "specs" / "campaigns"):
        with open_audience(tmp_path, base, ["../lists/*.csv"]) as audience:
            assert audience.files == ("specs/lists/a.csv",)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("none*.csv", "none*.csv:1:1: no file matches this pattern"),
        ("none.csv", "none.csv:1:1: there is no such file"),
        ("a.doc", "a.doc:1:1: the kind of this file is not known by the end of its name"),
        ("../a.csv", "../a.csv:1:1: the path leaves the project"),
    ],
)
def test_what_cannot_be_opened_is_an_error(tmp_path: Path, pattern: str, message: str) -> None:
    """A pattern without files, a missing file, an unknown kind and an outside path are errors."""
    (tmp_path / "a.doc").write_bytes(b"a\n1\n")
    with pytest.raises(SpecError) as caught:
        open_audience(tmp_path, "", [pattern])
    assert str(caught.value).startswith(message)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """What was planned is what was in the file at one moment, or nothing."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n1\n")
    with open_audience(tmp_path, "", ["a.csv"]) as audience:
        path.write_bytes(b"a\n1\n2\n")
        with pytest.raises(SpecError, match="changed while it was read"):
            list(audience.chunks(10))


def test_blocks_may_be_cut_anywhere() -> None:
    """Rows, lines and errors do not depend on how the bytes arrive."""
    content = 'a,b\n"x ""y""\n,z",ữ\n\n1,2\r\n"",3\n'.encode()
    whole = list(parts_of(delimited.read([content], "a.csv", Limits(), (",",))))
    expected = pl.concat([part.frame for part in whole]).rows()
    lines = [line for part in whole for line in part.lines]
    assert expected == [('x "y"\n,z', "ữ"), ("1", "2"), ("", "3")]
    assert lines == [2, 5, 6]
    for size in range(1, len(content)):
        blocks = [content[start : start + size] for start in range(0, len(content), size)]
        parts = list(parts_of(delimited.read(blocks, "a.csv", Limits(), (",",))))
        assert pl.concat([part.frame for part in parts]).rows() == expected
        assert [line for part in parts for line in part.lines] == lines


_FIELDS = st.text(alphabet='ab",;\t\n\r éữ', max_size=6).filter(lambda text: "\r" not in text)


@given(st.lists(st.tuples(_FIELDS, _FIELDS, _FIELDS), max_size=12), st.integers(1, 40))
@settings(max_examples=200)
def test_whatever_is_quoted_comes_back(rows: list[tuple[str, str, str]], size: int) -> None:
    """Fields with separators, quotes and line breaks survive writing and reading, in blocks of any size."""
    quoted = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
    content = ("a,b,c\n" + "".join(line + "\n" for line in quoted)).encode()
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    parts = list(parts_of(delimited.read(blocks, "a.csv", Limits(), (",",))))
    assert [row for part in parts for row in part.frame.rows()] == rows
    starts = [2 + sum(line.count("\n") + 1 for line in quoted[:place]) for place in range(len(rows))]
    assert [line for part in parts for line in part.lines] == starts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a" * 200_000 + b",b\n1,2\n", "a.csv:1:1: a column name is far too long"),
        (b"a,b\n1,2\n" + b"x" * 200_000 + b",1\n1\n", "a.csv:3:1: a value is far too long; allowed: at most"),
        (b"a" * 5_000 + b",b\n1,2\n", "a.csv:1:1: column 1 has a name that is too long"),
    ],
)
def test_fields_beyond_all_measure_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    """A huge field is the error, also where something else is wrong behind it."""
    assert refusal(tmp_path, content).startswith(message)


def test_a_header_alone_does_not_tell_the_separator(tmp_path: Path) -> None:
    """Which of two separators is meant is not guessed where the first rows are too long to compare."""
    content = b"a;b,c\n" + b"x" * 150_000 + b";1\n1;2\n"
    assert refusal(tmp_path, content).startswith("a.csv:1:1: cannot tell what separates the fields")


@given(st.lists(st.tuples(_FIELDS, _FIELDS, _FIELDS), min_size=1, max_size=12), st.integers(1, 8))
@settings(max_examples=300)
def test_pieces_are_bounded_and_whole(rows: list[tuple[str, str, str]], lines: int) -> None:
    """Cut for other processes, the rows and their lines are the same; no piece has more than it may."""
    written = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
    content = ("a,b,c\n" + "".join(line + "\n" for line in written)).encode()
    _, whole = delimited.read([content], "a.csv", Limits(), (",",))
    assert isinstance(whole, delimited.Records)
    pieces = list(whole.split(lines))
    parts = [each.part() for each in pieces]
    assert b"".join(each.body.data for each in pieces) == whole.body.data
    assert [row for part in parts for row in part.frame.rows()] == rows
    assert [line for part in parts for line in part.lines] == whole.part().lines.to_list()
    for each, part in zip(pieces, parts, strict=True):
        assert each.body.feeds == each.body.data.count(b"\n")
        assert each.body.feeds <= lines or part.frame.height == 1
