"""Hostile templates: every one is refused by the check alone, and nothing of it is evaluated."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from zalosync.compose.template import Program, check, check_predicate
from zalosync.errors import SpecError

pytestmark = pytest.mark.hostile

PLACE = Path(__file__).with_name("jinja_corpus.py")


def load(place: Path) -> ModuleType:
    """The corpus, which is a file beside this one."""
    spec = importlib.util.spec_from_file_location("jinja_corpus", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DATA = load(PLACE)
CORPUS: list[str] = DATA.CORPUS
COLUMNS: tuple[str, ...] = DATA.COLUMNS


def test_the_corpus_is_large_and_has_no_payload_twice() -> None:
    """At least 200 payloads written by hand, besides the matrix."""
    assert len(DATA.WRITTEN) >= 200
    assert len(set(DATA.WRITTEN)) == len(DATA.WRITTEN)


@pytest.mark.parametrize("payload", CORPUS, ids=lambda payload: ascii(payload[:50]))
def test_a_hostile_template_is_refused(payload: str) -> None:
    """The check refuses it as a text and as a condition, and a program will not take it."""
    problems = check(payload, COLUMNS)
    assert problems
    assert check_predicate(payload, COLUMNS)
    # Without columns, names that no audience has been asked about are no mistake yet; all else is.
    assert check(payload, None) or {problem.code for problem in problems} == {"ZS355"}
    if check(payload, None):
        with pytest.raises(SpecError) as refused:
            Program({"value": payload})
        assert len(str(refused.value)) < 1000


# Listens, in a process of its own, for what Python compiles, runs, opens or starts during the checks.
WATCH = """
import importlib.util, json, sys
from zalosync.compose.template import check, check_predicate
spec = importlib.util.spec_from_file_location("jinja_corpus", sys.argv[1])
data = importlib.util.module_from_spec(spec)
spec.loader.exec_module(data)
watched = {"compile", "exec", "open", "import", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"}
heard, on = [], []
sys.addaudithook(lambda event, arguments: heard.append(event) if on and event in watched else None)
check("{{ 'x' }}", data.COLUMNS), check("{{ nam }}", data.COLUMNS), check("{{ x y", None)
found = {}
for payload in [*data.CORPUS, *data.KINDS]:
    on.append(True)
    check(payload, data.COLUMNS), check(payload, None), check_predicate(payload, data.COLUMNS)
    on.clear()
    if heard:
        found[ascii(payload)] = list(heard)
        heard.clear()
on.append(True)
compile("1", "to be heard", "eval")
print(json.dumps([found, heard]))
"""


def test_nothing_of_a_hostile_template_is_evaluated() -> None:
    """To check the whole corpus nothing is compiled, run, imported, opened or started."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(PLACE)], capture_output=True, text=True, check=True
    )
    found, heard = json.loads(done.stdout)
    assert found == {}
    assert "compile" in heard


@pytest.mark.parametrize("payload", DATA.KINDS)
def test_what_is_no_text_is_not_printed(payload: str) -> None:
    """A yes or a no, nothing, or what cannot be compared is refused where text is wanted."""
    assert {problem.code for problem in check(payload, COLUMNS)} == {"ZS356"}


HOSTILE_VALUES = [
    "{{ 7*7 }}",
    "{% raw %}",
    "{0.__class__}",
    "%s%n",
    "__class__",
    "\x1b[31mred\x1b[0m",
    "\u202eevil",
    "'; DROP TABLE x; --",
    "\x00",
    "a" * 4000,
    "\u0301" * 500,
    "9" * 4000,
    "-" * 4000,
    "1" + ".000" * 900,
    "1" + ",000" * 900,
    "2026-12-01T" + "0" * 3000,
    "0" * 3000 + "/12/2026",
    " " * 4000,
    "👩\u200d" * 300,
    "'" * 4000,
    "a'" * 2000,
    "NaN",
    "-Infinity",
    "1e999999",
    "sNaN",
]
SOURCES = [
    "{{ x }}",
    "{{ x|title }}",
    "{{ x|upper }}",
    "{{ x|int }}",
    "{{ x|round(6) }}",
    "{{ x|vnd }}",
    "{{ x|number('dots') }}",
    "{{ x|date('hh:mm:ss dd/mm/yyyy') }}",
    "{{ x|truncate(200) }}",
    "{{ x|ascii }}",
    "{{ x|default('y')|trim }}",
    "{{ 'a' if x|int > 3 else x }}",
]


@pytest.mark.parametrize("source", SOURCES)
def test_hostile_values_stay_values(source: str) -> None:
    """A value is never read as a template, never raises, and never leaves the bounds of a value."""
    frame = pl.DataFrame({"x": HOSTILE_VALUES})
    made = Program({"v": source}).render(frame)["v"]
    assert len(made) == len(HOSTILE_VALUES)
    for value in made.drop_nulls():
        assert len(value.encode()) <= 1000
        assert value.isprintable() or "\u202e" in value or "\u200d" in value
    if source == "{{ x }}":
        assert made[0] == "{{ 7*7 }}"


def test_lone_surrogates_cannot_come_in_by_the_environment() -> None:
    """Bytes that are no text in a path or variable are refused as a template, not passed on."""
    assert check(os.fsdecode(b"\xff{{ name }}"), COLUMNS)
