"""The sandbox's memory: one SQLite file, or `:memory:`. Every change of one request is one transaction.

A commit is in the operating system's hands before the answer leaves, so what was answered survives the death
of the process. It need not survive the death of the machine, hence `synchronous=OFF`.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

FILE: Final = "sandbox.db"

# messages: what a request brought, also what was refused (accepted = 0). due: when it must be looked at next.
# outcomes: what logs and reports show; one for each message and channel, one for each intermediate report.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, bulk_id TEXT NOT NULL, sender TEXT NOT NULL,
  recipient TEXT NOT NULL, template INTEGER, accepted INTEGER NOT NULL, taken_before INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL, leaves_at INTEGER, expires_at INTEGER NOT NULL, due INTEGER,
  options BLOB, content BLOB);
CREATE INDEX IF NOT EXISTS messages_by_id ON messages (message_id);
CREATE INDEX IF NOT EXISTS messages_due ON messages (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS outcomes (
  id INTEGER PRIMARY KEY, message INTEGER NOT NULL, channel INTEGER NOT NULL, final INTEGER NOT NULL,
  status_group INTEGER NOT NULL, status INTEGER NOT NULL, error INTEGER NOT NULL,
  sent_at INTEGER NOT NULL, done_at INTEGER NOT NULL, report_due INTEGER, pushed INTEGER,
  price INTEGER NOT NULL, count INTEGER NOT NULL,
  got INTEGER NOT NULL, reported INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outcomes_of ON outcomes (message);
CREATE INDEX IF NOT EXISTS outcomes_unread ON outcomes (report_due) WHERE report_due IS NOT NULL;
CREATE INDEX IF NOT EXISTS outcomes_to_push ON outcomes (done_at) WHERE pushed = 0;
CREATE TABLE IF NOT EXISTS handed_out (
  outcome INTEGER, reader TEXT, PRIMARY KEY (outcome, reader)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (
  scope TEXT, period INTEGER, n INTEGER NOT NULL, PRIMARY KEY (scope, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checks (
  message INTEGER PRIMARY KEY, state INTEGER NOT NULL, mgf1 TEXT, plain BLOB);
CREATE INDEX IF NOT EXISTS checks_waiting ON checks (message) WHERE state = 0;
CREATE TABLE IF NOT EXISTS keys (sender TEXT PRIMARY KEY, pem BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS templates (
  id INTEGER PRIMARY KEY, sender TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
  reason TEXT NOT NULL, tag TEXT NOT NULL, created_at INTEGER NOT NULL, review_at INTEGER,
  body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS media (
  id TEXT PRIMARY KEY, sender TEXT NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS late (
  id INTEGER PRIMARY KEY, due INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pushes (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, content_type TEXT NOT NULL, outcomes BLOB NOT NULL,
  attempts INTEGER NOT NULL, next_at INTEGER);
CREATE INDEX IF NOT EXISTS pushes_next ON pushes (next_at) WHERE next_at IS NOT NULL;
"""


def connect(state_dir: Path) -> sqlite3.Connection:
    """A connection to the state file of a folder, made if it is not there; for one thread at a time."""
    state_dir.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(state_dir / FILE, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-65536")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    return connection


class Store:
    """Verbs over one connection. `write()` brackets a transaction and stores the counters changed in it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        self.connection = connection
        connection.executescript(SCHEMA)
        self._counters: dict[str, int] = dict(connection.execute("SELECT name, n FROM counters"))
        self._changed: set[str] = set()
        self._depth = 0
        self.next_seq = 1 + self.value("SELECT coalesce(max(seq), 0) FROM messages")

    @contextmanager
    def write(self) -> Iterator[None]:
        """One transaction; nested use joins the outer one; an exception undoes all, counters included."""
        if self._depth:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        before = dict(self._counters)
        seq = self.next_seq
        try:
            yield
            if self._changed:
                self.connection.executemany(
                    "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = excluded.n",
                    [(name, self._counters[name]) for name in self._changed],
                )
            self.connection.execute("COMMIT")
        except BaseException:
            self._counters = before
            self.next_seq = seq
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        finally:
            self._changed.clear()
            self._depth = 0

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        return self.connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """First column of the first row, or None."""
        row = self.connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """One statement; how many rows it changed."""
        return self.connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """One statement for many rows."""
        if parameters:
            self.connection.executemany(sql, parameters)

    def count(self, name: str, more: int = 1) -> int:
        """Adds to a counter inside a transaction; its new value."""
        total = self._counters.get(name, 0) + more
        self._counters[name] = total
        self._changed.add(name)
        return total

    def counter(self, name: str) -> int:
        """A counter's value."""
        return self._counters.get(name, 0)

    def get_meta(self, name: str, default: Any = None) -> Any:
        """A small value by name."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def set_meta(self, name: str, value: Any) -> None:
        """Keeps a small value by name."""
        self.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
