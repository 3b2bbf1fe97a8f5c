"""Evidence kept durable before it is used: a pulled report is handed out once and must survive a crash.

A file of its own beside the ledger, so that a flood of reports cannot hold the ledger's lock. Rows hold
ids, codes, times and keyed digests; a phone is a pseudonym before it gets here, and is not kept. What is put
aside (another system's reports, forged ones) leaves its digest and a count, and nothing else.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

from zalosync.clock import milliseconds
from zalosync.errors import LedgerError
from zalosync.ledger.chain import EVIDENCE_BYTES
from zalosync.ledger.dialect import harden
from zalosync.provider import NO_GROUP, Channel, Report
from zalosync.refresh.merge import Evidence, stronger, what_of
from zalosync.refresh.sift import Aside, Sifted

LIMIT = 1_000_000  # reports that may wait; some 100 MB
REMEMBERED = 65_536  # digests of the newest reports, by which one that comes again is known
KEPT_ASIDE = 10_000  # digests of what was put aside; older ones are forgotten, the counts are not
_PAGES_AT_A_TIME = 4096  # given back to the file system, of 4 kB each
_ROWS_AT_ONCE = 100
_VERSION = 1
_BUSY_SECONDS = 30.0  # for another process to let go of the file
_FIELDS = "message_id, sms, status_group, status_id, error_id, done_at, price, currency"
_SCHEMA = """
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL, message_id BLOB NOT NULL, sms INTEGER NOT NULL,
    status_group INTEGER NOT NULL, status_id INTEGER NOT NULL, error_id INTEGER NOT NULL,
    done_at INTEGER NOT NULL, price INTEGER NOT NULL, currency TEXT
);
CREATE TABLE aside (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, why INTEGER NOT NULL, message_id BLOB,
    at INTEGER NOT NULL
);
CREATE TABLE counted (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Some of the reports that are stored and not merged, oldest first.

    Attributes:
        last: the number of the newest of them.
        count: how many.
        evidence: what they say.
    """

    last: int
    count: int
    evidence: Evidence


class Inbox:
    """Reports that are stored and not yet merged. A context manager; for one thread.

    Args:
        path: of its file, made where there is none.
        busy: seconds to wait, once it is open, for another process to let go of the file.
    """

    def __init__(self, path: Path, *, busy: float = _BUSY_SECONDS) -> None:
        self._path = path
        self._newest: dict[bytes, None] = {}  # digests, in order of their coming
        try:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise self._failure(error) from error
        try:
            self._prepare(busy)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, sifted: Sifted, at: int) -> int:
        """Store reports; when this returns they are on the disk. Gives how many were new.

        Args:
            sifted: those to be used, and those put aside.
            at: Unix seconds.
        """
        return self.add_all([sifted], at)

    def add_all(self, several: Sequence[Sifted], at: int) -> int:
        """The same for many at once, in one transaction.

        A report that comes again soon is stored once. One that comes again later is merged again, which
        changes nothing; an index of all that wait would cost more than the reports themselves.
        """
        newest = self._newest
        reports = {each[1].digest: each for sifted in several for each in sifted.ours}
        rows = [_row(*each) for digest, each in reports.items() if digest not in newest]
        aside = [(report.digest, int(why), None, at) for each in several for why, report in each.aside]
        if not rows and not aside:
            return 0
        with self._failures():
            self._run("BEGIN IMMEDIATE")
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                part = rows[start : start + _ROWS_AT_ONCE]
                self._run(_insert(len(part)), *chain.from_iterable(part))
            self._put_aside(aside)
            self._run("COMMIT")
        newest.update(dict.fromkeys(reports))
        for digest in list(islice(newest, max(0, len(newest) - REMEMBERED))):
            del newest[digest]
        return len(rows)

    def waiting(self, chunk: int) -> Waiting | None:
        """The oldest reports that are not merged yet, or None where there are none."""
        with self._failures():
            sql = f"SELECT id, substr(digest, 1, ?), {_FIELDS} FROM waiting WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own names
            return _gathered(self._run(sql, EVIDENCE_BYTES, self._merged, chunk))

    def done(self, waiting: Waiting, rogue: Sequence[bytes], at: int) -> None:
        """Forget reports whose effect is in the ledger; keep the ids that it does not know.

        While others wait behind them they are marked, and go away with the last of them: whole pages at a
        time, not row by row.
        """
        with self._failures():
            self._run("BEGIN IMMEDIATE")
            if rogue:
                # One digest each is enough: it is the id that somebody will look for.
                self._put_aside([(message_id, int(Aside.ROGUE), message_id, at) for message_id in rogue])
            if self._value("SELECT max(id) FROM waiting") == waiting.last:
                self._run("DELETE FROM waiting")
                self._run("DELETE FROM counted WHERE name = 'merged'")
            else:
                self._run(
                    "INSERT INTO counted VALUES ('merged', ?)"
                    " ON CONFLICT (name) DO UPDATE SET count = excluded.count",
                    waiting.last,
                )
            self._run("COMMIT")

    def shrink(self) -> None:
        """Give room that is no longer needed back to the file system."""
        with self._failures():
            while free := self._value("PRAGMA freelist_count"):
                self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_A_TIME})")
                if self._value("PRAGMA freelist_count") >= free:
                    return

    @property
    def size(self) -> int:
        """How many reports wait, at most: cheap, and exact where they came without gaps."""
        with self._failures():
            first, last = self._run("SELECT min(id), max(id) FROM waiting").fetchone()
            return 0 if first is None else int(last - max(first - 1, self._merged))

    def aside(self) -> dict[Aside, int]:
        """How many reports were put aside since the inbox was made, by why."""
        with self._failures():
            rows = self._run("SELECT name, count FROM counted").fetchall()
        counts = dict(rows)
        return {why: counts[why.word] for why in Aside if counts.get(why.word)}

    @property
    def broke_off(self) -> bool:
        """Whether a pull did not come to its end: a page may have been handed out and never have arrived."""
        with self._failures():
            return bool(self._run("SELECT 1 FROM counted WHERE name = 'pulling'").fetchone())

    @broke_off.setter
    def broke_off(self, perhaps: bool) -> None:
        with self._failures():
            if perhaps:
                self._run("INSERT INTO counted VALUES ('pulling', 1) ON CONFLICT DO NOTHING")
            else:
                self._run("DELETE FROM counted WHERE name = 'pulling'")

    @property
    def _merged(self) -> int:
        """The number of the last report whose effect is in the ledger, of those that lie here still."""
        found = self._run("SELECT count FROM counted WHERE name = 'merged'").fetchone()
        return 0 if found is None else int(found[0])

    def _put_aside(self, rows: Sequence[tuple[bytes, int, bytes | None, int]]) -> None:
        if not rows:
            return
        self._connection.executemany(
            "INSERT INTO aside (digest, why, message_id, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
        )
        newest = self._value("SELECT coalesce(max(id), 0) FROM aside")
        self._run("DELETE FROM aside WHERE id <= ?", newest - KEPT_ASIDE)
        for why, count in Counter(row[1] for row in rows).items():
            self._run(
                "INSERT INTO counted VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
                Aside(why).word,
                count,
            )

    def _prepare(self, busy: float) -> None:
        with self._failures():
            # Cut rather than deleted: that saves a sync of the folder, and leaves no rows behind.
            self._run("PRAGMA journal_mode = TRUNCATE")
            harden(self._connection)
            self._run("PRAGMA synchronous = EXTRA")
            self._run("PRAGMA secure_delete = ON")
            if self._value("PRAGMA user_version") != _VERSION:
                self._make()
            self._run(f"PRAGMA busy_timeout = {int(1000 * busy)}")

    def _make(self) -> None:
        # Must be said before the first table: the file can give room back a piece at a time.
        self._run("PRAGMA auto_vacuum = INCREMENTAL")
        self._run("BEGIN IMMEDIATE")
        if self._value("PRAGMA user_version") != _VERSION:
            for sql in filter(str.strip, _SCHEMA.split(";")):
                self._run(sql)
            self._run(f"PRAGMA user_version = {_VERSION}")
        self._run("COMMIT")

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def _value(self, sql: str) -> Any:
        return self._run(sql).fetchone()[0]

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._run("ROLLBACK")
            raise self._failure(error) from error

    def _failure(self, error: OSError | sqlite3.Error) -> LedgerError:
        reason = error.strerror if isinstance(error, OSError) else error
        return LedgerError(
            f"{self._path.name}: {reason}; no report was used that is not stored",
            fix="mend it (space, permissions) and run the command again",
            code="ZS660",
        )


@cache
def _insert(rows: int) -> str:
    """One statement for so many: between two statements another thread takes its turn."""
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO waiting (digest, {_FIELDS}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names


def _gathered(rows: Iterable[tuple[Any, ...]]) -> Waiting | None:
    """What rows of the inbox say, in order of their numbers; None where there are none."""
    found = Evidence()
    channels, last, count = (found.zalo, found.sms), 0, 0
    for last, digest, message_id, sms, group, status_id, error_id, done_at, price, currency in rows:  # noqa: B007 - the last is wanted
        count += 1
        rank, what = what_of(group, status_id, error_id, price)
        told = (rank, done_at, what, digest)
        channel = channels[sms]
        before = channel.get(message_id)
        channel[message_id] = told if before is None else stronger(before, told)
        found.currencies.add(currency)
    found.currencies.discard(None)
    return Waiting(last, count, found) if count else None


def _row(message_id: bytes, report: Report) -> tuple[Any, ...]:
    status = report.status
    return (
        report.digest,
        message_id,
        int(report.channel is Channel.SMS),
        NO_GROUP if status is None else status.group_id,
        0 if status is None else status.id,
        report.error_id,
        0 if report.done_at is None else milliseconds(report.done_at),
        -1 if report.price is None else report.price,
        report.currency,
    )
