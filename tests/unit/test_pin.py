"""What is kept outside a ledger: an older copy, another ledger, a fork and a damaged file are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from tests.support.books import Book, memory_book
from zalosync.errors import ExitCode, LedgerError
from zalosync.ledger.pin import Pin, check_pin, pin_of, read_pin, write_pin

PIN = Pin("a" * 32, 5, 9, "b" * 64)


def test_there_and_back(tmp_path: Path) -> None:
    """Each environment's pin is read back; those of others stay; no half-written file is left."""
    path = tmp_path / "zalosync.lock"
    assert read_pin(path, "production") is None
    write_pin(path, "production", PIN)
    write_pin(path, "staging", replace(PIN, seq=1))
    write_pin(path, "production", replace(PIN, seq=10))
    assert read_pin(path, "production") == replace(PIN, seq=10)
    assert read_pin(path, "staging") == replace(PIN, seq=1)
    assert read_pin(path, "sandbox") is None
    assert [each.name for each in tmp_path.iterdir()] == ["zalosync.lock"]


def test_written_the_same(tmp_path: Path) -> None:
    """The same pin leaves the file as it is, byte for byte and unwritten: it lies in Git."""
    path = tmp_path / "zalosync.lock"
    write_pin(path, "production", PIN)
    before = path.stat()
    write_pin(path, "production", PIN)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert json.loads(text)["version"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '"x"',
        '{"environments": null}',
        '{"environments": []}',
        '{"environments": {"production": []}}',
        '{"environments": {"production": {}}}',
        '{"environments": {"production": {"lineage": "a", "serial": 1, "seq": 2}}}',
        '{"environments": {"production": {"lineage": "a", "serial": 1, "seq": 2, "hash": "b", "more": 1}}}',
        '{"environments": {"production": {"lineage": "a", "serial": "1", "seq": 2, "hash": "b"}}}',
        '{"environments": {"production": {"lineage": "a", "serial": 1, "seq": null, "hash": "b"}}}',
        '{"environments": {"production": {"lineage": 7, "serial": 1, "seq": 2, "hash": "b"}}}',
        '{"environments": {"production": {"lineage": "a", "serial": 1, "seq": 2, "hash": ["b"]}}}',
        '{"environments": {"production": {"lineage": "a", "serial": true, "seq": 2, "hash": "b"}}}',
        "<<<<<<< HEAD\n{}",
        "\xff\xfe",
    ],
)
def test_damaged(tmp_path: Path, text: str) -> None:
    """A lock file that is not one, or of another shape, is an error of the ledger with its way out."""
    path = tmp_path / "zalosync.lock"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(LedgerError, match=r"zalosync\.lock cannot be read") as caught:
        read_pin(path, "production")
    assert caught.value.exit_code is ExitCode.LEDGER
    assert "Git" in caught.value.fix


@pytest.fixture
def book() -> Book:
    """A ledger with some history."""
    made = memory_book()
    made.claim(["a", "b"])
    return made


def test_same_or_newer(book: Book) -> None:
    """The pinned ledger is accepted, also when it has gone on since."""
    pin = pin_of(book.ledger)
    check_pin(pin, book.ledger)
    book.claim(["c"])
    check_pin(pin, book.ledger)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda pin: replace(pin, lineage="e" * 32), "ZS622", "lineage"),
        (lambda pin: replace(pin, seq=pin.seq + 1), "ZS623", "older"),
        (lambda pin: replace(pin, serial=pin.serial + 1), "ZS623", "older"),
        (lambda pin: replace(pin, hash="0" * 64), "ZS624", "history"),
        (lambda pin: replace(pin, seq=pin.seq - 1), "ZS624", "history"),
        (lambda pin: replace(pin, seq=0), "ZS624", "history"),
        (lambda pin: replace(pin, seq=-1), "ZS624", "history"),
    ],
    ids=["foreign", "cut", "fewer claims", "forked", "shifted", "zero", "negative"],
)
def test_refused(book: Book, change: Callable[[Pin], Pin], code: str, words: str) -> None:
    """A foreign, older or forked ledger is refused, exit 7, by its own code."""
    with pytest.raises(LedgerError, match=words) as caught:
        check_pin(change(pin_of(book.ledger)), book.ledger)
    assert (caught.value.code, caught.value.exit_code) == (code, ExitCode.LEDGER)
    assert caught.value.fix


def test_two_ledgers_of_one_lineage(book: Book) -> None:
    """A copy that went its own way has events that the pin never saw."""
    other = memory_book()
    other.claim(["x", "y"])
    with pytest.raises(LedgerError) as caught:
        check_pin(pin_of(other.ledger), book.ledger)
    assert caught.value.code == "ZS624"


def test_who_ends_last_takes_nothing_back(tmp_path: Path, book: Book) -> None:
    """A plan that read before a run and ends after it leaves the run's pin: an older copy stays refused."""
    path = tmp_path / "zalosync.lock"
    seen_by_plan = pin_of(book.ledger)
    book.claim(["c"])
    write_pin(path, "production", pin_of(book.ledger))
    write_pin(path, "production", seen_by_plan)
    pinned = read_pin(path, "production")
    assert pinned == pin_of(book.ledger)
    write_pin(path, "production", replace(pin_of(book.ledger), hash="0" * 64))
    assert read_pin(path, "production") == pinned, "a fork of the same length does not take the place"
    older = memory_book()
    older.claim(["a", "b"])
    with pytest.raises(LedgerError, match="older"):
        check_pin(pinned, older.ledger)
    write_pin(path, "production", replace(PIN, lineage="c" * 32))
    assert read_pin(path, "production") == replace(PIN, lineage="c" * 32), "a replaced lineage begins anew"


def test_two_writers_in_turns(tmp_path: Path) -> None:
    """However two commands of one ledger are interleaved, the pin never goes back."""
    path = tmp_path / "zalosync.lock"
    seen: list[int] = []

    def write(first: int) -> None:
        for seq in range(first, 100, 2):
            write_pin(path, "production", replace(PIN, seq=seq, serial=seq))
            found = read_pin(path, "production")
            assert found is not None
            seen.append(found.seq)
            assert found.seq >= seq

    threads = [Thread(target=write, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 100, "a writer saw the pin go back"
    assert read_pin(path, "production") == replace(PIN, seq=99, serial=99)


def test_two_environments_at_once(tmp_path: Path) -> None:
    """Runs of several environments that end at the same time do not lose each other's pins."""
    path = tmp_path / "zalosync.lock"

    def write(environment: str) -> None:
        for seq in range(50):
            write_pin(path, environment, replace(PIN, seq=seq))

    threads = [Thread(target=write, args=(name,)) for name in ("staging", "production")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {read_pin(path, name) for name in ("staging", "production")} == {replace(PIN, seq=49)}
