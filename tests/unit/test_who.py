"""Whose campaign it is, as Git tells: for approvals that want somebody else."""

import subprocess
from pathlib import Path

import pytest

from zalosync.cli.who import authors
from zalosync.plan.people import Authors

LAN = ("Lan Nguyễn", "lan@example.vn")
AN = ("Trần An", "an@example.vn")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty repository."""
    _git(tmp_path, "init", "-q")
    return tmp_path


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def commit(root: Path, who: tuple[str, str], **files: str) -> None:
    """Commit these files under a name; somebody else merges it, which makes nobody an author."""
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
        _git(root, "add", f"{name}.yaml")
    merger = ("-c", "user.name=Merger", "-c", "user.email=merger@example.vn", "-c", "commit.gpgsign=false")
    _git(root, *merger, "commit", "-q", "-m", "change", "--author", f"{who[0]} <{who[1]}>")


def named(found: Authors) -> set[str]:
    """Which of the two people are authors, by name and by address."""
    return {each for each in (*LAN, *AN, "merger@example.vn") if found.include(each)}


def test_the_author_is_that_of_the_last_commit_that_touched_the_file(root: Path) -> None:
    """Not who wrote it first, nor who wrote another file since, nor who committed for somebody."""
    commit(root, AN, one="1", two="1")
    commit(root, LAN, one="2")
    assert named(authors(root, ["one.yaml"])) == set(LAN)
    assert named(authors(root, ["two.yaml"])) == set(AN)
    both = authors(root, ["one.yaml", "two.yaml"])
    assert (named(both), both.missing) == ({*LAN, *AN}, ())


def test_of_what_is_not_committed_nobody_is_the_author(root: Path) -> None:
    """A change in the folder, a file that Git does not know, and no repository at all: nobody can say."""
    commit(root, AN, one="1")
    (root / "one.yaml").write_text("2", encoding="utf-8")
    (root / "new.yaml").write_text("1", encoding="utf-8")
    found = authors(root, ["one.yaml", "new.yaml"])
    assert (named(found), found.missing) == (set(), ("one.yaml", "new.yaml"))
    outside = root.parent / "elsewhere"
    outside.mkdir(exist_ok=True)
    assert authors(outside, ["one.yaml"]).missing == ("one.yaml",)
