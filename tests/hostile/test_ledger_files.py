"""T27: a ledger file that somebody crafted is refused in one line, exit 7, and does nothing meanwhile."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.books import KEYS, NOON, claim_of, memory_book
from zalosync.errors import ExitCode, LedgerError
from zalosync.ledger import dialect
from zalosync.ledger.home import Home, create, open_ledger, open_reader
from zalosync.ledger.lineage import upgrade_file
from zalosync.ledger.pin import FILE
from zalosync.ledger.records import Kind
from zalosync.refresh.inbox import Inbox

pytestmark = pytest.mark.hostile
DAMAGED, FOREIGN, CHANGED = "ZS628", "ZS601", "ZS602"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A ledger with a few messages, which nothing outside vouches for."""
    made = Home(tmp_path, "production")
    create(made, KEYS, NOON)
    with open_ledger(made, KEYS) as ledger:
        with ledger.change(Kind.RUN, NOON) as change:
            run, campaign = change.start_run("run-1", "apply", {}), change.campaign("order-shipped")
        with ledger.change(Kind.CLAIM, NOON, run=run) as change:
            change.claim([claim_of(campaign, str(number)) for number in range(40)])
    (tmp_path / FILE).unlink()
    return made


def refusals(home: Home) -> set[tuple[str, str]]:
    """What reading, writing and upgrading a ledger say; none of them may go through."""
    found = set()

    def write() -> None:
        with open_ledger(home, KEYS, sound=True):
            raise AssertionError("it was opened")

    for use in (lambda: open_reader(home, KEYS), write, lambda: upgrade_file(home, KEYS, NOON, "lan")):
        with pytest.raises(LedgerError) as caught:
            use()
        assert caught.value.exit_code is ExitCode.LEDGER
        assert caught.value.fix
        assert len(str(caught.value).splitlines()) == 1
        assert str(caught.value).isprintable()
        found.add((caught.value.code, caught.value.message))
    return found


def crafted(home: Home, sql: str) -> None:
    """Change a ledger's file as somebody with the file may, its schema's own texts included."""
    with closing(sqlite3.connect(home.path)) as connection:
        connection.executescript(f"PRAGMA writable_schema = ON;{sql}")


SCHEMAS = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON attempt BEGIN DELETE FROM attempt; END",
    "trigger on events": "CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT RAISE(IGNORE); END",
    "view": "CREATE VIEW v AS SELECT * FROM attempt",
    "view in place of a table": "DROP TABLE note; CREATE VIEW note AS SELECT 'key' AS name, 'x' AS value",
    "virtual table": "CREATE VIRTUAL TABLE f USING fts5(a)",
    "statistics": "ANALYZE",
    "index over an expression": "CREATE INDEX i ON attempt (abs(state))",
    "unique no more": "DROP INDEX one_open_attempt; CREATE INDEX one_open_attempt ON attempt (message)",
    "another default": "ALTER TABLE attempt ADD COLUMN more INTEGER DEFAULT 1",
    "check that runs a function": "UPDATE sqlite_master SET"
    " sql = replace(sql, 'NOT NULL', 'NOT NULL CHECK (load_extension(value))') WHERE name = 'note'",
    "text of a table": "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'attempt'",
    "escape codes for a version": "CREATE TABLE x (a);"
    " UPDATE alembic_version SET version_num = char(27)||'[2J'",
    "a version of 10,000 letters": "CREATE TABLE x (a);"
    " UPDATE alembic_version SET version_num = printf('%10000d', 1)",
}


@pytest.mark.parametrize("sql", SCHEMAS.values(), ids=SCHEMAS)
def test_unknown_schemas(home: Home, sql: str) -> None:
    """Anything in the schema that is not this version's own is refused before it can act."""
    crafted(home, sql)
    (refusal,) = refusals(home)
    assert refusal[0] in (CHANGED, FOREIGN, DAMAGED)
    assert "\x1b" not in refusal[1]
    assert len(refusal[1]) < 300


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (os.mkfifo, DAMAGED),
        (lambda path: path.mkdir(), DAMAGED),
        (lambda path: path.symlink_to("/dev/zero"), "ZS627"),
        (lambda path: path.symlink_to("nowhere"), "ZS627"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8176), DAMAGED),
        (lambda path: path.write_bytes(b"x" * 100_000), DAMAGED),
    ],
    ids=["pipe", "folder", "device", "dangling", "rubbish", "text"],
)
def test_no_database(home: Home, make: Callable[[Path], object], code: str) -> None:
    """What is no database is refused at once: nobody waits for the other end of a pipe."""
    home.path.unlink()
    make(home.path)
    ((found, _),) = refusals(home)
    assert found == code


def test_a_foreign_database_is_left_alone(home: Home) -> None:
    """Another program's database is not written to, not even its way of journalling."""
    home.path.unlink()
    with closing(sqlite3.connect(home.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE theirs (a)")
        connection.execute("INSERT INTO theirs VALUES (1)")
        connection.commit()
    before = home.path.read_bytes()
    ((code, _),) = refusals(home)
    assert code == FOREIGN
    assert home.path.read_bytes() == before


def test_pages_that_do_not_fit(home: Home) -> None:
    """Two tables on the same pages: the schema reads as it should, and nothing is sent by such a file."""
    crafted(
        home,
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'campaign')"
        " WHERE name = 'tally'",
    )
    with pytest.raises(LedgerError) as caught, open_ledger(home, KEYS, sound=True):
        raise AssertionError("it was opened")
    assert (caught.value.code, caught.value.exit_code) == (DAMAGED, ExitCode.LEDGER)


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "SELECT load_extension('x')",
        "CREATE TEMP TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM note; END",
        "CREATE TEMP VIEW v AS SELECT * FROM note",
        "CREATE VIRTUAL TABLE temp.f USING fts5(a)",
        "PRAGMA writable_schema = ON",
        f"SELECT {'(' * 200}1{')' * 200}",
        f"SELECT {' UNION SELECT '.join('1' * 20)}",
        f"SELECT '{'x' * 100_000}'",
    ],
)
def test_what_a_connection_cannot_do(sql: str) -> None:
    """Other files, extensions, triggers, views and monstrous statements are out of reach."""
    book = memory_book()
    with pytest.raises(sqlite3.Error):
        book.ledger._driver.cursor().execute(sql)
    book.ledger.close()


def test_a_trigger_that_is_there_does_not_act(tmp_path: Path) -> None:
    """Whatever way a trigger or a view got into a file, statements that would run it are refused."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE a (b); CREATE VIEW v AS SELECT b FROM a;"
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = 9; END"
        )
    with closing(sqlite3.connect(path)) as connection:
        dialect.harden(connection)
        for sql in ("INSERT INTO a VALUES (1)", "SELECT * FROM v"):
            with pytest.raises(sqlite3.DatabaseError, match=r"prohibited|authorized"):
                connection.execute(sql)


def test_the_inbox_too(tmp_path: Path) -> None:
    """The file in which reports wait lets a trigger of somebody else do nothing either."""
    path = tmp_path / "inbox.db"
    with Inbox(path) as inbox:
        inbox.broke_off = False
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TRIGGER t AFTER INSERT ON counted BEGIN DELETE FROM waiting; END")
    with Inbox(path) as inbox, pytest.raises(LedgerError) as caught:
        inbox.broke_off = True
    assert caught.value.exit_code is ExitCode.LEDGER


class Newer:
    """A connection of Python 3.12, which has switches; one of them its library does not know."""

    def __init__(self) -> None:
        self.turned: dict[int, bool] = {}
        self.inner = sqlite3.connect(":memory:")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def setconfig(self, switch: int, on: bool) -> None:  # noqa: FBT001 - as Python's own
        """Turn a switch."""
        if switch == len(dialect.CONFIG):
            raise sqlite3.OperationalError("unknown config option")
        self.turned[switch] = on


def test_switches_of_newer_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python lets us, the database defends itself: nothing of its schema can be written or trusted."""
    for number, name in enumerate(dialect.CONFIG, 1):
        monkeypatch.setattr(sqlite3, f"SQLITE_DBCONFIG_{name}", number, raising=False)
    connection = Newer()
    dialect.harden(connection)  # type: ignore[arg-type]
    connection.inner.close()
    assert connection.turned == {
        number: on for number, on in enumerate(dialect.CONFIG.values(), 1) if number < len(dialect.CONFIG)
    }
    assert connection.turned[1]


def test_the_file_stays_the_owners(home: Home) -> None:
    """Refusing changes no mode, and leaves no file beside."""
    crafted(home, SCHEMAS["trigger"])
    before = sorted(path.name for path in home.folder.iterdir() if not path.name.endswith(".lock"))
    refusals(home)
    after = sorted(path.name for path in home.folder.iterdir() if not path.name.endswith(".lock"))
    assert (before, stat.S_IMODE(home.path.stat().st_mode)) == (after, 0o600)
