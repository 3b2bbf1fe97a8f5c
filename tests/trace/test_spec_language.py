"""Each sentence of the spec language has a test: `spec_language.toml` says which."""

import ast
import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.sentences import code_blocks, sentences
from zalosync.spec.document import read_document
from zalosync.spec.load import read_campaign
from zalosync.spec.schema import KINDS
from zalosync.spec.shape import shaped
from zalosync.spec.values import Reading

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEPT_OUT = {"nightly", "skip", "skipif"}  # marks of tests that the normal run may leave out


@cache
def trace() -> list[dict[str, list[str]]]:
    """The entries, in the order of the design."""
    entries: list[dict[str, list[str]]] = tomllib.loads(
        (HERE / "spec_language.toml").read_text(encoding="utf-8")
    )["trace"]
    return entries


@pytest.fixture
def design() -> str:
    """The design's text, which lies beside the contract; a skip where it does not."""
    named = os.environ.get("ZALOSYNC_CONTRACT")
    contract = Path(named) if named else TESTS.parent.parent / "shared" / "contract"
    file = contract.parent / "design" / "spec-language.md"
    if not file.is_file():
        pytest.skip(f"no {file}: the design lies beside the folder of ZALOSYNC_CONTRACT")
    return file.read_text(encoding="utf-8")


def marks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The names of a test's own marks."""
    for decorator in function.decorator_list:
        whole = ast.unparse(decorator)
        if whole.startswith("pytest.mark."):
            yield whole.removeprefix("pytest.mark.").partition("(")[0]


@cache
def collected(file: str) -> frozenset[str]:
    """The tests that the normal run finds in a file."""
    path = TESTS / file
    if not path.is_file() or not path.match("test_*.py"):
        return frozenset()
    return frozenset(
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not KEPT_OUT & set(marks(node))
    )


def test_every_test_that_is_named_is_run() -> None:
    """A test that was renamed, removed or moved to the nightly run shows nothing here any more."""
    named = {test for entry in trace() for test in entry.get("tests", ())}
    gone = {test for test in named if test.partition("::")[2] not in collected(test.partition("::")[0])}
    assert gone == set()
    cases = {case for entry in trace() for case in entry.get("cases", ())}
    there = {path.stem for path in (TESTS / "golden" / "bad_specs").glob("*.yaml")}
    assert cases - there == set()


def test_every_sentence_has_a_test() -> None:
    """No entry without one, no sentence in two entries, and nothing but the three words of the form."""
    said = [sentence for entry in trace() for sentence in entry["says"]]
    assert len(said) == len(set(said))
    for entry in trace():
        assert entry.keys() <= {"says", "tests", "cases"}
        assert entry["says"]
        assert entry.get("tests") or entry.get("cases"), entry["says"]


def test_every_sentence_of_the_design_is_traced(design: str) -> None:
    """What the design says is here to the letter, and nothing that it says no longer."""
    said = [sentence for entry in trace() for sentence in entry["says"]]
    written = list(dict.fromkeys(sentences(design)))
    assert [each for each in written if each not in said] == []
    assert [each for each in said if each not in written] == []
    assert said == written


def test_the_examples_of_the_design_are_right(design: str) -> None:
    """Its project, campaign, policy, prices and lock are read without a problem."""
    blocks = [block.replace("sha256:…", f"sha256:{'0' * 64}") for block in code_blocks(design)]
    for kind, block in zip(
        ("project", "campaign", "prices", "templates-lock", "policy"), blocks, strict=True
    ):
        document = read_document(block.encode(), f"{kind}.yaml")
        read = shaped(document, KINDS[kind], Reading(ZoneInfo("Asia/Ho_Chi_Minh")), trusted=True)
        assert [str(problem) for problem in read.problems] == []
        if kind == "campaign":
            loaded = read_campaign(block, file="specs/campaigns/a.yaml", timezone="Asia/Ho_Chi_Minh", now=NOW)
            assert loaded.name == "order-shipped"


def test_sentences_are_told_apart() -> None:
    """Ends of sentences, list items and lines of code; neither headings nor file endings."""
    text = "# Head\nOne `a.gz` is\nread. Two (see it).\n\n- **Three** `. - (` four.\n- Five\n"
    text += "```yaml\nkey: 1  # six. Seven\n```\n"
    assert sentences(text) == [
        "One `a.gz` is read.",
        "Two (see it).",
        "**Three** `. - (` four.",
        "Five",
        "key: 1 # six. Seven",
    ]
    assert code_blocks(text) == ["key: 1  # six. Seven"]
