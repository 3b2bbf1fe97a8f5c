"""The corners of the ledger: what is unclear is called so, what is written short is read back."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.books import CAMPAIGN, KEYS, NOON, memory_book, standing
from zalosync.compose.message import Status
from zalosync.errors import CommitUnclear, ExitCode, LedgerError
from zalosync.ledger import home
from zalosync.ledger.home import Home, create, open_ledger
from zalosync.ledger.pause_notes import Pause
from zalosync.ledger.pauses import pause, paused, pauses, unpause
from zalosync.ledger.records import Kind, Tally
from zalosync.ledger.told import distances, moments

REASON = Pause("lan", "2026-12-01T05:00:00Z", "sold out")


def test_pause_and_go_on() -> None:
    """A paused campaign is paused until somebody lets it go on; both stand in the history."""
    book = memory_book()
    with book.ledger.change(Kind.NOTE, NOON) as change:
        pause(change, CAMPAIGN, REASON)
    assert pauses(book.ledger) == {CAMPAIGN: REASON}
    with book.ledger.change(Kind.NOTE, NOON) as change:
        unpause(change, CAMPAIGN)
    assert paused(book.ledger) == frozenset()
    assert book.verified()
    book.ledger.close()


def test_a_commit_of_which_nothing_can_be_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """O20: where a commit fails and the ledger cannot be asked either, nobody guesses."""
    book = memory_book()

    def fails(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    def gone(*_: Any) -> bytes | None:
        raise LedgerError("the ledger cannot be read")

    monkeypatch.setattr(book.ledger, "_commit", fails)
    monkeypatch.setattr(book.ledger, "hash_at", gone)
    with pytest.raises(CommitUnclear) as caught:
        book.claim(["a"])
    assert caught.value.exit_code is ExitCode.LEDGER
    assert "unclear" in caught.value.message
    monkeypatch.undo()
    assert book.verified()
    book.ledger.close()


@given(st.lists(st.none() | st.integers(0, 2**45), max_size=6))
def test_times_are_read_back(given_: list[int | None]) -> None:
    """Times written as distances are the same times again, those that nobody knows included."""
    assert moments(distances(given_), len(given_)) == given_


def test_times_that_are_missing() -> None:
    """Fewer times than messages are no times."""
    with pytest.raises(ValueError, match="missing"):
        moments([5, 0], 2)


def test_what_others_did_since() -> None:
    """Changes that affect sending are counted, those of one's own runs left out, reports not at all."""
    book = memory_book()
    before = book.ledger.head().seq
    record = book.claim(["a"])
    book.move(record, standing(Status.ACCEPTED))
    book.move(book.again(record), standing(Status.DELIVERED), Kind.EVIDENCE)
    assert book.ledger.sending_events_since(before, frozenset()) == 2
    assert book.ledger.sending_events_since(before, {book.run}) == 0
    book.ledger.close()


def test_what_is_accepted_and_no_more() -> None:
    """Messages that wait for their outcome are given oldest first, in chunks, each once."""
    book = memory_book()
    records = book.claim(range(5))
    book.move(records[:4], standing(Status.ACCEPTED))
    at = records[0].created_at
    assert book.ledger.accepted_before(book.campaign, at + 1) == (4, at)
    assert book.ledger.accepted_before(book.campaign, at) is None
    chunks = list(book.ledger.late(book.campaign, 0, at + 1, chunk=3))
    assert [len(chunk) for chunk in chunks] == [3, 1]
    assert {each.row for chunk in chunks for each in chunk} == {each.row for each in records[:4]}
    assert list(book.ledger.late(book.campaign, at + 1, at + 9)) == []
    book.ledger.close()


def test_what_a_plan_asks() -> None:
    """A plan hears of the messages that the ledger knows, and of no others."""
    book = memory_book()
    (record,) = book.claim(["a"], failover=True)
    (found,) = book.ledger.standings(sorted([record.message, bytes(16)])).others
    assert found[:4] == (record.message, record.fingerprint, Status.INTENT, 1)
    assert (bool(found[7]), bool(found[8])) == (False, True)
    book.ledger.close()


def test_ids_that_begin_alike() -> None:
    """The index knows the beginnings of ids; who asks for another id that begins so gets nothing."""
    book = memory_book()
    (record,) = book.claim(["a"])
    twin = record.message_id[:10] + bytes(10)
    asked = sorted([record.message_id, twin])
    assert list(book.ledger.by_message_ids(asked)) == [record.message_id]
    assert [found[0] for found in book.ledger.evidenced(asked)] == [record.message_id]
    assert not book.ledger.evidenced([twin])
    assert not book.ledger.by_message_ids([twin])
    book.ledger.close()


def test_who_had_the_last_word() -> None:
    """Where an SMS took a message's place its outcome counts, unless Zalo delivered all the same."""
    zalo = (2, 9, 7), (3, 5, 0)
    failed, delivered = (Tally(1, "a", 1, Status.DELIVERED, *each, 3, 5, 1, 1, 0) for each in zalo)
    assert (failed.channel, failed.last) == (1, (3, 5, 1))
    assert (delivered.channel, delivered.last) == (0, (3, 5, 0))


def test_a_pin_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the pin could not be written is said, once everything is in the ledger."""
    made = Home(tmp_path, "production")
    create(made, KEYS, NOON)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    def write() -> None:
        with open_ledger(made, KEYS) as ledger, ledger.change(Kind.NOTE, NOON) as change:
            change.note("a", "b")

    monkeypatch.setattr(home, "write_pin", full)
    with pytest.raises(LedgerError) as caught:
        write()
    assert (caught.value.code, caught.value.exit_code) == ("ZS634", ExitCode.LEDGER)
    monkeypatch.undo()
    with open_ledger(made, KEYS) as ledger:
        assert ledger.notes()["a"] == "b"
