"""Reading YAML: values as YAML 1.2 has them, a position for each, and refusals at the first sign."""

import pytest

from zalosync.errors import Place
from zalosync.spec.document import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_LINE,
    MAX_NODES,
    Document,
    parse_path,
    path_text,
    place_of,
    read_document,
)

TEXT = """\
# a comment
spec:
  sender: "409"   # beside
  list: [a, {b: 1}]
  more:
    - x
    -   y
"""


def read(text: str) -> Document:
    """The document of a text."""
    return read_document(text.encode(), "case.yaml")


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text as YAML."""
    return [problem.code for problem in read(text).problems]


def test_values_and_places() -> None:
    """Every value and every key has its line and column."""
    document = read(TEXT)
    assert document.value == {"spec": {"sender": "409", "list": ["a", {"b": 1}], "more": ["x", "y"]}}
    assert document.place(("spec", "sender")) == Place("case.yaml", 3, 11)
    assert document.place(("spec", "sender"), key=True) == Place("case.yaml", 3, 3)
    assert place_of(document, "spec.list[1].b") == Place("case.yaml", 4, 17)
    assert place_of(document, "spec.more[1]") == Place("case.yaml", 7, 9)
    assert place_of(document, "spec.none.at.all") == document.place(("spec",), key=True)
    assert place_of(document, "nothing") == Place("case.yaml", 2, 1)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0901234567", 901234567),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("22:30", "22:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("0b11", "0b11"),
        ("2026-12-01", "2026-12-01"),
        ("1e999999", "1e999999"),
        ("9" * 41, "9" * 41),
        ('"5"', "5"),
        ("'true'", "true"),
        ("|\n    a\n    b\n", "a\nb\n"),
        (">-\n    a\n    b\n", "a b"),
        ("Gửi đơn", "Gửi đơn"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    """No octal, base 60, dates, yes or no by guess; the form of an unquoted number is kept."""
    document = read(f"key: {written}\n")
    assert isinstance(document.value, dict)
    found = document.value["key"]
    assert found == value
    assert type(found) is type(value)
    if not isinstance(value, str):
        assert document.plain["key",] == written


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x 1\n", "ZS112"),
        ("a: *x\n", "ZS112"),
        ("&k a: 1\n", "ZS112"),
        ("a: !!str 1\n", "ZS113"),
        ("a: !local 1\n", "ZS113"),
        ("a: ! 1\n", "ZS113"),
        ("!!str a: 1\n", "ZS113"),
        ("%YAML 1.1\n---\na: 1\n", "ZS114"),
        ("%TAG ! tag:example.com,2000:\n---\na: 1\n", "ZS114"),
        ("<<: {a: 1}\n", "ZS115"),
        ("a: 1\n---\nb: 1\n", "ZS116"),
        ("a: 1\n...\n---\nb: 1\n", "ZS116"),
        ("a: 1\na: 2\n", "ZS119"),
        ("a: 1\n'a': 2\n", "ZS119"),
        ("", "ZS120"),
        ("---\n...\n", "ZS132"),
        ("# only\n", "ZS120"),
        ("1: a\n", "ZS122"),
        ("true: a\n", "ZS122"),
        ("? [a]\n: b\n", "ZS122"),
        ("a: {{ b }}\n", "ZS122"),
        ("a: [1\n", "ZS111"),
        ("\ta: 1\n", "ZS111"),
        ("a: b: c\n", "ZS111"),
        ('a: "\\q"\n', "ZS111"),
        ("a: 'x\n", "ZS111"),
        ("a: @b\n", "ZS111"),
        ("a: `b`\n", "ZS111"),
        ("a: \x00\n", "ZS121"),
        ("a: \x1b[31m\n", "ZS121"),
        ("a: \x85b\n", "ZS121"),
        ("a: b\rc: d\n", "ZS121"),
        ("\ufeffa: 1\n", "ZS121"),
        ("a: \u202eb\n", "ZS121"),
        ("a: \u2066b\n", "ZS121"),
        ("a: \u2028b\n", "ZS121"),
    ],
)
def test_what_is_refused_as_yaml(text: str, code: str) -> None:
    """Each has its own code, and none stops the search for more where more can be read."""
    document = read(text)
    found = [problem.code for problem in document.problems]
    if code == "ZS132":
        assert document.parsed
        assert document.value is None
    else:
        assert code in found


def test_all_problems_of_a_file_are_found() -> None:
    """Anchors, tags and doubled keys do not hide one another."""
    assert codes("a: &x 1\nb: !t 2\nb: 3\nc: *x\n") == ["ZS112", "ZS113", "ZS119", "ZS112"]


def test_lines_that_end_in_the_way_of_windows_are_read() -> None:
    """CR and LF together are one line end; places stay right."""
    document = read("a: 1\r\nb: 2\r\n")
    assert document.value == {"a": 1, "b": 2}
    assert document.place(("b",)) == Place("case.yaml", 2, 4)


@pytest.mark.parametrize(
    ("depth", "fits"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False)]
)
def test_the_depth_limit_is_exact(depth: int, fits: bool) -> None:  # noqa: FBT001 - a table column
    """One level less, equal, one more."""
    assert (codes("[" * depth + "]" * depth) == []) == fits


@pytest.mark.parametrize(
    ("nodes", "fits"), [(MAX_NODES - 1, True), (MAX_NODES, True), (MAX_NODES + 1, False)]
)
def test_the_node_limit_is_exact(nodes: int, fits: bool) -> None:  # noqa: FBT001 - a table column
    """The list itself counts as one."""
    text = "- 1\n" * (nodes - 1)
    assert (codes(text) == []) == fits


@pytest.mark.parametrize(("size", "fits"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_the_size_limit_is_exact(size: int, fits: bool) -> None:  # noqa: FBT001 - a table column
    """A comment as long as the file may be."""
    text = "a: 1\n" + ("#" + "x" * 9_998 + "\n") * (size // 10_000 - 1)
    document = read_document((text + "#" * (size - len(text))).encode(), "case.yaml")
    assert (document.problems == ()) == fits


@pytest.mark.parametrize(("length", "fits"), [(MAX_LINE, True), (MAX_LINE + 1, False)])
def test_the_limit_of_a_line_is_exact(length: int, fits: bool) -> None:  # noqa: FBT001 - a table column
    """Equal fits, one more does not; the place is where the line should have been broken."""
    document = read("a: 1\n#" + "x" * (length - 1) + "\n")
    assert (document.problems == ()) == fits
    if not fits:
        assert document.problems[0].place == Place("case.yaml", 2, MAX_LINE + 1)


def test_a_number_of_any_length_does_not_stop_the_reader() -> None:
    """Python refuses to read 5,000 digits; here they are text."""
    assert read("a: " + "9" * 5000).value == {"a": "9" * 5000}


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (("spec", "audience", "path", 0), "spec.audience.path[0]"),
        (("templates", "322307", "parameters"), 'templates["322307"].parameters'),
        (("a", 0, 1, "b"), "a[0][1].b"),
    ],
)
def test_paths_are_written_and_read_back(steps: tuple[str | int, ...], text: str) -> None:
    """What an error shows can be looked up."""
    assert path_text(steps) == text
    assert parse_path(text) == steps
