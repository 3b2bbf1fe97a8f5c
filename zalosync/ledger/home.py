"""Where an environment's ledger lives, and how it is made and opened.

A missing ledger is an error, never an empty one: an empty memory would send everything again.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import filelock

from zalosync.compose.message import Keys
from zalosync.errors import LedgerError, UsageError
from zalosync.ledger import migrate
from zalosync.ledger.dialect import SQLITE, Database, sqlite_database
from zalosync.ledger.pin import FILE, NEW_START, check_pin, pin_of, read_pin, write_pin
from zalosync.ledger.read import LedgerReader, reason_of
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger

STATE_FOLDER = ".zalosync"
_SQLITE_URL = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Home:
    """Where one environment keeps its memory.

    Args:
        root: the project's folder.
        environment: its name.
        url: the ledger's URL; empty for the default file.
        sandbox: whether the environment is the embedded sandbox, which gets its ledger by itself.
    """

    root: Path
    environment: str
    url: str = ""
    sandbox: bool = False

    @property
    def folder(self) -> Path:
        """The project's folder of local state, which Git ignores."""
        return self.root / STATE_FOLDER

    @property
    def path(self) -> Path:
        """The ledger's file.

        Raises:
            UsageError: a URL of another kind of database.
        """
        if not self.url:
            return self.folder / f"{self.environment}.db"
        if not self.url.startswith(_SQLITE_URL):
            raise UsageError(
                f"the ledger of environment {self.environment} is not a sqlite:/// URL",
                fix="this version keeps ledgers in SQLite files: sqlite:///path/to/ledger.db",
                code="ZS613",
            )
        return self.root / self.url.removeprefix(_SQLITE_URL)

    @property
    def pin_path(self) -> Path:
        """The file that remembers the lineage."""
        return (self.folder if self.sandbox else self.root) / FILE

    @property
    def place(self) -> str:
        """The ledger's name for people: relative where it lies in the project."""
        path = self.path
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def create(
    home: Home,
    keys: Keys,
    now: datetime,
    entropy: Callable[[int], bytes] = os.urandom,
    *,
    replaces: Mapping[str, str] | None = None,
) -> None:
    """Make an empty ledger with a lineage of its own, and pin it.

    Args:
        home: where.
        keys: the project's.
        now: aware.
        entropy: gives n unguessable bytes.
        replaces: by whom, why and which lineage this one replaces; goes into its first event.

    Raises:
        LedgerError: there is one already, or the lock file knows another lineage.
    """
    path = home.path
    if path.exists():
        raise LedgerError(
            f"{home.place} exists already", fix="use it as it is: `zalosync ledger info`", code="ZS625"
        )
    if replaces is None and read_pin(home.pin_path, home.environment) is not None:
        raise _missing(home)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made whole under another name first: a crash in between leaves no half-made ledger.
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite_database(aside)) as database:
        migrate.upgrade(database)
        ledger = Ledger(database, SQLITE, home.place, entropy)
        with ledger.change(Kind.INIT, now) as change:
            change.note("lineage", entropy(16).hex())
            change.note("key", keys.fingerprint)
            change.note("environment", home.environment)
            for name, value in (replaces or {}).items():
                change.say(name, value)
    aside.rename(path)
    with closing(sqlite_database(path, read_only=True)) as database:
        write_pin(home.pin_path, home.environment, pin_of(LedgerReader(database, SQLITE, home.place)))


def open_reader(home: Home, keys: Keys) -> LedgerReader:
    """Open a ledger to be read only.

    Raises:
        LedgerError: missing, foreign, older than it was, or made with another key.
    """
    reader = LedgerReader(_database(home, read_only=True), SQLITE, home.place)
    try:
        check_own(home, reader, keys)
    except BaseException:
        reader.close()
        raise
    return reader


@contextmanager
def open_ledger(
    home: Home, keys: Keys, *, lock_timeout: float = 0, exclusive: bool = True, sound: bool = False
) -> Iterator[Ledger]:
    """Open a ledger to be written, under a lock that the kernel frees when this process dies.

    Args:
        home: which.
        keys: the project's.
        lock_timeout: seconds to wait for another run.
        exclusive: False writes beside a run, for notes that it must hear of.
        sound: hold the pages of the file against one another first, as before anything is sent.

    Raises:
        LedgerError: as for reading, or another process is writing and does not end in time.
    """
    database = _database(home, read_only=False)
    with ExitStack() as stack:
        stack.callback(database.close)
        if exclusive:
            stack.enter_context(held(home, lock_timeout))
        ledger = Ledger(database, SQLITE, home.place)
        check_own(home, ledger, keys)
        found = ledger.unsound() if sound else []
        if found:
            raise _unreadable(home, found[0])
        try:
            yield ledger
        except BaseException:
            # What went wrong is what is told, also where it is the reason that nothing can be pinned.
            with suppress(LedgerError):
                _pin(home, ledger, exclusive=exclusive)
            raise
        _pin(home, ledger, exclusive=exclusive)


def _pin(home: Home, ledger: Ledger, *, exclusive: bool) -> None:
    if not exclusive:
        return
    try:
        write_pin(home.pin_path, home.environment, pin_of(ledger))
    except OSError as error:
        raise LedgerError(
            f"{home.pin_path.name} cannot be written: {error.strerror}; the ledger itself has everything",
            fix="mend it (space, permissions); the next command that writes to the ledger pins it",
            code="ZS634",
        ) from error


@contextmanager
def held(home: Home, timeout: float) -> Iterator[None]:
    """The lock of a ledger's writer; the kernel frees it when this process dies."""
    lock = filelock.FileLock(str(home.path) + ".lock", mode=0o600)
    try:
        lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise LedgerError(
            f"another zalosync is writing {home.place}",
            fix="wait for it to end, or give --lock-timeout SECONDS to wait here",
            code="ZS626",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _database(home: Home, *, read_only: bool) -> Database:
    check_file(home)
    check = partial(migrate.check_schema, place=home.place)
    database = sqlite_database(home.path, read_only=read_only, check=check)
    with readable(home):
        database.open()
    return database


def check_file(home: Home) -> None:
    """Refuse what is no file of its own under the ledger's name, before it is opened: a pipe would block.

    Raises:
        LedgerError: it is missing, a link, or no regular file.
    """
    path = home.path
    if path.is_symlink():
        raise LedgerError(f"{home.place} is a symbolic link", fix="name the file itself", code="ZS627")
    if not path.exists():
        raise _missing(home)
    if not path.is_file():
        raise _unreadable(home, "it is not a regular file")


@contextmanager
def readable(home: Home) -> Iterator[None]:
    """While a ledger's file is opened: what the database finds wrong with it is an error of the ledger."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _unreadable(home, reason_of(error)) from error


def _unreadable(home: Home, reason: str) -> LedgerError:
    return LedgerError(
        f"{home.place} cannot be read: {reason}",
        fix=f"restore the newest copy; {NEW_START}",
        code="ZS628",
    )


def check_own(home: Home, ledger: LedgerReader, keys: Keys) -> None:
    """Refuse a ledger that is not the pinned one, is older than it was, or was made with another key."""
    pin = read_pin(home.pin_path, home.environment)
    if pin is not None:
        check_pin(pin, ledger)
    known = ledger.notes().get("key")
    if known != keys.fingerprint:
        raise LedgerError(
            f"{home.place} was made with another project key; this one would give old messages new ids",
            fix="set ZALOSYNC_KEY (or .zalosync/key) to the key the ledger was made with;"
            " a rehearsal on the sandbox makes a key of its own where there is none",
            code="ZS629",
        )


def _missing(home: Home) -> LedgerError:
    pinned = read_pin(home.pin_path, home.environment) is not None
    if pinned:
        return LedgerError(
            f"the ledger {home.place} is missing, and {FILE} says that there was one",
            fix="restore it from a copy: without it zalosync cannot know who was messaged already;"
            f" {NEW_START}",
            code="ZS630",
        )
    return LedgerError(
        f"environment {home.environment} has no ledger yet ({home.place})",
        fix=f"`zalosync ledger init -e {home.environment}` makes one",
        code="ZS631",
    )
