"""Disks that fill up, commits that fail, files that rot: nothing half-stored, nothing said that is not so."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.books import KEYS, NOON, Book, claim_of, file_book, memory_book, standing
from zalosync.audit.verify import verify
from zalosync.compose.message import Status
from zalosync.errors import ExitCode, LedgerError
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.home import Home, create, open_ledger, open_reader
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Kind


def pragma(book: Book, text: str) -> int:
    """Run one PRAGMA; gives its number, or 0."""
    cursor = book.ledger._driver.cursor()
    cursor.execute(f"PRAGMA {text}")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("make", [memory_book, None], ids=["memory", "file"])
def test_full(tmp_path: Path, make: Callable[[], Book] | None) -> None:
    """A full disk refuses the whole step, exit 7, in words; with space again it goes on where it was."""
    book = make() if make else file_book(tmp_path / "ledger.db")
    (sent,) = book.claim(["sent"])
    pragma(book, f"max_page_count = {pragma(book, 'page_count') + 1}")
    before = (book.ledger.head(), book.ledger.tallies())
    with pytest.raises(LedgerError, match="full") as caught:
        book.claim(range(1000))
    assert caught.value.exit_code is ExitCode.LEDGER
    assert "nothing of this step was stored" in caught.value.message
    assert (book.ledger.head(), book.ledger.tallies()) == before
    pragma(book, "max_page_count = 100000")
    book.claim(range(1000))
    book.move([sent], standing(Status.ACCEPTED))
    assert book.verified()
    book.ledger.close()


def test_failed_commit(tmp_path: Path) -> None:
    """A commit that fails at its very end stores nothing, and leaves no transaction open."""
    book = file_book(tmp_path / "ledger.db")
    before = (book.ledger.head(), book.ledger.notes())

    def step() -> None:
        with book.ledger.change(Kind.NOTE, book.tick()) as change:
            change.note("a", "b")
            cursor = book.ledger._driver.cursor()
            cursor.execute("PRAGMA defer_foreign_keys = ON")
            more = ", ".join("0" * (columns(book) - 10))
            cursor.execute(f"INSERT INTO attempt SELECT 99, x'', x'', 77, 1, 1, x'', x'', x'', 88, {more}")

    with pytest.raises(LedgerError, match="FOREIGN KEY"):
        step()
    assert (book.ledger.head(), book.ledger.notes()) == before
    book.claim(["a"])
    assert book.verified()
    book.ledger.close()


def columns(book: Book) -> int:
    """How many columns an attempt has."""
    cursor = book.ledger._driver.cursor()
    cursor.execute("SELECT COUNT(*) FROM pragma_table_info('attempt')")
    (row,) = cursor.fetchall()
    return int(row[0])


def test_opened_to_be_read(tmp_path: Path) -> None:
    """Writing into a ledger that was opened read-only is an error of the ledger."""
    book = file_book(tmp_path / "ledger.db")
    pragma(book, "query_only = ON")
    with pytest.raises(LedgerError, match="readonly"):
        book.claim(["a"])
    book.ledger.close()


def test_no_values_in_errors(tmp_path: Path) -> None:
    """What the database says of a failure is passed on without any value of a row."""
    book = memory_book()
    (taken,) = book.claim(["a"])
    with pytest.raises(LedgerError) as caught:
        book.claim(["a"])
    text = str(caught.value)
    for value in (taken.message, taken.message_id, taken.fingerprint):
        assert value.hex() not in text
        assert repr(value) not in text
    assert len(text.splitlines()) == 1


@pytest.fixture
def whole(tmp_path: Path) -> Home:
    """A ledger with some history."""
    home = Home(tmp_path, "production")
    create(home, KEYS, NOON)
    with open_ledger(home, KEYS) as ledger:
        with ledger.change(Kind.RUN, NOON) as change:
            run = change.start_run("run-1", "apply", {})
            campaign = change.campaign("order-shipped")
        for number in range(20):
            with ledger.change(Kind.CLAIM, NOON, run=run) as change:
                change.claim([claim_of(campaign, str(number))])
    return home


def contents(home: Home) -> tuple[object, ...]:
    """Everything a ledger holds, as it is read by `verify`."""
    reader = LedgerReader(sqlite_database(home.path, read_only=True), SQLITE, home.place)
    try:
        return (
            *reader.attempts(),
            *reader.events(),
            *reader.tallies(),
            *reader.notes().items(),
            *reader.runs(),
        )
    finally:
        reader.close()


def flipped(home: Home, whole: bytes, at: int, bit: int) -> str:
    """What becomes of a ledger with one bit flipped: `refused`, `found` by verify, or `harmless`."""
    spoiled = bytearray(whole)
    spoiled[at] ^= 1 << bit
    home.path.write_bytes(bytes(spoiled))
    try:
        reader = open_reader(home, KEYS)
    except LedgerError:
        return "refused"
    try:
        return "harmless" if verify(reader).ok else "found"
    except LedgerError:
        return "refused"
    finally:
        reader.close()


def assert_flips(home: Home, seed: int, flips: int) -> None:
    """No flip of a bit goes unnoticed, unless every row and the head are what they were."""
    data, rows = home.path.read_bytes(), contents(home)
    chance = random.Random(seed)
    seen = {"refused": 0, "found": 0, "harmless": 0}
    for _ in range(flips):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        verdict = flipped(home, data, at, bit)
        seen[verdict] += 1
        if verdict == "harmless":
            assert contents(home) == rows, f"byte {at}, bit {bit}"
    home.path.write_bytes(data)
    assert min(seen.values()) > 0, seen


def test_flipped_bits(whole: Home) -> None:
    """300 flipped bits: each is refused or found, or lies where SQLite keeps nothing."""
    assert_flips(whole, seed=1, flips=300)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_more_flipped_bits(whole: Home, seed: int) -> None:
    """20,000 more."""
    assert_flips(whole, seed=seed, flips=2000)


def test_cut(whole: Home) -> None:
    """A ledger cut anywhere is refused, or found, or misses nothing; it is never taken for a shorter one."""
    data, rows = whole.path.read_bytes(), contents(whole)
    for size in range(0, len(data), 512):
        whole.path.write_bytes(data[:size])
        try:
            reader = open_reader(whole, KEYS)
        except LedgerError:
            continue
        try:
            ok = verify(reader).ok
        except LedgerError:
            ok = False
        finally:
            reader.close()
        assert not ok or contents(whole) == rows, size


def rotten(whole: Home) -> bytes:
    """A ledger's file with all pages but the first gone."""
    data = whole.path.read_bytes()
    return data[:4096] + b"\xff" * (len(data) - 4096)


def test_rotten_while_open(whole: Home) -> None:
    """A ledger that is damaged while it is open fails as a ledger does: one line, exit 7."""

    def asked() -> None:
        with open_ledger(whole, KEYS) as ledger:
            whole.path.write_bytes(rotten(whole))
            ledger._driver.cursor().execute("PRAGMA shrink_memory")
            list(ledger.attempts())

    with pytest.raises(LedgerError, match="cannot be read") as caught:
        asked()
    assert caught.value.exit_code is ExitCode.LEDGER


def test_the_first_error_is_the_one_told(whole: Home) -> None:
    """Where a run fails because its ledger is gone, that is what is said, not that it cannot be pinned."""

    def use() -> None:
        with open_ledger(whole, KEYS):
            whole.path.write_bytes(rotten(whole))
            raise LedgerError("the first thing that went wrong")

    with pytest.raises(LedgerError, match="the first thing"):
        use()


def test_journal_of_another_ledger(whole: Home, tmp_path: Path) -> None:
    """A journal that belongs to another ledger, put beside this one, changes nothing unseen."""
    other = file_book(tmp_path / "other.db")
    other.claim(range(300))
    cursor = other.ledger._driver.cursor()
    cursor.execute("PRAGMA cache_size = 1")
    with other.ledger.change(Kind.NOTE, other.tick()) as change:
        change.note("a", "b")
        cursor.execute("UPDATE attempt SET cause = 1")
        shutil.copy(tmp_path / "other.db-journal", f"{whole.path}-journal")
        cursor.execute("UPDATE attempt SET cause = 0")
    other.ledger.close()
    try:
        reader = open_reader(whole, KEYS)
    except LedgerError:
        return
    assert not verify(reader).ok
    reader.close()
