"""Sizes of RSA keys that were seen once are known where nobody is asked."""

import stat
from pathlib import Path

import pytest

from zalosync.cli.key_sizes import remember, seen, sizes_path
from zalosync.infobip.keys import PublicKey

SENDER, OTHER = "4097700000000000001", "4097700000000000002"


def key(bits: int) -> PublicKey:
    """A key of which only the size matters."""
    return PublicKey(b"", bits)


def test_what_was_seen_last_is_known(tmp_path: Path) -> None:
    """By sender and environment; a new size takes the old one's place; the file is private."""
    path = sizes_path(tmp_path / "state", "live")
    remember(path, {SENDER: key(4096)})
    remember(path, {OTHER: key(3072)})
    remember(path, {SENDER: key(2048)})
    assert seen(path) == {SENDER: 2048, OTHER: 3072}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen(sizes_path(tmp_path / "state", "staging")) == {}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_says_so_already_is_not_written(tmp_path: Path) -> None:
    """A plan writes nothing where nothing is new."""
    path = sizes_path(tmp_path, "live")
    remember(path, {SENDER: key(2048)})
    before = path.stat().st_ino
    remember(path, {SENDER: key(2048)})
    remember(path, {})
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"2048"',
        f'{{"{SENDER}": "2048"}}',
        f'{{"{SENDER}": 7}}',
        f'{{"{SENDER}": true}}',
    ],
)
def test_a_damaged_file_knows_nothing(tmp_path: Path, text: str) -> None:
    """And is written anew by the next sight of a key."""
    path = sizes_path(tmp_path, "live")
    path.write_text(text, encoding="utf-8")
    assert seen(path) == {}
    remember(path, {SENDER: key(2048)})
    assert seen(path) == {SENDER: 2048}


def test_a_place_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """Nothing is remembered, and the command goes on."""
    (tmp_path / "state").write_text("a file where a folder should be", encoding="utf-8")
    path = sizes_path(tmp_path / "state", "live")
    remember(path, {SENDER: key(2048)})
    assert seen(path) == {}
