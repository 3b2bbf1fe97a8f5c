"""Evidence kept durable before it is used: a pulled report is handed out once and must survive a crash.

A file of its own beside the ledger, so that a flood of reports cannot hold the ledger's lock. Rows hold
ids, codes, times and keyed digests; a phone is a pseudonym before it gets here.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import orjson

from zalosync.clock import milliseconds, moment
from zalosync.errors import LedgerError
from zalosync.provider import Channel, ProviderStatus, Report

_SCHEMA = """
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, source TEXT NOT NULL, body BLOB NOT NULL
)
"""


class Inbox:
    """Reports that are stored and not yet merged. A context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        with self._failures():
            self._connection.execute("PRAGMA synchronous = EXTRA")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, reports: Iterable[Report], source: str) -> None:
        """Store reports; when this returns they are on the disk. The same report twice is stored once."""
        rows = [(report.digest, source, _body(report)) for report in reports]
        with self._failures():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO report (digest, source, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
            )
            self._connection.execute("COMMIT")

    def waiting(self, chunk: int) -> list[tuple[int, Report]]:
        """The oldest reports that are not merged yet, with their numbers."""
        with self._failures():
            rows = self._connection.execute("SELECT id, body FROM report ORDER BY id LIMIT ?", (chunk,))
            return [(number, _report(body)) for number, body in rows]

    def done(self, numbers: Sequence[int]) -> None:
        """Forget reports whose effect is in the ledger."""
        with self._failures():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("DELETE FROM report WHERE id = ?", [(number,) for number in numbers])
            self._connection.execute("COMMIT")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise LedgerError(
                f"{self._path.name}: {error}; no report was used that is not stored",
                fix="mend it (space, permissions) and run the command again",
                code="ZS660",
            ) from error


def _body(report: Report) -> bytes:
    status = report.status
    return orjson.dumps(
        {
            "id": report.message_id,
            "channel": report.channel,
            "status": None if status is None else [status.group_id, status.group, status.id, status.name],
            "error": report.error_id,
            "sent": None if report.sent_at is None else milliseconds(report.sent_at),
            "done": None if report.done_at is None else milliseconds(report.done_at),
            "price": report.price,
            "currency": report.currency,
            "recipient": None if report.recipient is None else report.recipient.hex(),
            "digest": report.digest.hex(),
            "proof": report.proof,
        }
    )


def _report(body: bytes) -> Report:
    fields = orjson.loads(body)
    return Report(
        message_id=fields["id"],
        channel=Channel(fields["channel"]),
        status=None if fields["status"] is None else ProviderStatus(*fields["status"]),
        error_id=fields["error"],
        sent_at=None if fields["sent"] is None else moment(fields["sent"]),
        done_at=None if fields["done"] is None else moment(fields["done"]),
        price=fields["price"],
        currency=fields["currency"],
        recipient=None if fields["recipient"] is None else bytes.fromhex(fields["recipient"]),
        digest=bytes.fromhex(fields["digest"]),
        proof=fields["proof"],
    )
