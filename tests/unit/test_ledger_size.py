"""What a message costs in the ledger, its share of the history included."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.books import NOON, Book, memory_book, standing
from tests.support.reports import report
from zalosync.compose.message import Cause, Status
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.refresh.take import take

MESSAGES, BATCH = 5_000, 100
MOST_BYTES = 250
ENDS = {
    "held": None,
    "accepted": standing(Status.ACCEPTED),
    "adopted": Standing(Status.ACCEPTED, Cause.ADOPTED),
    "unknown": Standing(Status.UNKNOWN, Cause.NOANSWER),
    "rejected": Standing(Status.REJECTED, Cause.NONE, 5, 52, refused=52),
    "released": Standing(Status.RELEASED, Cause.REFUSED),
    "delivered": standing(Status.ACCEPTED),
}


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in memory, whole at the end."""
    made = memory_book()
    yield made
    assert made.verified()
    made.ledger.close()


def size(book: Book) -> int:
    """Bytes of its file."""
    cursor = book.ledger._driver.cursor()
    pages, of = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * of)


def sent(book: Book, to: Standing | None) -> list[Recorded]:
    """Send to everybody, batch by batch in the order of a plan; None: hold everybody."""
    claims = book.claims(range(MESSAGES), Status.HELD if to is None else Status.INTENT)
    records: list[Recorded] = []
    for start in range(0, MESSAGES, BATCH):
        with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
            taken = change.claim(claims[start : start + BATCH])
        if to is not None:
            with book.ledger.change(Kind.OUTCOME, book.tick(), run=book.run) as change:
                change.move([Move(each, to) for each in taken], own=True)
        records += taken
    return records


@pytest.mark.parametrize("end", ENDS)
def test_bytes_of_a_message(book: Book, end: str) -> None:
    """Whatever becomes of them, five thousand messages take less than 250 bytes each."""
    empty = size(book)
    records = sent(book, ENDS[end])
    if end == "delivered":
        chance = random.Random(1)
        chance.shuffle(records)
        reports = [report(each.message_id, seconds=chance.randrange(9_000)) for each in records]
        take(book.ledger, reports, NOON + timedelta(hours=1), lambda _: None)
    found = (size(book) - empty) / MESSAGES
    assert 200 < found < MOST_BYTES
