"""YAML made to exhaust, to mislead or to run: refused at its first sign, in little memory, never run.

Each case may take two seconds at most; the time-out of the suite is ten times that, for slow machines.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zalosync.errors import SpecError
from zalosync.spec.document import MAX_BYTES, MAX_LINES, MAX_PROBLEMS, read_document
from zalosync.spec.load import survey_project
from zalosync.spec.model import Campaign
from zalosync.spec.shape import MAX_PROBLEMS as MAX_TOLD
from zalosync.spec.shape import shaped
from zalosync.spec.values import Reading

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(20)]

M = MAX_BYTES
MEMORY = 100 * 1024 * 1024
HEAD = "apiVersion: zalosync/v1\nkind: Campaign\nmetadata: {name: a}\nspec:\n"
BOMB = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))

TEXTS = {
    "alias bomb": BOMB,
    "alias to itself": "a: &a [*a]\n",
    "merge bomb": "a: &a {b: 1}\nc:\n  <<: [*a, *a, *a]\n",
    "brackets": "[" * M,
    "braces": "{" * M,
    "dashes": "- " * (M // 2),
    "dashes in lines": "-\n" * (M // 2),
    "questions": "? " * (M // 2),
    "colons": ": " * (M // 2),
    "commas": "[" + "," * (M - 2) + "]",
    "steps of indentation": "".join(" " * n + "a:\n" for n in range(1000)),
    "keys": "".join(f"k{n}: 1\n" for n in range(100_000))[:M],
    "keys on one line": "{" + ", ".join(f"k{n}: 1" for n in range(60_000)) + "}",
    "entries": "[" + "1," * (M // 2 - 2) + "]",
    "anchors": "".join(f"k{n}: &a{n} 1\n" for n in range(40_000)),
    "aliases": "a: [" + "*a," * (M // 3 - 3) + "]",
    "tags": "a: [" + "!t 1," * (M // 5 - 3) + "]",
    "bangs": "!" * M,
    "ampersands": "&" * M,
    "documents": "---\n" * (M // 4),
    "doubled keys": "a: 1\n" * 40_000,
    "a key of a megabyte": "x" * (M - 4) + ": 1",
    "a quoted key of a megabyte": '"' + "x" * (M - 6) + '": 1',
    "an open quote": 'a: "' + "x " * (M // 2 - 4),
    "blank lines in quotes": 'a: "' + "\n" * (M - 10) + '"',
    "comments": "#\n" * (M // 2),
    "lines": "a: >\n" + " x\n" * (M // 3 - 3),
    "words": "a: " + "x " * (M // 2 - 2),
    "words in lines": "a:\n" + (" x" * 9_000 + "\n") * 50,
    "bangs in lines": "a:\n" + ("- " + "!" * 19_000 + "\n") * 50,
    "brackets in lines": ("[" * 19_000 + "\n") * 50,
    "entries in lines": "[" + ("1," * 9_000 + "\n") * 50 + "]",
    "aliases in lines": "a: [" + ("*a," * 6_000 + "\n") * 50 + "]",
    "tags in lines": "a: [" + ("!t 1," * 3_000 + "\n") * 50 + "]",
    "a long key in lines": "x" * 19_000 + ": 1\n" + "y" * 19_000 + ": 1\n",
    "escapes in lines": 'a: "' + ("\\x41" * 4_000 + "\n") * 50 + '"',
    "escapes": 'a: "' + "\\x41" * (M // 4 - 3) + '"',
    "quoted words in lines": 'a: "' + ("x " * 9_000 + "\n") * 50 + '"',
    "single quotes in lines": "a: '" + ("''" * 9_000 + "\n") * 50 + "'",
    "escapes of all kinds in lines": 'a: "' + ('\\n\\"\\u0041\\\\' * 400 + "\\\n") * 170 + '"',
    "words in brackets": "a: [" + ("x " * 9_000 + "\n") * 50 + "]",
    "colons in words": "a: " + ("x:y" * 6_000 + "\n ") * 50,
    "possible keys": ("a " * 500 + "\n") * 1000,
    "tabs": "\t" * M,
    "byte-order marks": "\ufeff" * (M // 3),
    "zeros": "\0" * M,
    "carriage returns": "a: 1\r" * (M // 5),
    "a directive": "%YAML 1.1\n---\na: 0o7\n",
    "a far directive": "%TAG !! tag:evil.example,2000:\n---\na: !!x 1\n",
    "python object": "a: !!python/object/apply:os.system [id]\n",
    "python name": "a: !!python/name:os.system\n",
    "python module": "a: !!python/module:os\n",
    "python new": "a: !!python/object/new:subprocess.Popen [[id]]\n",
    "binary": "a: !!binary aGVsbG8=\n",
    "set": "a: !!set {x, y}\n",
    "ordered map": "a: !!omap [x: 1]\n",
    "timestamp": "a: !!timestamp 2026-01-01\n",
    "value key": "=: 1\na: !!value x\n",
    "include": "a: !include /etc/passwd\n",
    "environment": "a: !ENV ${HOME}\n",
    "escape sequence": "a: \x1b]8;;http://evil.example\x07click\x1b]8;;\x07\n",
    "turned text": "a: \u202eevil\u202c\n",
    "isolates": "a: \u2066evil\u2069\n",
    "line separator": "a: b\u2028c: d\n",
    "next line": "a: b\x85c: d\n",
    "delete": "a: b\x7fc\n",
    "half a character": "a: \ufffe\n",
    "not a mapping": "just a text\n",
    "a number of 5,000 digits": "9" * 5000,
}
HARMLESS = frozenset(
    {
        "words in lines",
        "words in brackets",
        "quoted words in lines",
        "single quotes in lines",
        "escapes in lines",
        "escapes of all kinds in lines",
        "colons in words",
        "possible keys",
        "not a mapping",
        "a number of 5,000 digits",
    }
)


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_refused(name: str) -> None:
    """At most 100 problems, no exception, and a value only where the text is harmless."""
    document = read_document(TEXTS[name].encode()[:M], "case.yaml")
    assert len(document.problems) <= MAX_PROBLEMS
    assert bool(document.problems) != (name in HARMLESS)


CHILD = """
import pathlib, resource, sys
from zalosync.spec.document import read_document
status = pathlib.Path("/proc/self/status").read_text()
used = int(status.split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + int(sys.argv[1]), used + int(sys.argv[1])))
for path in sys.argv[2:]:
    try:
        read_document(pathlib.Path(path).read_bytes(), "case.yaml")
    except MemoryError:
        print(path)
"""


@pytest.mark.timeout(60)
def test_no_hostile_text_takes_much_memory(tmp_path: Path) -> None:
    """A process that may have 100 MB more than it began with reads those that take most."""
    for name in (
        "alias bomb",
        "brackets in lines",
        "keys",
        "possible keys",
        "words in lines",
        "bangs in lines",
    ):
        (tmp_path / f"{name}.yaml").write_bytes(TEXTS[name].encode()[:M])
    command = [sys.executable, "-c", CHILD, str(MEMORY), *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BYTES = {
    "UTF-16": HEAD.encode("utf-16"),
    "UTF-32": HEAD.encode("utf-32"),
    "UTF-7": b"a: +AC8-\xff",
    "half a letter": b"a: \xc4",
    "an overlong slash": b"a: \xc0\xaf",
    "a surrogate": b"a: \xed\xa0\x80",
    "past Unicode": b"a: \xf5\x80\x80\x80",
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 100,
    "too large": b"#" * (MAX_BYTES + 1),
    "too many lines": b"\n" * (MAX_LINES + 1),
}


@pytest.mark.parametrize("name", BYTES)
def test_hostile_bytes_are_refused(name: str) -> None:
    """Nothing is guessed about another encoding, and nothing is shown of it."""
    document = read_document(BYTES[name], "case.yaml")
    assert document.problems
    assert not document.parsed
    assert all(not problem.source for problem in document.problems)


SHAPES = {
    "unknown keys": HEAD + "".join(f"  {'validityPeriod' * 20}{n}: 1\n" for n in range(3000)),
    "wrong values": HEAD + "  templateData:\n" + "".join(f"    k{n}: 1\n" for n in range(4000)),
    "names": HEAD.replace("name: a", f"name: a, previousNames: [{', '.join(f'N{n}' for n in range(9000))}]"),
    "days": HEAD + f"  schedule: {{deliveryTimeWindow: {{days: [{', '.join('X' * 9000)}]}}}}\n",
    "numbers": HEAD + "".join(f"  k{n}: 0x1\n" for n in range(4000)),
    "nulls": HEAD + "  templateData:\n" + "".join(f"    k{n}:\n" for n in range(4000)),
    "a name of a megabyte": HEAD.replace("name: a", f"name: {'a' * 900_000}"),
    "a template of a megabyte": HEAD + f'  templateData: {{a: "{"{{ a }}" * 130_000}"}}\n',
    "a path of a megabyte": HEAD + f"  audience: {{path: {'a/' * 400_000}}}\n",
    "a duration": HEAD + f"  validityPeriod: {'9' * 900_000}h\n",
    "a time": HEAD + f"  schedule: {{sendAt: {'2026-' * 100_000}}}\n",
    "a host": HEAD + f"  tracking: {{customDomain: {'a.' * 400_000}}}\n",
    "a URL": HEAD + f"  webhooks: {{delivery: {{url: https://{'a.' * 400_000}b/}}}}\n",
    "a zone": HEAD + f"  schedule: {{deliveryTimeWindow: {{days: [MONDAY], timezone: {'a/' * 100_000}}}}}\n",
}


@pytest.mark.parametrize("name", SHAPES)
def test_hostile_shapes_are_told_shortly(name: str) -> None:
    """However wrong a file is, 200 problems and a count; no line of output longer than a screen holds."""
    document = read_document(SHAPES[name].encode(), "case.yaml")
    problems = shaped(document, Campaign, Reading()).problems
    assert problems
    assert len(problems) <= MAX_TOLD + 1
    for problem in problems:
        assert len(problem.found) < 100
        assert len(problem.source) <= 200
        assert len(problem.message) < 500


@pytest.mark.parametrize(
    "zone",
    [
        "../../etc/passwd",
        "/etc/localtime",
        "Asia/../../../etc/hostname",
        "CON",
        "",
        ".",
        "Asia",
        "a\\b",
        "Ａsia/Ho_Chi_Minh",
    ],
)
def test_a_zone_is_a_name_and_never_a_path(zone: str) -> None:
    """The name of a zone is looked up among zones, not on the disk."""
    text = HEAD + f"  schedule: {{deliveryTimeWindow: {{days: [MONDAY], timezone: '{zone}'}}}}\n"
    codes = [
        problem.code for problem in shaped(read_document(text.encode(), ""), Campaign, Reading()).problems
    ]
    assert "ZS139" in codes


def test_a_project_of_hostile_files_says_so_of_each(tmp_path: Path) -> None:
    """Links, pipes and folders among the specs: each is named, none is read, none hangs."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "zalosync.yaml").write_text(
        "apiVersion: zalosync/v1\nkind: Project\nmetadata: {name: p}\nspec:\n"
        "  specs: ['campaigns/*.yaml']\n  environments: {s: {baseUrl: sandbox}}\n"
    )
    folder = tmp_path / "campaigns"
    (folder / "link.yaml").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "bomb.yaml").write_text(BOMB)
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(10 * MAX_BYTES)
    problems = survey_project(tmp_path, environment=None, now=datetime(2026, 11, 23, tzinfo=UTC)).problems
    codes = sorted({(problem.place.file, problem.code) for problem in SpecError(list(problems)).problems})
    assert ("zalosync.yaml", "ZS103") in codes
    assert ("zalosync.yaml", "ZS104") in codes
    assert ("zalosync.yaml", "ZS106") in codes
    assert all("root:" not in repr(problem) for problem in problems)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """The reader never raises for what a file holds."""
    document = read_document(data, "case.yaml")
    assert document.parsed or document.problems


@settings(max_examples=300)
@given(st.text(alphabet="ab:-?[]{},#&*!|>'\"%@` \n\t<=~019.\u00a0é\\", max_size=80))
def test_any_text_of_signs_is_read_or_refused(text: str) -> None:
    """The signs of YAML in any order; what was read is checked against a shape without an exception."""
    document = read_document(text.encode(), "case.yaml")
    assert document.parsed or document.problems
    own = read_document(f"apiVersion: zalosync/v1\nspec: {text}".encode(), "case.yaml")
    shaped(own, Campaign, Reading())
