"""All formats of an audience give the same rows; encodings are recognised with certainty or refused."""

import datetime as dt
import gzip
import io
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.unit.workbooks import DATE, sheet, workbook
from zalosync.audience import excel
from zalosync.audience.encoding import Encoding
from zalosync.audience.limits import Limits
from zalosync.audience.read import open_audience
from zalosync.audience.source import Source
from zalosync.errors import SpecError

TEXT = 'tên,phone,note\nNguyễn Thị Bích Ngọc,0901234567,"a, ""b"""\nĐặng Văn Ửng,+84 90,\n'
ROWS = [("Nguyễn Thị Bích Ngọc", "0901234567", 'a, "b"'), ("Đặng Văn Ửng", "+84 90", "")]
COLUMNS = ("tên", "phone", "note")


def windows_1258(text: str) -> bytes:
    """Text as old Vietnamese Windows programs wrote it: tone marks behind their letters."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    written = b""
    for letter in text:
        apart = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in apart if mark in tones)
        base = unicodedata.normalize("NFC", "".join(mark for mark in apart if mark not in tones))
        written += (base + tone).encode("cp1258")
    return written


def parquet(frame: pl.DataFrame) -> bytes:
    """The frame as a Parquet file."""
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def table(root: Path, name: str, content: bytes) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[int]]:
    """Columns, rows and lines of an audience of one file."""
    (root / name).write_bytes(content)
    with open_audience(root, "", [name]) as audience:
        chunks = list(audience.chunks(10))
        rows = [row for chunk in chunks for row in chunk.frame.rows()]
        return audience.columns, rows, [line for chunk in chunks for line in chunk.lines]


def notes(root: Path, name: str, content: bytes) -> tuple[str, ...]:
    """What is to be known of how the file was read."""
    (root / name).write_bytes(content)
    with open_audience(root, "", [name]) as audience:
        list(audience.chunks(10))
        list(audience.chunks(10))
        return audience.notes


def refusal(root: Path, name: str, content: bytes) -> str:
    """What is said about a file with this content."""
    with pytest.raises(SpecError) as caught:
        table(root, name, content)
    return str(caught.value)


JSON_LINES = (
    '{"tên": "Nguyễn Thị Bích Ngọc", "phone": "0901234567", "note": "a, \\"b\\""}\n'
    '{"phone": "+84 90", "tên": "Đặng Văn Ửng", "note": null}\n'
)
FRAME = pl.DataFrame({name: [row[place] for row in ROWS] for place, name in enumerate(COLUMNS)})
ESCAPED = [[value.replace('"', "&quot;") for value in row] for row in ROWS]

FORMATS: dict[str, bytes] = {
    "a.csv": TEXT.encode(),
    "A.CSV": TEXT.encode(),
    "mark.csv": TEXT.encode("utf-8-sig"),
    "decomposed.csv": unicodedata.normalize("NFD", TEXT).encode(),
    "wide.csv": TEXT.encode("utf-16"),
    "little.csv": TEXT.encode("utf-16-le"),
    "big.csv": TEXT.encode("utf-16-be"),
    "old.csv": windows_1258(TEXT),
    "semicolons.csv": TEXT.replace("a, ", "a\0").replace(",", ";").replace("a\0", "a, ").encode(),
    "a.tsv": TEXT.replace("a, ", "a\0").replace(",", "\t").replace("a\0", "a, ").encode(),
    "a.csv.gz": gzip.compress(TEXT.encode(), mtime=0),
    "old.csv.gz": gzip.compress(windows_1258(TEXT), mtime=0),
    "two.csv.gz": gzip.compress(TEXT.encode()[:30], mtime=0) + gzip.compress(TEXT.encode()[30:], mtime=0),
    "a.jsonl": JSON_LINES.encode(),
    "wide.jsonl": JSON_LINES.encode("utf-16"),
    "decomposed.jsonl": unicodedata.normalize("NFD", JSON_LINES).encode(),
    "a.jsonl.gz": gzip.compress(JSON_LINES.encode(), mtime=0),
    "a.parquet": parquet(FRAME),
    "a.xlsx": workbook(sheet([COLUMNS, *ESCAPED])),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """The same customers in any format and encoding are the same rows, in NFC."""
    columns, rows, _ = table(tmp_path, name, FORMATS[name])
    assert columns == COLUMNS
    assert rows == ROWS


def test_files_of_several_formats_are_one_audience(tmp_path: Path) -> None:
    """An audience may mix formats, as long as the columns agree."""
    for name in ("a.csv", "a.jsonl.gz", "a.parquet", "a.xlsx"):
        (tmp_path / name).write_bytes(FORMATS[name])
    with open_audience(tmp_path, "", ["a.*"]) as audience:
        assert [row for chunk in audience.chunks(3) for row in chunk.frame.rows()] == ROWS * 4


def test_a_guessed_encoding_is_told(tmp_path: Path) -> None:
    """What the file does not declare itself is said once, with the file's name."""
    assert notes(tmp_path, "a.csv", FORMATS["old.csv"]) == (
        "a.csv was recognised as Windows-1258; save it as UTF-8 to be certain",
    )
    assert notes(tmp_path, "b.csv", FORMATS["little.csv"]) == (
        "b.csv was recognised as UTF-16 without a byte order mark",
    )
    assert notes(tmp_path, "c.csv", FORMATS["wide.csv"]) == ()


# Bytes, the encoding that is declared for them, and what the second column of their row says.
DECLARED: dict[str, tuple[bytes, Encoding, str]] = {
    "UTF-8": ("a,b\n1,Tấn\n".encode(), "utf-8", "Tấn"),
    "UTF-8 with its mark": (b"\xef\xbb\xbf" + "a,b\n1,Tấn\n".encode(), "utf-8", "Tấn"),
    "UTF-16 with a mark": ("a,b\n1,Tấn\n".encode("utf-16"), "utf-16", "Tấn"),
    "UTF-16 without a mark": ("a,b\n1,Tấn\n".encode("utf-16-le"), "utf-16", "Tấn"),
    "UTF-16, the other way round": ("a,b\n1,Tấn\n".encode("utf-16-be"), "utf-16", "Tấn"),
    "Windows-1258 that could be Western": (windows_1258("a,b\n1,Lê\n"), "windows-1258", "Lê"),
    "Windows-1258": (windows_1258("a,b\n1,Tấn\n"), "windows-1258", "Tấn"),
    "UTF-8 declared to be older": ("a,b\n1,é\n".encode(), "windows-1258", "Ă©"),
}


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_encoding_is_taken_at_its_word(tmp_path: Path, name: str) -> None:
    """What would be refused as uncertain is read as the spec says, and nothing is said of guessing."""
    content, encoding, said = DECLARED[name]
    (tmp_path / "a.csv").write_bytes(content)
    with open_audience(tmp_path, "", ["a.csv"], encoding=encoding) as audience:
        (row,) = [row for chunk in audience.chunks(10) for row in chunk.frame.rows()]
        assert row == ("1", said)
        assert audience.notes == ()


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("a\nở\n".encode("utf-16"), "utf-8", "a.csv:1:1: the file begins with the mark of UTF-16"),
        (b"\xef\xbb\xbfa\n", "windows-1258", "a.csv:1:1: the file begins with the mark of UTF-8"),
        (b"a\nx\nL\xea\n", "utf-8", "a.csv:3:1: not UTF-8"),
        (b"a\nx", "utf-16", "a.csv:1:1: the text was taken for UTF-16"),
    ],
)
def test_a_declared_encoding_that_is_wrong_is_refused(
    tmp_path: Path, content: bytes, encoding: Encoding, message: str
) -> None:
    """A mark that says another encoding, or bytes that are not in it: with the line, and no byte of it."""
    (tmp_path / "a.csv").write_bytes(content)
    with (
        pytest.raises(SpecError) as refused,
        open_audience(tmp_path, "", ["a.csv"], encoding=encoding) as audience,
    ):
        list(audience.chunks(10))
    assert str(refused.value).startswith(message)


UNCERTAIN = {
    "Portuguese": "a,b\nSão,João\n".encode("cp1252"),
    "Italian": "a,b\nperò,così\n".encode("cp1252"),
    "German": "a,b\nMüller,Köln\n".encode("cp1252"),
    "French": "a,b\nélève,naïve\n".encode("cp1252"),
    "Icelandic": "a,b\nÞór,Guðrún\n".encode("cp1252"),
    "TCVN3": b"a,b\nNguy\xd4n V\xa8n An,1\n",
    "VNI": b"a,b\nNguye\xe3n Va\xean An,1\n",
    "Cyrillic": "a,b\nИван,1\n".encode("cp1251"),
    "Latin with one mark": b"a,b\nSa\xecd,\xe3\xe3\xe3\xe3\xe3\xe3\xe3\xe3\xe3\xe3\xe3\n",
    "undefined": b"a,b\nx\x8d\xffy,1\n",
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_an_encoding_that_is_not_certain_is_refused(tmp_path: Path, name: str) -> None:
    """No name arrives garbled: what may be another encoding is refused with the line."""
    assert refusal(tmp_path, "a.csv", UNCERTAIN[name]).startswith(
        "a.csv:2:1: the encoding cannot be told: not UTF-8 from here on, and not surely Windows-1258"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("utf-16")[:-1], "a.csv:3:1: the text was taken for UTF-16, but from here on it is not"),
        (
            "a,b\n1,2\n".encode("utf-16-le") + b"\x01\xd8\x01\xd8",
            "a.csv:3:1: the text was taken for UTF-16-LE, but from here on it is not",
        ),
    ],
)
def test_damaged_wide_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A cut or broken UTF-16 file is an error, never a row with replacement marks."""
    assert refusal(tmp_path, "a.csv", content).startswith(message)


def test_a_file_may_turn_out_not_to_be_utf8_late(tmp_path: Path) -> None:
    """UTF-8 that ends somewhere is an error with its line, however far down it stands."""
    small = "a,b\né,1\n".encode() + b"\xff,1\n"
    assert refusal(tmp_path, "a.csv", small).startswith("a.csv:3:1: the encoding cannot be told")
    large = ("a,b\n" + "é,1234567\n" * 500_000).encode() + b"\xff,1\n"
    assert refusal(tmp_path, "a.csv", large).startswith("a.csv:500002:1: not UTF-8; save the file as UTF-8")


def test_plain_text_before_the_first_accent_is_no_evidence(tmp_path: Path) -> None:
    """The first block with a letter beyond ASCII decides, however many plain ones come before it."""
    plain = b"a,b\n" + b"x,1234567\n" * 500_000
    _, rows, lines = table(tmp_path, "a.csv", plain + windows_1258("Ngọc,1\n"))
    assert (rows[-1], lines[-1]) == (("Ngọc", "1"), 500_002)
    assert refusal(tmp_path, "b.csv", plain + "João,1\n".encode("cp1252")).startswith("b.csv:500002:1:")


def test_lines_of_json_are_those_of_the_file(tmp_path: Path) -> None:
    """Blank lines are no rows, and numbers keep their spelling."""
    content = b'{"a": 1, "b": "x"}\n\n \t\n{"b": 1.50, "a": null}\r\n{"a": true, "b": 1e400}\n{"b": false}'
    columns, rows, lines = table(tmp_path, "a.jsonl", content)
    assert columns == ("a", "b")
    assert rows == [("1", "x"), ("", "1.50"), ("true", "1e400"), ("", "false")]
    assert lines == [1, 4, 5, 6]


NO_ROWS: list[tuple[bytes, str]] = [
    (b"", "1:1: the file is empty; allowed: one JSON object a line [ZS312]"),
    (b"\n\n", "1:1: the file is empty; allowed: one JSON object a line [ZS312]"),
    (b"{}\n", "1:1: the file has 0 columns; allowed: 1 to 100 [ZS312]"),
    (b'{"a": 1}\n[1]\n', "2:1: the line is no JSON object; allowed: one flat object a line [ZS322]"),
    (b'{"a": 1}\n\n"x"\n', "3:1: the line is no JSON object; allowed: one flat object a line [ZS322]"),
    (b'{"a": 1}\nx\n', "2:1: the line is no JSON; allowed: one flat object a line [ZS322]"),
    (b'{"a": 1} {"a": 2}\n', "1:1: the line is no JSON; allowed: one flat object a line [ZS322]"),
    (b'{"a": [1]}\n', "1:1: a value is a list or an object; allowed: one flat object a line [ZS322]"),
    (b'{"a": {"b": 1}}\n', "1:1: a value is a list or an object; allowed: one flat object a line [ZS322]"),
    (b'{"a": 1, "a": 2}\n', "1:1: a key stands twice in one object; allowed: one flat object a line [ZS322]"),
    (
        '{"ệ": 1, "e\u0323\u0302": 2}\n'.encode(),
        "1:1: a key stands twice in one object; allowed: one flat object a line [ZS322]",
    ),
    (b'{"a": NaN}\n', "1:1: NaN and Infinity are no JSON; allowed: one flat object a line [ZS322]"),
    (b'{"a": "\\ud800"}\n', "1:1: a value has a NUL character or half a character"),
    (b'{"a": "\\u0000"}\n', "1:1: a value has a NUL character or half a character"),
    (b'{"a": "\0"}\n', "1:1: a NUL byte; this is no text file, or a damaged one [ZS320]"),
    (
        b'{"a": 1}\n{"a": 1, "b": 2, "c": 3}\n',
        "2:1: the object has keys that the first object has not; found 2; allowed: `a` [ZS313]",
    ),
    (b'{"__a": 1}\n', "1:1: column 1 begins with `__`"),
    (b'{"\\ud800": 1}\n', "1:1: column 1 has a name with invisible characters"),
]


@pytest.mark.parametrize(("content", "message"), NO_ROWS)
def test_json_that_is_no_row_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Only flat objects with the first one's keys are rows; the error names the line."""
    assert refusal(tmp_path, "a.jsonl", content).startswith(f"a.jsonl:{message}")


def test_escapes_that_are_text_are_read(tmp_path: Path) -> None:
    """An escaped letter is that letter; a pair of halves is one."""
    _, rows, _ = table(tmp_path, "a.jsonl", b'{"a": "\\u1ecd \\ud83d\\ude00"}\n')
    assert rows == [("ọ 😀",)]


def test_parquet_types_become_text(tmp_path: Path) -> None:
    """Numbers are digits, times ISO 8601, nothing is the empty string; lines are row numbers."""
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    frame = pl.DataFrame(
        {
            "text": ["0901234567", None],
            "float": [901234567.0, None],
            "fraction": [1.5, float("nan")],
            "huge": [1e300, -0.0],
            "integer": [1, -2],
            "boolean": [True, None],
            "decimal": [Decimal("1.50"), None],
            "day": [dt.date(2026, 1, 2), None],
            "time": [dt.time(1, 2, 3), None],
            "wall": [moment.replace(tzinfo=None), moment.replace(tzinfo=None, microsecond=120_000)],
            "zoned": pl.Series([moment, None]).dt.convert_time_zone("Asia/Ho_Chi_Minh"),
            "category": pl.Series(["x", None], dtype=pl.Categorical),
            "nothing": pl.Series([None, None]),
        }
    )
    columns, rows, lines = table(tmp_path, "a.parquet", parquet(frame))
    assert columns == tuple(frame.columns)
    assert rows[0] == (
        *("0901234567", "901234567", "1.5", "1e+300", "1", "true", "1.50", "2026-01-02", "01:02:03"),
        *("2026-01-02T03:04:05", "2026-01-02T10:04:05+07:00", "x", ""),
    )
    assert rows[1] == ("", "", "", "0", "-2", "", "", "", "", "2026-01-02T03:04:05.120", "", "", "")
    assert lines == [1, 2]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([[1]], "List"), ([{"x": 1}], "Struct"), ([b"x"], "Binary"), ([dt.timedelta(1)], "Duration")],
)
def test_parquet_columns_that_are_no_values_are_refused(
    tmp_path: Path, values: list[object], kind: str
) -> None:
    """A column of lists, structures, bytes or durations is named, with its kind."""
    content = parquet(pl.DataFrame({"ok": ["x"], "odd": values}))
    assert refusal(tmp_path, "a.parquet", content).startswith(f"a.parquet:1:1: column `odd` holds {kind};")


def test_cells_become_text(tmp_path: Path) -> None:
    """Numbers are digits, dates ISO 8601, formulas their stored value, errors nothing."""
    header = ["text", "number", "fraction", "day", "moment", "yes", "formula", "error"]
    row = [
        "0901234567",
        901234567,
        1.5,
        (DATE, "<v>46000</v>"),
        (DATE, "<v>46000.5</v>"),
        True,
        ("", "<f>1+1</f><v>2</v>"),
        ('t="e"', "<v>#N/A</v>"),
    ]
    _, rows, _ = table(tmp_path, "a.xlsx", workbook(sheet([header, row])))
    assert rows == [("0901234567", "901234567", "1.5", "2025-12-09", "2025-12-09T12:00:00", "true", "2", "")]


def test_lines_of_a_sheet_are_its_row_numbers(tmp_path: Path) -> None:
    """Blank rows, above the header too, are no rows and are counted."""
    content = workbook(sheet([["a", "b"], ["1", None], [], [None, "2"], [None, None]], start=5))
    columns, rows, lines = table(tmp_path, "a.xlsx", content)
    assert columns == ("a", "b")
    assert rows == [("1", ""), ("", "2")]
    assert lines == [6, 8]


def test_only_the_first_sheet_is_read_and_that_is_told(tmp_path: Path) -> None:
    """Other sheets do not count, and a person is told that there are some."""
    content = workbook(sheet([["a"], ["1"]]), sheet([["other"]]))
    assert table(tmp_path, "a.xlsx", content)[1] == [("1",)]
    assert notes(tmp_path, "a.xlsx", content) == ("a.xlsx has 2 sheets; the first one is read",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "a.xlsx:1:1: the file has 0 columns; allowed: 1 to 100"),
        ([["a", None, "c"]], "a.xlsx:1:1: column 2 has no name"),
        ([["a", "a"]], "a.xlsx:1:1: column 2 has the name `a`, as another one has"),
        ([["a"], ["1"], ["1", None, "x"]], "a.xlsx:3:1: the row has a value in a column without a name"),
    ],
)
def test_sheets_that_are_no_table_are_refused(tmp_path: Path, rows: list[list[object]], message: str) -> None:
    """A sheet needs a header over every value."""
    assert refusal(tmp_path, "a.xlsx", workbook(sheet(rows))).startswith(message)


def test_a_header_may_be_followed_by_empty_columns(tmp_path: Path) -> None:
    """Formatted but empty cells beside the table are nothing."""
    content = workbook(sheet([["a", ("", ""), ("", "")], ["1", ("", "")]]))
    assert table(tmp_path, "a.xlsx", content)[:2] == (("a",), [("1",)])


def test_excel_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error says what to install."""
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(sheet([["a"]])))
    with path.open("rb") as stream, pytest.raises(SpecError) as caught:
        list(excel.parts(Source("a.xlsx", stream, path.stat()), Limits(), print, print))
    assert str(caught.value) == (
        "a.xlsx:1:1: reading Excel files needs the extra `excel`; "
        "allowed: pip install 'zalosync[excel]', or save it as CSV [ZS323]"
    )


@pytest.mark.parametrize(
    "name", ["a.doc", "a", "a.xls", "a.gz", "a.parquet.gz", "a.xlsx.gz", "csv", "a.csv.zip"]
)
def test_other_kinds_of_files_are_refused(tmp_path: Path, name: str) -> None:
    """The name says how a file is read; nothing is guessed from the content."""
    assert refusal(tmp_path, name, b"a\n1\n").startswith(
        f"{name}:1:1: the kind of this file is not known by the end of its name; allowed: .csv, .tsv"
    )
