"""A ledger that may be written. One change is one transaction, with its event of the chain inside it.

Every update is guarded by the state it expects; a changed row count other than expected rolls everything
back and raises, so that a bug or a second writer cannot send twice.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from zalosync.errors import CommitUnclear, LedgerError
from zalosync.ledger.change import Change
from zalosync.ledger.dialect import Database, Dialect
from zalosync.ledger.read import LedgerReader, reason_of
from zalosync.ledger.records import Kind

__all__ = ["Change", "Ledger"]


class Ledger(LedgerReader):
    """A ledger that this process may write; it holds the lock as long as this object lives.

    Args:
        database: of the present schema.
        dialect: which one.
        place: its name for people.
        entropy: gives n unguessable bytes, for salts.
    """

    def __init__(
        self, database: Database, dialect: Dialect, place: str, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        super().__init__(database, dialect, place)
        self._entropy = entropy

    @contextmanager
    def change(self, kind: Kind, now: datetime, *, run: int | None = None) -> Iterator["Change"]:
        """One transaction and its event; what is asked of the `Change` is all done or not at all.

        Raises:
            LedgerError: the database is busy, full, read-only or gone; nothing of the change is stored,
                except where the error says that the commit itself was unclear.
        """
        cursor = self._driver.cursor()
        change: Change | None = None
        try:
            cursor.execute(self._dialect.begin_write)
            try:
                change = Change(cursor, self._dialect, kind, now, run, self._entropy)
                yield change
                change.seal()
                self._commit(cursor)
            except BaseException:
                self._roll_back(cursor)
                raise
        except self._dialect.error as error:
            raise self._failure(error, change) from error
        finally:
            cursor.close()

    def _commit(self, cursor: Any) -> None:
        cursor.execute("COMMIT")

    def _failure(self, error: Exception, change: Change | None) -> LedgerError:
        """What a failed change left: a commit may fail after all of it was written (O20)."""
        stored: bool | None = False
        if change is not None and change.sealed is not None:
            seq, linked = change.sealed
            try:
                stored = self.hash_at(seq) == linked
            except LedgerError:
                stored = None
        if stored is False:
            return LedgerError(
                f"{self.place}: {reason_of(error)}; nothing of this step was stored",
                fix="mend it (space, permissions, another process) and run the command again",
                code="ZS603",
            )
        words = "this step was stored all the same" if stored else "whether this step was stored is unclear"
        return CommitUnclear(
            f"{self.place}: {reason_of(error)}; {words}",
            fix="mend the disk and run `zalosync refresh`: it takes up what was stored",
            code="ZS606",
        )

    def _roll_back(self, cursor: Any) -> None:
        """End an open transaction; SQLite has ended it already after some failures."""
        if getattr(self._driver, "in_transaction", True):
            cursor.execute("ROLLBACK")
