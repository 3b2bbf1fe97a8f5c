"""Outcomes kept beside a ledger that could not take them: merged once, by the run they belong to."""

import json
from pathlib import Path

import pytest

from tests.support.books import Book, claim_of, memory_book, standing
from zalosync.compose.message import Cause, Status, message_id_text
from zalosync.errors import LedgerError
from zalosync.events import Event, Warned
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.rescue import read_rescue, rescue_path, write_rescue
from zalosync.refresh.rescue import merge_rescues

OUTCOMES = (
    Standing(Status.ACCEPTED, Cause.NONE, 1, 7),
    Standing(Status.REJECTED, Cause.NONE, 5, 8, refused=8),
    Standing(Status.UNKNOWN, Cause.HTTP),
    Standing(Status.RELEASED, Cause.REFUSED),
    Standing(Status.ACCEPTED, Cause.DUPLICATE, 5, 23),
)


def moves(records: list[Recorded]) -> list[Move]:
    """One outcome of each kind."""
    return [Move(record, to) for record, to in zip(records, OUTCOMES, strict=True)]


def merged(folder: Path, book: Book) -> int:
    """Merge what lies in a folder."""
    heard: list[Event] = []
    count = merge_rescues(folder, book.ledger, book.tick(), heard.append)
    assert all(isinstance(event, Warned) for event in heard)
    assert book.verified()
    return count


def test_there_and_back(tmp_path: Path) -> None:
    """What is written is read back, each outcome with its message id; nothing else is in the file."""
    book = memory_book()
    records = book.claim(range(5))
    path = rescue_path(tmp_path, "run-1")
    write_rescue(path, moves(records)[:2])
    write_rescue(path, moves(records)[2:])
    assert dict(read_rescue(path)) == {
        record.message_id: to for record, to in zip(records, OUTCOMES, strict=True)
    }
    assert path.stat().st_mode & 0o777 == 0o600
    known = {"message_id", "state", "cause", "status_group", "status_id", "refused"}
    assert all(json.loads(line).keys() <= known for line in path.read_text().splitlines())


@pytest.mark.parametrize("orphaned", [False, True])
def test_merged_once(tmp_path: Path, *, orphaned: bool) -> None:
    """Outcomes move intents, and what a later run called unknown; then the file is gone."""
    book = memory_book()
    records = book.claim(range(5))
    if orphaned:
        with book.ledger.change(Kind.ORPHAN, book.tick()) as change:
            change.move([Move(record, Standing(Status.UNKNOWN, Cause.ORPHANED)) for record in records])
    write_rescue(rescue_path(tmp_path, "run-1"), moves(records))
    assert merged(tmp_path, book) == (4 if orphaned else 5)
    assert [record.state for record in book.again(records)] == [to.state for to in OUTCOMES]
    assert merged(tmp_path, book) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_known_better_stays(tmp_path: Path) -> None:
    """An outcome says nothing about a message whose fate has been proven since."""
    book = memory_book()
    (record,) = book.claim(["a"])
    write_rescue(rescue_path(tmp_path, "run-1"), [Move(record, standing(Status.RELEASED))])
    book.move([record], standing(Status.ACCEPTED))
    assert merged(tmp_path, book) == 0
    assert book.again([record])[0].state is Status.ACCEPTED


def test_an_old_file_releases_nothing_of_a_later_run(tmp_path: Path) -> None:
    """A file merged a second time, after a crash, does not release what was claimed and sent since."""
    book = memory_book()
    (record,) = book.claim(["a"])
    path = rescue_path(tmp_path, "run-1")
    write_rescue(path, [Move(record, Standing(Status.RELEASED, Cause.REFUSED))])
    left_over = path.read_bytes()
    assert merged(tmp_path, book) == 1
    (released,) = book.again([record])
    assert released.state is Status.RELEASED

    book.begin("run-2")
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (again,) = change.claim([claim_of(book.campaign, "a", before=released)])
    (unknown,) = book.move([again], Standing(Status.UNKNOWN, Cause.NOANSWER))
    path.write_bytes(left_over)
    assert merged(tmp_path, book) == 0
    assert book.again([unknown])[0].state is Status.UNKNOWN


def test_a_file_of_another_ledger_stays(tmp_path: Path) -> None:
    """Environments share a folder and may share message ids: a file waits for the ledger of its own run."""
    mine, other = memory_book(), memory_book()
    mine.begin("run-of-production")
    (record,) = mine.claim(["a"])
    other.begin("run-of-staging")
    (same,) = other.claim(["a"])
    assert record.message_id == same.message_id
    write_rescue(rescue_path(tmp_path, "run-of-production"), [Move(record, standing(Status.RELEASED))])
    assert merged(tmp_path, other) == 0
    assert other.again([same])[0].state is Status.INTENT
    assert merged(tmp_path, mine) == 1


def test_cut_short(tmp_path: Path) -> None:
    """A last line that a crash cut short is left out: its message stays as it was."""
    book = memory_book()
    records = book.claim(range(5))
    path = rescue_path(tmp_path, "run-1")
    write_rescue(path, moves(records))
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in range(1, last):
        path.write_bytes(whole[:-cut])
        assert len(list(read_rescue(path))) == 4
    assert merged(tmp_path, book) == 4


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"message_id":"zs1-A","state":"sent","cause":"none","status_group":0,"status_id":0}\n',
        b'{"message_id":7,"state":"accepted","cause":"none","status_group":0,"status_id":0}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_rescue_file(tmp_path: Path, line: bytes) -> None:
    """A whole line that is not one of ours stops, names file and line, and merges nothing."""
    book = memory_book()
    records = book.claim(range(5))
    path = rescue_path(tmp_path, "run-1")
    write_rescue(path, moves(records)[:1])
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(LedgerError, match=r"rescue-run-1\.jsonl:2"):
        merged(tmp_path, book)
    assert path.exists()
    assert {record.state for record in book.again(records)} == {Status.INTENT}


def test_ids_of_others_are_left_out(tmp_path: Path) -> None:
    """A line about an id that is not of our making moves nothing."""
    book = memory_book()
    entry = {"message_id": "zs1-short", "state": "accepted", "cause": "none", "status_group": 1}
    stranger = entry | {"message_id": message_id_text(b"x" * 20)}
    lines = [json.dumps({**each, "status_id": 7}) + "\n" for each in (entry, stranger)]
    rescue_path(tmp_path, "run-1").write_text("".join(lines), encoding="ascii")
    assert merged(tmp_path, book) == 0


def test_a_line_that_was_cut_takes_no_other_along(tmp_path: Path) -> None:
    """The disk fills within a line; what is appended later is read all the same, before it and after it."""
    book = memory_book()
    records = book.claim(range(5))
    path = rescue_path(tmp_path, "run-1")
    write_rescue(path, moves(records)[:2])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    write_rescue(path, moves(records)[2:])
    expected = {record.message_id: to for record, to in zip(records, OUTCOMES, strict=True)}
    del expected[records[1].message_id]
    assert dict(read_rescue(path)) == expected
    assert merged(tmp_path, book) == 4
    assert book.again([records[1]])[0].state is Status.INTENT
