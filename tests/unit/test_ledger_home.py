"""Where a ledger lives: made whole, opened only if it is the right one, never an empty one by mistake."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.books import KEYS, NOON, claim_of, file_book
from tests.support.opened import all_closed
from zalosync.compose.message import Keys, Status
from zalosync.errors import ExitCode, LedgerError, UsageError
from zalosync.ledger import home as home_module
from zalosync.ledger.home import Home, create, open_ledger, open_reader
from zalosync.ledger.pin import FILE, read_pin
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Kind


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An environment with an empty ledger."""
    made = Home(tmp_path, "production")
    create(made, KEYS, NOON)
    return made


def sent(home: Home, *keys: str) -> None:
    """Take some messages, as a run does."""
    with open_ledger(home, KEYS) as ledger:
        with ledger.change(Kind.RUN, NOON) as change:
            run = change.start_run(f"run-{change.next_run()}", "apply", {})
            campaign = change.campaign("order-shipped")
        with ledger.change(Kind.CLAIM, NOON, run=run) as change:
            change.claim([claim_of(campaign, key) for key in keys])


def assert_refused(home: Home, code: str, keys: Keys = KEYS) -> None:
    """Neither reading nor writing is possible, both with the same error, exit 7."""
    with pytest.raises(LedgerError) as reading:
        open_reader(home, keys)
    with pytest.raises(LedgerError) as writing, open_ledger(home, keys):
        raise AssertionError("it was opened")
    assert (reading.value.code, writing.value.code) == (code, code)
    assert reading.value.exit_code is ExitCode.LEDGER
    assert reading.value.fix


def test_created(home: Home) -> None:
    """A new ledger has a lineage, the key's fingerprint and its environment, and is pinned."""
    reader = open_reader(home, KEYS)
    notes = reader.notes()
    assert notes["key"] == KEYS.fingerprint
    assert notes["environment"] == "production"
    pin = read_pin(home.root / FILE, "production")
    assert pin is not None
    assert (pin.lineage, pin.seq, pin.hash) == (notes["lineage"], 1, reader.head().hash.hex())
    assert len(notes["lineage"]) == 32
    reader.close()


def test_modes(home: Home) -> None:
    """Nobody but the owner reads the ledger, its lock or its journal."""
    with open_ledger(home, KEYS) as ledger, ledger.change(Kind.NOTE, NOON) as change:
        change.note("a", "b")
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.folder.iterdir()}
    assert found.keys() >= {"production.db", "production.db.lock", "production.db-journal"}
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700


def test_sandbox_is_pinned_apart(tmp_path: Path) -> None:
    """A sandbox's lineage is kept in the folder that Git ignores."""
    home = Home(tmp_path, "sandbox", sandbox=True)
    create(home, KEYS, NOON)
    assert not (tmp_path / FILE).exists()
    assert read_pin(tmp_path / ".zalosync" / FILE, "sandbox") is not None


def test_not_made_twice(home: Home) -> None:
    """A ledger that is there is never replaced."""
    before = home.path.read_bytes()
    with pytest.raises(LedgerError, match="exists already"):
        create(home, KEYS, NOON)
    assert home.path.read_bytes() == before


def test_missing(home: Home) -> None:
    """A ledger that is gone is an error, and not made anew: it would send everything again."""
    home.path.unlink()
    assert_refused(home, "ZS630")
    with pytest.raises(LedgerError) as caught:
        create(home, KEYS, NOON)
    assert caught.value.code == "ZS630"
    assert not home.path.exists()


def test_never_made(tmp_path: Path) -> None:
    """An environment without a ledger is told how to make one."""
    home = Home(tmp_path, "production")
    assert_refused(home, "ZS631")
    assert not home.path.exists()


def test_left_over_from_a_crash(tmp_path: Path) -> None:
    """A half-made ledger of an earlier try is in nobody's way."""
    home = Home(tmp_path, "production")
    home.folder.mkdir()
    aside = home.path.with_name("production.db.new")
    aside.write_bytes(b"half")
    create(home, KEYS, NOON)
    assert not aside.exists()
    sent(home, "a")


def test_crash_between_ledger_and_pin(home: Home) -> None:
    """A ledger whose pin was not written yet is opened, and pinned by the next that writes."""
    (home.root / FILE).unlink()
    open_reader(home, KEYS).close()
    sent(home, "a")
    assert read_pin(home.root / FILE, "production") is not None


def test_older_copy(home: Home) -> None:
    """A copy from before the last run is refused: it would send again what was sent since."""
    copy = home.root / "copy.db"
    shutil.copy(home.path, copy)
    sent(home, "a")
    shutil.copy(copy, home.path)
    assert_refused(home, "ZS623")


def test_other_ledger(home: Home, tmp_path: Path) -> None:
    """Another environment's ledger under this name is refused."""
    other = Home(tmp_path / "other", "production")
    (tmp_path / "other").mkdir()
    create(other, KEYS, NOON)
    sent(other, "a")
    shutil.copy(other.path, home.path)
    assert_refused(home, "ZS622")


def test_fork(home: Home) -> None:
    """A copy that went its own way is refused, even when it is longer."""
    copy = home.root / "copy.db"
    shutil.copy(home.path, copy)
    sent(home, "a")
    pin = (home.root / FILE).read_bytes()
    shutil.copy(copy, home.path)
    (home.root / FILE).unlink()
    sent(home, "b")
    sent(home, "c")
    (home.root / FILE).write_bytes(pin)
    assert_refused(home, "ZS624")


def test_other_key(home: Home) -> None:
    """Another project key is refused: it would give old messages new ids."""
    assert_refused(home, "ZS629", Keys(b"another key of 32 bytes, made up"))


def test_what_is_refused_is_closed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is opened and then refused leaves no connection behind."""
    with all_closed(monkeypatch):
        assert_refused(home, "ZS629", Keys(b"another key of 32 bytes, made up"))


def test_what_cannot_be_made_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one whose making or pinning fails."""

    def fails(*_: object) -> None:
        raise OSError("no space")

    for name in ("Ledger", "write_pin"):
        with monkeypatch.context() as patched, all_closed(monkeypatch):
            patched.setattr(home_module, name, fails)
            with pytest.raises(OSError, match="no space"):
                create(Home(tmp_path / name, "production"), KEYS, NOON)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.write_bytes(b""), "ZS601"),
        (lambda path: path.write_bytes(b"phone,name\n"), "ZS628"),
        (lambda path: path.write_bytes(path.read_bytes()[:4096]), "ZS628"),
        (lambda path: path.write_bytes(b"\0" * 8192), "ZS628"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8176), "ZS628"),
        (lambda path: (path.unlink(), path.mkdir()), "ZS628"),
    ],
    ids=["empty", "text", "cut", "zeros", "rubbish", "folder"],
)
def test_not_a_ledger(home: Home, spoil: Callable[[Path], object], code: str) -> None:
    """What is there in its place and is no ledger is refused, not overwritten."""
    spoil(home.path)
    assert_refused(home, code)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE more (a)",
        "DROP INDEX one_open_attempt",
        "CREATE TRIGGER t AFTER INSERT ON attempt BEGIN DELETE FROM attempt; END",
        "CREATE VIEW v AS SELECT * FROM attempt",
        "ALTER TABLE attempt ADD COLUMN phone TEXT",
        "UPDATE alembic_version SET version_num = '9999'; CREATE TABLE newer (a)",
        "DROP TABLE alembic_version",
    ],
)
def test_other_schema(home: Home, sql: str) -> None:
    """A schema that is not exactly this version's is refused: it may be newer, or made to mislead."""
    with closing(sqlite3.connect(home.path)) as connection:
        connection.executescript(sql)
    assert_refused(home, "ZS601" if sql.startswith("DROP TABLE") else "ZS602")


def test_link(home: Home, tmp_path: Path) -> None:
    """A symbolic link in place of the ledger is refused."""
    elsewhere = tmp_path / "elsewhere.db"
    home.path.rename(elsewhere)
    home.path.symlink_to(elsewhere)
    assert_refused(home, "ZS627")


def test_one_writer(home: Home) -> None:
    """A second writer is refused at once, or after the time it was given; readers are not."""
    with open_ledger(home, KEYS):
        for timeout in (0.0, 0.05):
            with pytest.raises(LedgerError) as caught, open_ledger(home, KEYS, lock_timeout=timeout):
                raise AssertionError("two writers")
            assert (caught.value.code, caught.value.exit_code) == ("ZS626", ExitCode.LEDGER)
        open_reader(home, KEYS).close()
        with open_ledger(home, KEYS, exclusive=False) as beside, beside.change(Kind.NOTE, NOON) as change:
            change.note("pause:order-shipped", "{}")
    with open_ledger(home, KEYS) as ledger:
        assert "pause:order-shipped" in ledger.notes()


def test_lock_is_given_back(home: Home) -> None:
    """A writer that fails gives the lock back."""
    with pytest.raises(RuntimeError), open_ledger(home, KEYS):
        raise RuntimeError
    sent(home, "a")


def test_pinned_after_writing(home: Home) -> None:
    """When a writer ends, by whatever way, the pin is where the ledger is."""
    sent(home, "a")
    pin = read_pin(home.root / FILE, "production")

    def write() -> None:
        with open_ledger(home, KEYS) as ledger:
            with ledger.change(Kind.NOTE, NOON) as change:
                change.note("a", "b")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    later = read_pin(home.root / FILE, "production")
    assert pin is not None
    assert later is not None
    assert later.seq == pin.seq + 1


def test_paths(tmp_path: Path) -> None:
    """A ledger lies where its URL says, from the project's folder; other databases are told apart."""
    assert Home(tmp_path, "a").path == tmp_path / ".zalosync" / "a.db"
    assert Home(tmp_path, "a", "sqlite:///ledgers/b.db").path == tmp_path / "ledgers" / "b.db"
    assert Home(tmp_path, "a", "sqlite:////var/b.db").path == Path("/var/b.db")
    assert Home(tmp_path, "a", "sqlite:////var/b.db").place == "/var/b.db"
    assert Home(tmp_path, "a").place == ".zalosync/a.db"
    with pytest.raises(UsageError):
        _ = Home(tmp_path, "a", "mysql://host/name").path


def test_odd_names(tmp_path: Path) -> None:
    """Folders with characters that mean something in a URI are folders like any other."""
    home = Home(tmp_path / "50% off? #1 & more", "tết")
    home.root.mkdir()
    create(home, KEYS, NOON)
    sent(home, "a")
    open_reader(home, KEYS).close()


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A ledger copied in the middle of a commit, with the journal that has to be rolled back."""
    book = file_book(tmp_path / "first.db")
    book.claim(range(200))
    cursor = book.ledger._driver.cursor()
    cursor.execute("PRAGMA cache_size = 1")
    copy = tmp_path / ".zalosync" / "production.db"
    copy.parent.mkdir(mode=0o700)
    with book.ledger.change(Kind.NOTE, book.tick()) as change:
        change.note("half", "way")
        cursor.execute("UPDATE attempt SET state = 4")  # more pages than the cache holds: they spill
        for end in ("", "-journal"):
            shutil.copy(tmp_path / f"first.db{end}", f"{copy}{end}")
        cursor.execute("UPDATE attempt SET state = 1")
    book.ledger.close()
    return tmp_path


def assert_as_before(ledger: LedgerReader) -> None:
    """Nothing of the step that was cut off is there."""
    assert "half" not in ledger.notes()
    assert sum(len(chunk) for chunk in ledger.in_state(Status.INTENT)) == 200


def test_read_after_a_crash(crashed: Path) -> None:
    """A reader that comes first after a crash finds the ledger as it was before the step cut off."""
    reader = open_reader(Home(crashed, "production"), KEYS)
    assert_as_before(reader)
    reader.close()


def test_written_after_a_crash(crashed: Path) -> None:
    """So does a writer."""
    with open_ledger(Home(crashed, "production"), KEYS) as ledger:
        assert_as_before(ledger)


@pytest.mark.skipif(os.geteuid() == 0, reason="to root nothing is read-only")
def test_read_only_folder(home: Home) -> None:
    """On a read-only disk the ledger can be read; writing is refused in one line."""
    home.path.chmod(0o400)
    home.folder.chmod(0o500)
    try:
        open_reader(home, KEYS).close()
        with pytest.raises((LedgerError, PermissionError)):
            sent(home, "a")
    finally:
        home.folder.chmod(0o700)


def test_readers_cannot_write(home: Home) -> None:
    """The database itself refuses to write for one who came to read."""
    reader = open_reader(home, KEYS)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._driver.cursor().execute("DELETE FROM event")
    reader.close()


def test_durable(home: Home) -> None:
    """Every connection syncs data, journal and folder before a commit returns, on any version of SQLite."""
    with open_ledger(home, KEYS) as ledger:
        cursor = ledger._driver.cursor()
        found = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "mmap_size"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()
    full, extra = (2,), (3,)
    assert (found["journal_mode"], found["synchronous"]) in ((("wal",), full), (("truncate",), extra))
    assert (found["foreign_keys"], found["trusted_schema"]) == ((1,), (0,))
    assert found["mmap_size"] in ((0,), None)
