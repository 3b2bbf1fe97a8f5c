"""The catalogue: every code and finding that the code names can be explained."""

import re
from pathlib import Path

import pytest

from zalosync.catalogue import CATALOGUE, FINDINGS, Entry

CODE = re.compile(r"\bZS[0-9]{3}\b|\bE_[A-Z]+(?:_[A-Z]+)*\b")
FINDING = re.compile(r"""Finding\(\s*"([a-z][a-z0-9-]+)",""")
NEVER_RAISED = frozenset({"ZS401"})  # the example in the docstring of the error base class


def sources(repository: Path) -> list[tuple[str, str]]:
    """Every module but the catalogue itself, with its text."""
    files = sorted((repository / "zalosync").rglob("*.py"))
    return [(str(path), path.read_text(encoding="utf-8")) for path in files if "catalogue" not in path.parts]


def test_every_code_in_the_code_is_in_the_catalogue(repository: Path) -> None:
    """No error names a code that `explain` does not know."""
    named = {code for _, text in sources(repository) for code in CODE.findall(text)} - NEVER_RAISED
    assert named - CATALOGUE.keys() == set()


def test_every_code_in_the_catalogue_is_used(repository: Path) -> None:
    """The catalogue explains nothing that cannot happen."""
    named = {code for _, text in sources(repository) for code in CODE.findall(text)}
    assert {code for code in CATALOGUE if code.startswith("ZS")} - named == set()


def test_every_finding_in_the_code_is_in_the_catalogue(repository: Path) -> None:
    """A policy can name every finding, and `explain` knows it."""
    named = {name for _, text in sources(repository) for name in FINDING.findall(text)}
    assert named
    assert named - FINDINGS.keys() == set()


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_an_entry_says_what_why_and_how_it_is_mended(entry: Entry) -> None:
    """Whole sentences, no line longer than a screen's title, and a severity for findings only."""
    assert entry.title
    assert not entry.title.endswith(".")
    assert len(entry.title) <= 80
    assert entry.why.endswith(".")
    assert entry.mend.endswith(".")
    assert (entry.severity is None) == bool(CODE.fullmatch(entry.code))
    assert re.fullmatch(r"ZS[0-9]{3}|E(_[A-Z]+)+|[a-z]+(-[a-z]+)*", entry.code)
