"""Whichever way a value is made, it is the same: in columns, by Jinja, in any chunks, in any process."""

import hashlib
import os
import subprocess
import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zalosync.compose.quantities import DATES, NUMBERS
from zalosync.compose.template import Program, check, check_predicate
from zalosync.compose.template_told import CASED, TITLED

COLUMNS = ("a", "b", "c")

# -- templates, by what they yield ----------------------------------------------------------------------

CONSTANTS = st.sampled_from(["", "x", "Quý khách", "đ", "\u0301", "0", "2026-12-01", " ", "a\tb", "🎉", "~"])
TEXT_FILTERS = st.sampled_from(
    ["upper", "lower", "title", "trim", "ascii", "vnd", "truncate(1)", "truncate(4)", "truncate(200)"]
    + ["default('–')", "default('')", "default('Quý khách')"]
    + [f"date('{name}')" for name in DATES]
    + [f"number('{name}')" for name in NUMBERS]
)  # fmt: skip
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _quoted(text: str) -> str:
    return f"'{text}'"


def _grown(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    number = st.one_of(
        st.integers(0, 2000).map(str),
        text.map(lambda t: f"({t})|int"),
        st.tuples(text, st.integers(0, 6)).map(lambda p: f"({p[0]})|round({p[1]})"),
        text.map(lambda t: f"({t})|int|default(0)"),
    )
    test = st.one_of(
        st.tuples(text, COMPARISONS, text).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(number, COMPARISONS, number).map(lambda p: f"{p[0]} {p[1]} {p[2]}"),
        st.tuples(text, text).map(lambda p: f"not ({p[0]}) or ({p[1]})"),
        text,
    )
    return st.one_of(
        st.tuples(text, TEXT_FILTERS).map(lambda p: f"({p[0]})|{p[1]}"),
        st.tuples(text, text).map(lambda p: f"({p[0]}) or ({p[1]})"),
        st.tuples(text, text).map(lambda p: f"({p[0]}) and ({p[1]})"),
        st.tuples(text, test, text).map(lambda p: f"({p[0]}) if ({p[1]}) else ({p[2]})"),
        st.tuples(text, test).map(lambda p: f"({p[0]}) if ({p[1]})"),
        number,
    )


LEAVES = st.one_of(st.sampled_from([*COLUMNS, "row['a']"]), CONSTANTS.map(_quoted))
TEXTS = st.recursive(LEAVES, _grown, max_leaves=4)
PIECES = st.one_of(
    TEXTS.map(lambda text: "{{ " + text + " }}"),
    CONSTANTS,
    st.tuples(TEXTS, TEXTS).map(lambda p: "{% if (" + p[0] + ") %}{{ " + p[1] + " }}{% else %}–{% endif %}"),
)
SOURCES = st.lists(PIECES, max_size=3).map("".join)

# -- rows -----------------------------------------------------------------------------------------------

ODDITIES = [
    "Ǆ",
    "ŉ",
    "ß",
    "ﬁ",
    "İ",
    "ı",
    "Σς",
    "\u0301",
    "e\u0302\u0301",
    "\x00",
    "\t",
    "\r\n",
    "\u200d",
    "🎉",
    "👍🏽",
]
VALUES = st.one_of(
    st.sampled_from(["", " ", "NGUYỄN THỊ ánh", "Đặng", "h'hen NIÊ", "it's", "DH-01", "3rd", *ODDITIES]),
    st.sampled_from(
        ["0", "007", "12", "1250000", "1.250.000", "1.250", "-5", "2.5", "9" * 15, "9" * 16, "1e3"]
    ),
    st.sampled_from(
        ["2026-12-01", "2024-02-29", "2025-02-29", "2026-12-31T23:59:59", "2026-04-31", "01/12/2026"]
    ),
    st.sampled_from(
        ["2026-12-01 09:05", "2026-12-01T09:05:00Z", "0999-01-01", "2026-12-01T24:00", "x" * 999]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from("aáÁđĐưƠ ơ.-'1`[€"), max_size=12),
    st.none(),
)
FRAMES = st.lists(st.tuples(*[VALUES] * len(COLUMNS)), max_size=8).map(
    lambda rows: pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
)


def by_jinja(program: Program) -> Program:
    """The same program, with nothing told in columns."""
    copy = Program(program.sources, program.where)
    for part in copy._parts.values():
        part.columnar = None
    if copy._predicate is not None:
        copy._predicate.columnar = None
    return copy


@settings(max_examples=400)
@given(SOURCES, FRAMES)
def test_both_ways_give_the_same(source: str, frame: pl.DataFrame) -> None:
    """In columns or by Jinja: one value, one line, NFC, no control characters, at most 1,000 bytes."""
    if check(source, COLUMNS):
        return
    program = Program({"v": source})
    made = program.render(frame)["v"]
    assert made.to_list() == by_jinja(program).render(frame)["v"].to_list()
    for value in made.drop_nulls():
        assert unicodedata.is_normalized("NFC", value)
        assert len(value.encode()) <= 1000
        assert not any(unicodedata.category(character) == "Cc" for character in value)


@settings(max_examples=150)
@given(st.tuples(TEXTS, COMPARISONS, TEXTS), FRAMES)
def test_where_is_the_same_both_ways(parts: tuple[str, str, str], frame: pl.DataFrame) -> None:
    """`where` says the same in columns and by Jinja, null included."""
    source = "{{ (%s) %s (%s) }}" % parts  # noqa: UP031 -- braces
    if check_predicate(source, COLUMNS):
        return
    program = Program({}, where=source)
    assert program.predicate(frame).to_list() == by_jinja(program).predicate(frame).to_list()


@settings(max_examples=100)
@given(st.lists(SOURCES, min_size=1, max_size=3), FRAMES, st.integers(1, 8), st.integers(0, 7))
def test_chunks_and_order_do_not_matter(
    sources: list[str], frame: pl.DataFrame, size: int, turn: int
) -> None:
    """A value depends on its row and its template only."""
    accepted = {f"v{n}": source for n, source in enumerate(sources) if not check(source, COLUMNS)}
    program = Program(accepted)
    whole = program.render(frame)
    pieces = [program.render(frame[start : start + size]) for start in range(0, frame.height, size)]
    assert pl.concat([whole.clear(), *pieces]).equals(whole)
    turned = pl.concat([frame[turn:], frame[:turn]])
    assert program.render(turned).equals(pl.concat([whole[turn:], whole[:turn]]))
    for name, source in accepted.items():
        assert Program({name: source}).render(frame)[name].equals(whole[name])


def characters_of(pattern: str) -> list[str]:
    """All characters that a pattern of one class accepts."""
    every = pl.Series([chr(point) for point in range(0x20, 0x11000) if not 0xD800 <= point <= 0xDFFF])
    return every.filter(every.str.contains(pattern)).to_list()


@pytest.mark.parametrize(("name", "pattern"), [("upper", CASED), ("lower", CASED), ("title", TITLED)])
def test_case_agrees_on_every_letter_that_is_told(name: str, pattern: str) -> None:
    """Walked through: each character alone, at a word's start, inside, at its end, and doubled."""
    letters = characters_of(pattern)
    assert len(letters) > 300
    frame = pl.DataFrame({"a": [f(c) for c in letters for f in SHAPES]})
    program = Program({"v": "{{ a | %s }}" % name})  # noqa: UP031 -- braces
    part = program._parts["v"]
    assert part.columnar is not None
    assert part.columnar.sure is not None
    told = Program({"v": "{{ a | %s }}" % name}).render(frame)["v"]  # noqa: UP031 -- braces
    exact = by_jinja(program).render(frame)["v"]
    differs = told.to_frame("told").with_columns(frame["a"], exact.alias("exact")).filter(told != exact)
    assert differs.height == 0, differs


SHAPES = (
    str,
    "a{}".format,
    "{}a".format,
    "A{}b".format,
    "a {} B".format,
    "{0}{0}".format,
    "{0} {0}a{0}".format,
)

RENDERED = """
import hashlib, sys
import polars as pl
from zalosync.compose.template import Program
program = Program({f"v{n}": source for n, source in enumerate(%r)})
frame = pl.DataFrame(%r, schema=dict.fromkeys("abc", pl.String), orient="row")
print(hashlib.blake2b(repr(program.render(frame).rows()).encode()).hexdigest())
"""


def test_two_processes_give_the_same_bytes() -> None:
    """Plan and apply run in different processes: hash order and addresses change nothing."""
    sources = [
        "{{ a|title }} {{ b|vnd }}",
        "{{ c|date('hh:mm dd/mm/yyyy')|default('–') }}",
        "{% if a == b %}{{ a|ascii }}{% elif c|int > 3 %}{{ c|round(2) }}{% else %}{{ b or '–' }}{% endif %}",
        "{{ row['a']|truncate(3)|upper }}{{ 'x' if a else 'y' }}",
    ]
    rows = [("đặng văn", "1250000", "2026-12-01 09:05"), ("5", "5", "x"), ("é" * 9, "", "7"), ("", "z", "")]
    digests = {
        subprocess.run(
            [sys.executable, "-c", RENDERED % (sources, rows)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    program = Program({f"v{n}": source for n, source in enumerate(sources)})
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String), orient="row")
    here = hashlib.blake2b(repr(program.render(frame).rows()).encode()).hexdigest()
    assert digests == {here + "\n"}
