"""The catalogue by the syntax tree: what is raised anywhere has one entry, and a code one meaning."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from zalosync.catalogue import CATALOGUE, FINDINGS, audiences, findings, provider, running, specs
from zalosync.catalogue.entry import Entry

CODE = re.compile(r"ZS[0-9]{3}|E_[A-Z]+(?:_[A-Z]+)*")
# Codes that several rooms name: the same mistake met at several places, or one room looks for another's.
SHARED = {
    "ZS317": {"audience", "compose"},  # a limit of a file, or of what a process may take to compose its rows
    "ZS102": {"cli", "spec"},  # a path of the command line, or one that a spec names
    "ZS101": {
        "cli",
        "compose",
        "spec",
    },  # the project file is looked for before it is opened; a missing file may have a near one
    "ZS145": {"infobip", "spec"},  # the base URL is checked once more where it is used
    "ZS530": {
        "apply",
        "cli",
        "plan",
    },  # a plan is compared as a whole, and campaign by campaign when it is sent
    "ZS626": {"cli", "ledger"},  # `refresh --watch` waits for a lock where others end
    "ZS650": {"apply", "refresh"},  # a rescue file is written by one, merged by the other
}


def modules(repository: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module but the catalogue, from the package's folder, parsed."""
    root = repository / "zalosync"
    for path in sorted(root.rglob("*.py")):
        if "catalogue" not in path.parts:
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"))


def entries() -> list[Entry]:
    """All entries as they are listed, before a dictionary makes one of two."""
    tuples = (
        value
        for module in (audiences, findings, provider, running, specs)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, tuple)
    )
    return [entry for group in tuples for entry in group]


def test_every_entry_is_listed_once_and_can_be_looked_up() -> None:
    """Two entries of one code would hide each other; a group that is not joined in explains nothing."""
    counts = Counter(entry.code for entry in entries())
    assert [code for code, count in counts.items() if count > 1] == []
    assert counts.keys() == CATALOGUE.keys()


def test_every_code_has_an_entry_and_one_room(repository: Path) -> None:
    """A code stands whole in the source, is explained, and is used where its meaning is at home."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules(repository):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                rooms[node.value].add(path.parts[0])
    assert rooms.keys() - CATALOGUE.keys() == set()
    assert {code: used for code, used in rooms.items() if len(used) > 1 and SHARED.get(code) != used} == {}


def test_every_error_code_is_written_out(repository: Path) -> None:
    """`code=` is a literal, a constant or another error's code: nothing is put together at run time."""
    made = [
        f"{path}:{node.lineno}"
        for path, tree in modules(repository)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "code"
        and isinstance(node.value, ast.JoinedStr | ast.BinOp)
    ]
    assert made == []


def test_every_finding_has_an_entry_and_its_severity(repository: Path) -> None:
    """A finding that is made anywhere can be explained, ruled by a policy, and has a usual severity."""
    found: set[str] = set()
    for _, tree in modules(repository):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in {"Finding", "finding"} and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    assert len(found) > 20
    assert found - FINDINGS.keys() == set()
    assert FINDINGS.keys() - found == set()


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
