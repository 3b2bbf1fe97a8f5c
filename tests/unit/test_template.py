"""Templates: what is accepted, what is made of a row, and what is refused with which words."""

import pickle
import unicodedata

import polars as pl
import pytest
from jinja2 import nodes

from zalosync.compose.template import CODES, Program, _as_text, check, check_predicate
from zalosync.compose.template_columns import in_columns
from zalosync.compose.template_language import shape
from zalosync.compose.template_parse import ENVIRONMENT, parse
from zalosync.errors import InternalError, SpecError

COLUMNS = ["name", "order_code", "amount", "status", "Mã đơn", "class", "row"]


def one(source: str, **row: str | None) -> str | None:
    """What a template makes of one row."""
    frame = pl.DataFrame({name: [value] for name, value in row.items()}, schema=dict.fromkeys(row, pl.String))
    if not row:
        frame = pl.DataFrame({"unused": [""]})
    value: str | None = Program({"v": source}).render(frame)["v"][0]
    return value


def judged(source: str, **row: str | None) -> bool | None:
    """What `where` says of one row."""
    frame = pl.DataFrame({name: [value] for name, value in row.items()}, schema=dict.fromkeys(row, pl.String))
    verdict: bool | None = Program({}, where=source).predicate(frame)[0]
    return verdict


@pytest.mark.parametrize(
    ("source", "row", "wanted"),
    [
        ("{{ name }}", {"name": "Lan"}, "Lan"),
        ("{{ name }}", {"name": None}, ""),
        ("Chào {{ name }}!", {"name": "Lan"}, "Chào Lan!"),
        ("{{ name | title | trim }}", {"name": " ánh "}, "Ánh"),
        ("{{ row['Mã đơn'] }}", {"Mã đơn": "DH"}, "DH"),
        ('{{ row["self"] }}', {"self": "x"}, "x"),
        ("{{ row.name }}", {"name": "x"}, "x"),
        ("{{ row['row'] }}", {"row": "x"}, "x"),
        ("{{ họ_tên }}", {"họ_tên": "x"}, "x"),
        ("{{ class }}{{ lambda }}", {"class": "x", "lambda": "y"}, "xy"),
        ("{{ loop }}{{ resolve }}{{ context }}", {"loop": "1", "resolve": "2", "context": "3"}, "123"),
        ("{{ _id }}", {"_id": "x"}, "x"),
        ("{{ a or b }}", {"a": "", "b": "x"}, "x"),
        ("{{ a and b }}", {"a": "", "b": "x"}, ""),
        ("{{ 'x' if a }}", {"a": ""}, ""),
        ("{{ ('x' if a) | upper }}!", {"a": ""}, "!"),
        ("{{ 'VIP' if tier == 'gold' else name }}", {"tier": "gold", "name": "n"}, "VIP"),
        ("{% if a == '1' %}one{% elif a == '2' %}two{% else %}{{ a }}{% endif %}.", {"a": "2"}, "two."),
        ("{% if a == '1' %}one{% endif %}", {"a": "2"}, ""),
        ("{{ a|int }}", {"a": "007"}, "7"),
        ("{{ a|int }}", {"a": "x"}, None),
        ("{{ a|int|default(0) }}", {"a": "x"}, "0"),
        ("{{ 'big' if a|int > 5 else 'small' }}", {"a": "7"}, "big"),
        ("{{ 'big' if a|int > 5 else 'small' }}", {"a": "x"}, None),
        ("{{ 'mid' if 3 < a|int <= 5 else 'no' }}", {"a": "5"}, "mid"),
        ("{{ a|round(2) }}", {"a": "2.5"}, "2.50"),
        ("{{ a|vnd }} đ", {"a": "1250000"}, "1.250.000 đ"),
        ("{{ a|date('dd/mm/yyyy') }}", {"a": "2026-12-01"}, "01/12/2026"),
        ("{{ a|truncate(3) }}", {"a": "abcdef"}, "abc"),
        ("{{ 5 }}", {}, "5"),
        ("hằng số", {}, "hằng số"),
        ("", {}, ""),
        ("{# comment #}x{% raw %}{{ y }}{% endraw %}", {}, "x{{ y }}"),
        ("a\nb\tc\r\nd", {}, "a b c d"),
        ("{{ a }}", {"a": "x\ty\r\nz\x00\x1b[31m\x85w"}, "x y z[31mw"),
        ("{{ a }}", {"a": "e\u0302\u0301"}, "ế"),
        ("e{{ a }}", {"a": "\u0301"}, "é"),
        ("{{ a }}", {"a": "e\x00\u0301"}, "é"),
        (
            "{{ 'y' if a == 'e\u0301' else 'n' }}",
            {"a": "é"},
            "y",
        ),
        ("{{ a }}", {"a": "x" * 1000}, "x" * 1000),
        ("{{ a }}", {"a": "x" * 1001}, None),
        ("{{ a }}{{ a }}", {"a": "ặ" * 200}, None),
        ("{{ a }}", {"a": "{{ 7 }}{% raw %}"}, "{{ 7 }}{% raw %}"),
        ("{{ a }}", {"a": "<b>&amp;"}, "<b>&amp;"),
        ("{{ a|upper }}", {"a": "straße"}, "STRASSE"),
        ("{{ a|lower }}", {"a": "ΟΔΟΣ"}, "οδος"),
    ],
)
def test_what_a_template_makes(source: str, row: dict[str, str | None], wanted: str | None) -> None:
    """A table of the language: source, row, value."""
    assert check(source, list(row)) == []
    assert one(source, **row) == wanted


@pytest.mark.parametrize(
    ("source", "row", "wanted"),
    [
        ("{{ status == 'shipped' }}", {"status": "shipped"}, True),
        ("{{ status == 'shipped' }}", {"status": "x"}, False),
        ("{{ status == 'shipped' }}", {"status": None}, False),
        (" {{ not (a == 'x' or a == 'y') }}\n", {"a": "z"}, True),
        ("{{ a|int >= 3 and b != '' }}", {"a": "3", "b": "x"}, True),
        ("{{ a|int >= 3 and b != '' }}", {"a": "?", "b": "x"}, None),
        ("{{ a|int|default(0) >= 3 }}", {"a": "?"}, False),
        ("{{ (a == 'x') if b == 'y' else false }}", {"a": "x", "b": "z"}, False),
        ("{{ '2026-01-01' <= a < '2026-02-01' }}", {"a": "2026-01-31"}, True),
        ("{{ true }}", {"a": ""}, True),
    ],
)
def test_what_where_says(source: str, row: dict[str, str | None], wanted: bool | None) -> None:  # noqa: FBT001 -- a table
    """`where` is a yes, a no, or null where the row cannot be judged."""
    assert check_predicate(source, list(row)) == []
    assert judged(source, **row) is wanted


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("x" * 2001, "ZS351", "2,001 characters"),
        ("{{ a }}" * 250, "ZS351", "nodes"),
        ("{{ " + "not " * 30 + "a }}", "ZS351", "20 levels"),
        ("{{ " + "(" * 21 + "a" + ")" * 21 + " }}", "ZS351", "brackets"),
        ("{{ a", "ZS352", "parsed"),
        ("{{ a b }}", "ZS352", "parsed"),
        ("{% unknown %}", "ZS352", "parsed"),
        ("\ud800", "ZS352", "half a character"),
        (r"{{ '\x41' }}", "ZS353", "backslash"),
        ("{{ a() }}", "ZS353", "calls"),
        ("{% for x in a %}{% endfor %}", "ZS353", "loops"),
        ("{{ a * 3 }}", "ZS353", "multiplication"),
        ("{{ a ~ b }}", "ZS353", "`~`"),
        ("{{ a in b }}", "ZS353", "`in`"),
        ("{{ a is defined }}", "ZS353", "tests"),
        ("{{ a.b }}", "ZS353", "attributes"),
        ("{{ row }}", "ZS353", "by itself"),
        ("{{ row['_x'] }}", "ZS353", "`_`"),
        ("{{ row[a] }}", "ZS353", "constant text"),
        ("{{ row[0] }}", "ZS353", "constant text"),
        ("{{ self }}", "ZS353", "`self`"),
        ("{{ __class__ }}", "ZS353", "__class__"),
        ("{{ ſ }}", "ZS353", "compatibility"),
        ("{{ 1.5 }}", "ZS353", "fraction"),
        ("{{ 1000000000000000000 }}", "ZS353", "size"),
        ("{{ a | unknown }}", "ZS354", "unknown"),
        ("{{ a | upper(1) }}", "ZS354", "upper"),
        ("{{ a | truncate }}", "ZS354", "truncate"),
        ("{{ a | truncate(0) }}", "ZS354", "truncate"),
        ("{{ a | truncate(201) }}", "ZS354", "truncate"),
        ("{{ a | truncate(true) }}", "ZS354", "truncate"),
        ("{{ a | truncate(b) }}", "ZS354", "truncate"),
        ("{{ a | truncate(length=3) }}", "ZS354", "truncate"),
        ("{{ a | round(7) }}", "ZS354", "round"),
        ("{{ a | round(2, 'ceil') }}", "ZS354", "round"),
        ("{{ a | date('%Y') }}", "ZS354", "date"),
        ("{{ a | number('usd') }}", "ZS354", "number"),
        ("{{ a | default('x' , true) }}", "ZS354", "default"),
        ("{{ a | default(none) }}", "ZS354", "default"),
        ("{{ a == 'x' }}", "ZS356", "yes or no"),
        ("{{ none }}", "ZS356", "nothing"),
        ("{{ 'x' if a > 3 else 'y' }}", "ZS356", "text is compared with a number"),
        ("{{ 'x' if a == true else 'y' }}", "ZS356", "text is compared with yes or no"),
        ("{{ (a == 'x') | upper }}", "ZS356", "upper"),
    ],
)
def test_what_is_refused(source: str, code: str, words: str) -> None:
    """Each refusal has its code and says what is wrong."""
    problems = check(source, None)
    assert any(problem.code == code and words in problem.message for problem in problems), problems
    assert all(problem.code in CODES for problem in problems)
    with pytest.raises(SpecError):
        Program({"v": source})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("status == 'x'", "one expression"),
        ("{{ a == 'x' }}{{ b == 'x' }}", "one expression"),
        ("{% if a %}{{ a == 'x' }}{% endif %}", "one expression"),
        ("x{{ a == 'x' }}", "one expression"),
        ("", "one expression"),
        ("{{ status }}", "gives text"),
        ("{{ status|int }}", "gives a number"),
        ("{{ not status }}", "gives text"),
        ("{{ status and a == 'x' }}", "gives text"),
        ("{{ 'yes' if a == 'x' else 'no' }}", "gives text"),
    ],
)
def test_where_must_be_a_yes_or_a_no(source: str, words: str) -> None:
    """Text is no condition of `where`: "false" is not empty."""
    (problem,) = check_predicate(source, None)
    assert problem.code == "ZS357"
    assert words in problem.message


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("{{ nmae }}", "name"),
        ("{{ Order_Code }}", "order_code"),
        ("{{ orderCode }}", "order_code"),
        ("{{ ma_don }}", 'row["Mã đơn"]'),
        ("{{ zzzzz }}", ""),
    ],
)
def test_an_unknown_column_has_a_nearest(source: str, meant: str) -> None:
    """What was probably meant is spelled as a template must write it."""
    (problem,) = check(source, COLUMNS)
    assert (problem.code, problem.meant) == ("ZS355", meant)
    assert "name" in problem.allowed


def test_all_problems_come_at_once() -> None:
    """Several mistakes of one template are told together, with their lines, each once."""
    problems = check("{{ nmae }}\n{{ nmae }}{{ statsu }}\n{{ 'x' if amount > 3 else '' }}", COLUMNS)
    assert [(problem.code, problem.line) for problem in problems] == [
        ("ZS355", 1),
        ("ZS355", 2),
        ("ZS355", 2),
        ("ZS356", 3),
    ]


def test_columns_are_matched_in_composed_spelling() -> None:
    """A header typed on a Mac (decomposed) is the same column."""
    header = unicodedata.normalize("NFD", "Mã đơn")
    assert check("{{ row['Mã đơn'] }}", [header]) == []
    frame = pl.DataFrame({header: ["x"]})
    assert Program({"v": "{{ row['Mã đơn'] }}"}).render(frame)["v"].to_list() == ["x"]


def test_a_program_knows_its_columns() -> None:
    """`names` are the columns in use, of the values and of `where`, in order of first use."""
    program = Program({"a": "{{ x }}{{ row['y z'] }}", "b": "{{ x }}"}, where="{{ w == '1' }}")
    assert program.names == ("x", "y z", "w")


def test_a_program_pickles_as_its_sources() -> None:
    """A worker gets the sources and compiles them itself."""
    program = Program({"a": "{{ x|title }}", "b": "{{ x|vnd }}"}, where="{{ x != '' }}")
    copy = pickle.loads(pickle.dumps(program))  # noqa: S301 -- our own bytes
    frame = pl.DataFrame({"x": ["ánh", "5", ""]})
    assert copy.render(frame).equals(program.render(frame))
    assert copy.predicate(frame).to_list() == [True, True, False]
    assert b"root" not in pickle.dumps(program)


def test_shapes_hold() -> None:
    """Same height, one String column for each source, in order; also without rows or columns."""
    program = Program({"b": "{{ x|int }}", "a": "{{ x }}", "c": "constant"})
    for rows in (0, 1, 3):
        made = program.render(pl.DataFrame({"x": ["1"] * rows}, schema={"x": pl.String}))
        assert made.schema == dict.fromkeys(("b", "a", "c"), pl.String)
        assert made.height == rows
    for odd in ("{{ 'Σς́' | upper }}", "{{ '́' | title }}!"):
        frame = pl.DataFrame({"x": ["1", "2", "3"]})
        assert Program({"c": odd}).render(frame)["c"].n_unique() == 1
        assert Program({"c": odd}).render(frame[:0]).height == 0
    constant = Program({"c": "x"}).render(pl.DataFrame({"y": ["1", "2"]}))
    assert constant["c"].to_list() == ["x", "x"]
    assert Program({}).predicate(pl.DataFrame({"y": ["1", "2"]})).to_list() == [True, True]


def test_a_missing_column_is_an_error_without_values() -> None:
    """A file without a column that a template needs is named by its column, with the nearest."""
    with pytest.raises(SpecError, match=r"no column `name`.*did you mean `nmae`"):
        Program({"v": "{{ name }}"}).render(pl.DataFrame({"nmae": ["secret"]}))


def test_other_types_are_read_as_text() -> None:
    """Whole numbers and missing values of typed files become text."""
    frame = pl.DataFrame({"n": [1, None]})
    assert Program({"v": "{{ n }}", "w": "{{ n|int }}"}).render(frame).rows() == [
        ("1", "1"),
        ("", None),
    ]


def test_behind_the_parser_the_list_still_holds() -> None:
    """What the parser cannot make today is refused all the same, and never told in columns."""
    for odd in (nodes.Name("x", "store", lineno=1), nodes.Const(1.5, lineno=1), nodes.Const(b"x", lineno=1)):
        assert [problem.code for problem in shape(odd)] == ["ZS353"]
    assert in_columns(ENVIRONMENT.parse("{% set x = 1 %}")) is None
    with pytest.raises(InternalError):
        _as_text(parse("no expression"))


def test_the_environment_has_nothing_to_reach() -> None:
    """Behind the allow-list there are no globals, no tests, no loader, no extension, and no attributes."""
    assert not ENVIRONMENT.globals
    assert not ENVIRONMENT.tests
    assert not ENVIRONMENT.extensions
    assert ENVIRONMENT.loader is None
    assert ENVIRONMENT.from_string("{{ x.a }}{{ x['a'] }}").render(x={"a": "1"}) == "11"
    for source in ("{{ x.upper }}", "{{ x.__class__ }}", "{{ x['__class__'] }}", "{{ y.keys }}"):
        with pytest.raises(Exception, match=r"undefined|has no attribute|text and numbers"):
            ENVIRONMENT.from_string(source).render(x="a", y={})
