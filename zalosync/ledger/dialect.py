"""What differs between databases: opening, locking for writing, placeholders. Nothing else."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

# Older SQLite libraries can corrupt a database in WAL mode (fixed in 3.51.3).
WAL_SAFE = (3, 51, 3)
BUSY_MILLISECONDS = 30_000
CACHE_KILOBYTES = 65_536  # reports come in any order: what they touch must not be written out in between
# What no statement of ours comes near, and a crafted file would like to go beyond.
LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: 2**28,  # of a value: what is told of 100,000 messages at once has some 20 MB
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 20,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 2000,  # a request has 1,000 messages at most
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
# Switches of the database itself, which Python can turn from 3.12 on.
CONFIG = {
    "DEFENSIVE": True,
    "TRUSTED_SCHEMA": False,
    "ENABLE_TRIGGER": False,
    "ENABLE_VIEW": False,
    "ENABLE_LOAD_EXTENSION": False,
    "WRITABLE_SCHEMA": False,
}
_FORBIDDEN = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_VTABLE,
    }
)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database: its name, its placeholder, how a writing transaction begins, how it fails."""

    name: str
    placeholder: str
    begin_write: str
    error: type[Exception]  # what the driver raises
    integrity: str  # a query whose only row is `ok`, or rows that say what is damaged
    soundness: str  # the same, much sooner: without holding indexes against their tables


SQLITE = Dialect(
    "sqlite",
    "?",
    "BEGIN IMMEDIATE",
    sqlite3.Error,
    "PRAGMA integrity_check(20)",
    "PRAGMA quick_check(1)",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement in the driver's spelling, and the order of its parameters."""

    sql: str
    names: tuple[str, ...]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters in the driver's order."""
        return tuple(map(given.__getitem__, self.names))


@cache
def statement(dialect: Dialect, name: str, keys: int = 0, state: int | None = None) -> Statement:
    """A named statement of `sql/`; `keys` placeholders take the place of `:keys`.

    A `state` takes the place of `:state`: where an index is of some states only, SQLite plans a statement
    whose parameter is the state anew each time, which takes ten times as long as the statement does.
    """
    sql = _sources()[name]
    if state is not None:
        sql = sql.replace(":state", str(state))
    if keys:
        sql = sql.replace(":keys", ", ".join([dialect.placeholder] * keys))
    names = tuple(_PARAMETER.findall(sql))
    return Statement(_PARAMETER.sub(dialect.placeholder, sql), names)


@cache
def _sources() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(
        resources.files("zalosync.ledger").joinpath("sql").iterdir(), key=lambda path: path.name
    ):
        for block in file.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, sql = block.split("\n", 1)
            found[name.strip()] = sql.strip()
    return found


class Database:
    """One database, opened when it is first asked for; all ledgers on it share its connection.

    Args:
        connect: opens it, with the driver.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._connection: Any = None

    @property
    def connection(self) -> Any:
        """The driver's own connection: statements go to it directly."""
        self.open()
        return self._connection

    def open(self) -> None:
        """Open it now, to hear at once what is wrong with it."""
        if self._connection is None:
            self._connection = self._connect()

    def close(self) -> None:
        """Give the connection back; one in memory is gone with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def sqlite_database(
    path: Path | None,
    *,
    read_only: bool = False,
    check: Callable[[sqlite3.Connection], None] | None = None,
) -> Database:
    """A SQLite file (None: in memory). Durable: a commit has reached the disk when it returns.

    A reader opens the file for writing too, where it may, and is then kept from it: after a crash the first
    one that comes has to roll the journal back, be it a reader.

    Args:
        path: of the file, which exists.
        read_only: whether it is kept from writing.
        check: raises where the file is none of ours, before anything is asked of it that could change it.
    """

    def connect() -> sqlite3.Connection:
        connection = _connected(path)
        try:
            harden(connection)
            if check is not None:
                check(connection)
            _prepare(connection)
            if read_only:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    return Database(connect)


def _connected(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return sqlite3.connect(":memory:", check_same_thread=False)
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(
        f"file:{quoted}?mode=rw", uri=True, check_same_thread=False, timeout=BUSY_MILLISECONDS / 1000
    )


def library() -> str:
    """The linked SQLite, and the journal that its version allows; for people."""
    wal = sqlite3.sqlite_version_info >= WAL_SAFE
    return f"SQLite {sqlite3.sqlite_version} ({'write-ahead log' if wal else 'rollback journal'})"


def harden(connection: sqlite3.Connection) -> None:
    """Keep what is in a file from doing anything but being read: no trigger, view, extension, other file."""
    for limit, most in LIMITS.items():
        connection.setlimit(limit, most)
    turn: Callable[[int, bool], None] | None = getattr(connection, "setconfig", None)
    if turn is not None:
        for name, on in CONFIG.items():
            with suppress(sqlite3.OperationalError):  # a library older than the switch has nothing to turn
                turn(getattr(sqlite3, f"SQLITE_DBCONFIG_{name}"), on)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_authorizer(authorize)


def authorize(
    action: int, first: str | None, second: str | None, _database: str | None, inner: str | None
) -> int:
    """Asked about each part of a statement as it is prepared; `inner` is the trigger or view it is in.

    An exception in here is lost, and taken for a refusal: signals wait until it is over (`cli.signals`).
    """
    extension = action == sqlite3.SQLITE_FUNCTION and second == "load_extension"
    schema = action == sqlite3.SQLITE_PRAGMA and first == "writable_schema"
    if action in _FORBIDDEN or extension or schema or inner is not None:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _prepare(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # transactions are begun by us, never by the driver's guess
    wal = sqlite3.sqlite_version_info >= WAL_SAFE
    for pragma in (
        "secure_delete = ON",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
        f"cache_size = -{CACHE_KILOBYTES}",
        # A rollback journal that is cut rather than deleted saves a directory sync and leaves no rows behind.
        "journal_mode = WAL" if wal else "journal_mode = TRUNCATE",
        "synchronous = FULL" if wal else "synchronous = EXTRA",
    ):
        connection.execute(f"PRAGMA {pragma}")
