"""What differs between databases: opening, locking for writing, placeholders. Nothing else."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

# Older SQLite libraries can corrupt a database in WAL mode (fixed in 3.51.3).
WAL_SAFE = (3, 51, 3)
BUSY_MILLISECONDS = 30_000
CACHE_KILOBYTES = 65_536  # reports come in any order: what they touch must not be written out in between
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database: its name, its placeholder, how a writing transaction begins, how it fails."""

    name: str
    placeholder: str
    begin_write: str
    error: type[Exception]  # what the driver raises
    integrity: str  # a query whose only row is `ok`, or rows that say what is damaged


SQLITE = Dialect("sqlite", "?", "BEGIN IMMEDIATE", sqlite3.Error, "PRAGMA integrity_check(20)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement in the driver's spelling, and the order of its parameters."""

    sql: str
    names: tuple[str, ...]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters in the driver's order."""
        return tuple(map(given.__getitem__, self.names))


@cache
def statement(dialect: Dialect, name: str, keys: int = 0) -> Statement:
    """A named statement of `sql/`; `keys` placeholders take the place of `:keys`."""
    sql = _sources()[name]
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


def sqlite_engine(path: Path | None, *, read_only: bool = False) -> sa.Engine:
    """Open a SQLite file (None: in memory). Durable: a commit has reached the disk when it returns.

    A reader opens the file for writing too, where it may, and is then kept from it: after a crash the first
    one that comes has to roll the journal back, be it a reader.
    """
    if path is None:
        engine = sa.create_engine(
            "sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(
                f"file:{quoted}?mode=rw",
                uri=True,
                check_same_thread=False,
                timeout=BUSY_MILLISECONDS / 1000,
            )

        engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.StaticPool)
    event.listen(engine, "connect", _prepare)
    if read_only:
        event.listen(engine, "connect", _only_queries)
    return engine


def library() -> str:
    """The linked SQLite, and the journal that its version allows; for people."""
    wal = sqlite3.sqlite_version_info >= WAL_SAFE
    return f"SQLite {sqlite3.sqlite_version} ({'write-ahead log' if wal else 'rollback journal'})"


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, never by the driver's guess
    wal = sqlite3.sqlite_version_info >= WAL_SAFE
    for pragma in (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "mmap_size = 0",
        "secure_delete = ON",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
        f"cache_size = -{CACHE_KILOBYTES}",
        # A rollback journal that is cut rather than deleted saves a directory sync and leaves no rows behind.
        "journal_mode = WAL" if wal else "journal_mode = TRUNCATE",
        "synchronous = FULL" if wal else "synchronous = EXTRA",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _only_queries(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON")
