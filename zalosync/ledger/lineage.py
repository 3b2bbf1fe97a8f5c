"""What is done to whole ledgers: a new start over a pinned lineage, copies, upgrades of the schema."""

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

from zalosync.compose.message import Keys
from zalosync.errors import LedgerError, UsageError
from zalosync.ledger import migrate
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.home import Home, check_file, check_own, create, held, open_reader, readable
from zalosync.ledger.pin import FILE, pin_of, read_pin, write_pin
from zalosync.ledger.read import reason_of
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger


def replace_lineage(home: Home, keys: Keys, now: datetime, actor: str, reason: str) -> Path | None:
    """Make an empty ledger where another was pinned. Who was messaged before, it does not know.

    Args:
        home: which.
        keys: the project's.
        now: aware.
        actor: who does it.
        reason: why; both are in the first event of the new history.

    Returns:
        Where the file that was there before is now, if there was one.

    Raises:
        UsageError: no lineage is pinned: there is nothing to replace.
    """
    pin = read_pin(home.pin_path, home.environment)
    if pin is None and not home.path.exists():
        raise UsageError(
            f"{FILE} pins no ledger of environment {home.environment}, so there is none to replace",
            fix="`zalosync ledger init` makes the first one",
            code="ZS635",
        )
    said = {"by": actor, "reason": reason, "replaces": pin.lineage if pin else ""}
    if not home.path.exists():
        create(home, keys, now, replaces=said)
        return None
    before = home.path.with_name(f"{home.path.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
    with held(home, 0):
        # Left-over journals belong to the old file: without it they would be taken for the new one's.
        for end in ("-journal", "-wal", "-shm"):
            beside = home.path.with_name(home.path.name + end)
            if beside.exists():
                beside.rename(before.with_name(before.name + end))
        home.path.rename(before)
        create(home, keys, now, replaces=said)
    return before


def backup(home: Home, keys: Keys, target: Path) -> int:
    """Copy a ledger, whatever is written meanwhile; gives the copy's bytes.

    SQLite copies page by page and begins again where another process wrote; the copy is one moment's.

    Raises:
        LedgerError: the ledger is missing or foreign, or the copy cannot be written.
        UsageError: the target exists already.
    """
    if target.exists():
        raise UsageError(
            f"{target.name} exists already", fix="give another name: a copy is never overwritten"
        )
    aside = target.with_name(target.name + ".new")
    aside.unlink(missing_ok=True)
    open_reader(home, keys).close()
    database = sqlite_database(home.path, read_only=True)
    try:
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(aside)) as copy:
            database.connection.backup(copy)
        _synced(aside)
    except (sqlite3.Error, OSError) as error:
        aside.unlink(missing_ok=True)
        raise LedgerError(
            f"{home.place} could not be copied: {reason_of(error)}",
            fix="make room, and try again",
            code="ZS636",
        ) from error
    finally:
        database.close()
    aside.rename(target)
    return target.stat().st_size


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def upgrade_file(home: Home, keys: Keys, now: datetime, actor: str) -> tuple[str, str]:
    """Upgrade a ledger's schema to this version's, under its lock; gives the versions before and after.

    Raises:
        LedgerError: missing, locked, made with another key, newer, or of no version that is known exactly.
    """
    check_file(home)
    with held(home, 0):
        check = partial(migrate.check_schema, place=home.place, known=migrate.SQLITE_SCHEMAS)
        database = sqlite_database(home.path, check=check)
        with readable(home):
            before = migrate.version_of(database)
        assert before is not None
        if before == migrate.REVISION:
            database.close()
            return before, before
        ledger = Ledger(database, SQLITE, home.place)
        check_own(home, ledger, keys)
        migrate.upgrade(database)
        with closing(ledger), ledger.change(Kind.NOTE, now) as change:
            change.say("by", actor)
            change.say("migrated", [before, migrate.REVISION])
        reader = open_reader(home, keys)
        with closing(reader):
            write_pin(home.pin_path, home.environment, pin_of(reader))
    return before, migrate.REVISION
