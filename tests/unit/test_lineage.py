"""What is done to whole ledgers: a new start over an old one, copies, upgrades of the schema."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.books import KEYS, NOON
from zalosync.audit.verify import verify
from zalosync.errors import LedgerError, UsageError
from zalosync.ledger import lineage, migrate
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.home import Home, create, open_ledger, open_reader
from zalosync.ledger.pin import FILE, read_pin
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An environment with an empty ledger."""
    made = Home(tmp_path, "production")
    create(made, KEYS, NOON)
    return made


def first_event(home: Home) -> str:
    """What the first event of a ledger says."""
    reader = open_reader(home, KEYS)
    body = bytes(next(iter(reader.events()))[6]).decode()
    reader.close()
    return body


def test_a_new_start(home: Home) -> None:
    """The old file is kept under another name, with its journals; the new one says by whom and why."""
    pin = read_pin(home.root / FILE, "production")
    assert pin is not None
    old = home.path.read_bytes()
    beside = home.path.with_name(home.path.name + "-wal")
    beside.write_bytes(b"left over")
    before = lineage.replace_lineage(home, KEYS, NOON, "lan", "the disk died")
    assert before is not None
    assert before.read_bytes() == old
    assert before.with_name(before.name + "-wal").read_bytes() == b"left over"
    assert not beside.exists()
    assert all(said in first_event(home) for said in ("lan", "the disk died", pin.lineage))
    after = read_pin(home.root / FILE, "production")
    assert after is not None
    assert after.lineage != pin.lineage


def test_a_new_start_where_the_file_is_gone(home: Home) -> None:
    """There is nothing to keep then."""
    home.path.unlink()
    assert lineage.replace_lineage(home, KEYS, NOON, "lan", "the disk died") is None
    assert "the disk died" in first_event(home)


def test_a_new_start_where_nothing_was_pinned(home: Home) -> None:
    """A file that nobody pinned is replaced all the same; where there is none either, it is a mistake."""
    (home.root / FILE).unlink()
    assert lineage.replace_lineage(home, KEYS, NOON, "lan", "foreign") is not None
    with pytest.raises(UsageError) as caught:
        lineage.replace_lineage(Home(home.root, "another"), KEYS, NOON, "lan", "why not")
    assert caught.value.code == "ZS635"


def test_a_copy(home: Home, tmp_path: Path) -> None:
    """A copy is a whole ledger of one moment; it never takes the place of a file that is there."""
    target = tmp_path / "copy.db"
    assert lineage.backup(home, KEYS, target) == target.stat().st_size > 0
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="exists already"):
        lineage.backup(home, KEYS, target)
    target.replace(home.path)
    reader = open_reader(home, KEYS)
    assert verify(reader).ok
    reader.close()


def test_a_copy_that_cannot_be_written(home: Home, tmp_path: Path) -> None:
    """Nothing half is left where a copy should be."""
    with pytest.raises(LedgerError) as caught:
        lineage.backup(home, KEYS, tmp_path / "nowhere" / "copy.db")
    assert caught.value.code == "ZS636"
    assert not (tmp_path / "nowhere").exists()


def older(home: Home) -> None:
    """Put a ledger of the first version in the place of this one."""
    home.path.unlink()
    home.path.touch(mode=0o600)
    database = sqlite_database(home.path)
    migrate.upgrade(database, "0001")
    ledger = Ledger(database, SQLITE, home.place)
    with ledger.change(Kind.INIT, NOON) as change:
        change.note("lineage", "f" * 32)
        change.note("key", KEYS.fingerprint)
    ledger.close()
    (home.root / FILE).unlink()


def test_an_upgrade(home: Home) -> None:
    """An older ledger is not used as it is; upgraded, it says by whom, and is whole."""
    older(home)
    with pytest.raises(LedgerError) as caught:
        open_reader(home, KEYS)
    assert caught.value.code == "ZS602"
    assert "version 0001" in caught.value.message
    assert lineage.upgrade_file(home, KEYS, NOON, "lan") == ("0001", migrate.REVISION)
    with open_ledger(home, KEYS, sound=True) as ledger:
        assert verify(ledger).ok
        assert b"lan" in [bytes(event[6]) for event in ledger.events()][-1]
    assert read_pin(home.root / FILE, "production") is not None
    assert lineage.upgrade_file(home, KEYS, NOON, "lan") == (migrate.REVISION, migrate.REVISION)


def test_no_upgrade_of_what_is_no_ledger(home: Home) -> None:
    """A file that is missing or foreign is not upgraded into one."""
    home.path.unlink()
    with pytest.raises(LedgerError) as caught:
        lineage.upgrade_file(home, KEYS, NOON, "lan")
    assert caught.value.code == "ZS630"
    with closing(sqlite3.connect(home.path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(LedgerError) as caught:
        lineage.upgrade_file(home, KEYS, NOON, "lan")
    assert caught.value.code == "ZS601"
