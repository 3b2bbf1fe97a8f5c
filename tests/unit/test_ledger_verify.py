"""`audit verify`: whatever is changed in a ledger, in whichever table, column or row, is noticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.books import WAYS, Book, claim_of, memory_book
from zalosync.audit.verify import MOST_PROBLEMS, Verified, verify
from zalosync.compose.message import Cause, Status
from zalosync.ledger.records import Kind, Move, Standing

# What each table of the schema is known by.
KEYS = {
    "alembic_version": ("version_num",),
    "attempt": ("row",),
    "campaign": ("id",),
    "event": ("seq",),
    "note": ("name",),
    "run": ("id",),
    "tally": (
        *("campaign", "occurrence", "state", "status_group", "status_id", "error_id"),
        *("sms_group", "sms_id", "sms_error"),
    ),
}


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """A ledger in which everything has happened that can happen."""
    made = memory_book()
    for number, state in enumerate(WAYS):
        made.put(number, state)
    (told,) = made.claim(["told"])
    proven = Standing(Status.ACCEPTED, Cause.NONE, 1, 7, 0, None, 10, None)
    (told,) = made.move([told], proven)
    late = proven._replace(
        state=Status.DELIVERED, status_group=4, status_id=15, error_id=3, evidence=b"e" * 8
    )
    late = late._replace(done_at=1_790_000_000_123, sms_group=3, sms_id=5, sms_error=1, sms_price=20)
    late = late._replace(sms_done_at=1_790_000_000_456, sms_evidence=b"s" * 8)
    made.move([told], late, Kind.EVIDENCE)
    refused = Standing(Status.REJECTED, Cause.NONE, 5, 8, refused=8)
    (again,) = made.move(made.claim(["again"]), refused)
    released = made.put("released", Status.RELEASED)
    unknown = made.put("absent", Status.UNKNOWN)
    with made.ledger.change(Kind.END, made.tick(), run=made.run) as change:
        change.end_run(made.run, {"exit_code": 0, "totals": {"accepted": 1}})
    made.begin("run-2")
    with made.ledger.change(Kind.CLAIM, made.tick(), run=made.run) as change:
        change.claim([claim_of(made.campaign, "again", attempt=2, before=again)])
        change.claim([claim_of(made.campaign, "released", before=released)])
    with made.ledger.change(Kind.RESOLVE, made.tick()) as change:
        change.absent([unknown.row], 1_790_000_009)
        change.move([Move(unknown, Standing(Status.ABANDONED, Cause.DECIDED))])
        change.say("reason", "a test")
        change.note("pause:order-shipped", "{}")
        change.note("dropped", "soon")
    with made.ledger.change(Kind.NOTE, made.tick()) as change:
        change.note("dropped", None)
        change.campaign("tết")
    assert made.verified()
    yield made
    made.ledger.close()


@contextmanager
def changed(book: Book, sql: str, *values: Any) -> Iterator[Verified]:
    """The verdict on the ledger with one statement run behind its back, which is undone afterwards."""
    cursor = book.ledger._driver.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.execute("BEGIN")
    try:
        cursor.execute(sql, values)
        assert cursor.rowcount == 1, "the statement changed nothing: the test would prove nothing"
        yield verify(book.ledger)
    finally:
        cursor.execute("ROLLBACK")


def rows(book: Book, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    cursor = book.ledger._driver.cursor()
    cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - a table of ours
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def others(value: Any) -> list[Any]:
    """Values that are not this one, of its kind and of others."""
    if isinstance(value, bytes):
        flipped = bytes([value[0] ^ 1, *value[1:]]) if value else b"x"
        return [flipped, value + b"x", value[:-1] if value else b"xy", value.hex()]
    if isinstance(value, str):
        return [value + "x", value[:-1] if value else "x"]
    if value is None:
        return [0, 1]
    return [value + 1, value - 1, -value - 5]


@pytest.mark.parametrize("table", KEYS)
def test_every_value(book: Book, table: str) -> None:
    """Another value in any column of any row is noticed."""
    where = " AND ".join(f"{name} IS ?" for name in KEYS[table])
    unnoticed = []
    for row in rows(book, table):
        key = [row[name] for name in KEYS[table]]
        for name, value in row.items():
            for other in others(value):
                sql = f"UPDATE OR REPLACE {table} SET {name} = ? WHERE {where}"  # noqa: S608
                try:
                    with changed(book, sql, other, *key) as verified:
                        if verified.ok:
                            unnoticed.append((name, value, other))
                except book.ledger._dialect.error:
                    continue  # the database itself refuses such a value
    assert unnoticed == []


@pytest.mark.parametrize("table", KEYS)
def test_every_row(book: Book, table: str) -> None:
    """A row that is gone is noticed, and one that was added."""
    where = " AND ".join(f"{name} IS ?" for name in KEYS[table])
    for row in rows(book, table):
        sql = f"DELETE FROM {table} WHERE {where}"  # noqa: S608
        with changed(book, sql, *(row[name] for name in KEYS[table])) as verified:
            assert not verified.ok, f"{table}: {row}"
    last = rows(book, table)[-1]
    for name in KEYS[table]:
        last[name] = last[name] + ("x" if isinstance(last[name], str) else 1)
    if table == "attempt":
        last |= {"message": b"n" * 16, "message_id": b"n" * 20}
    if table == "run":
        last["run_id"] = "run-n"
    if table == "campaign":
        last["name"] = "new"
    if table == "tally":
        last["count"] = 1
    marks = ", ".join("?" * len(last))
    names = ", ".join(last)
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    with changed(book, sql, *last.values()) as verified:
        assert not verified.ok


@pytest.mark.parametrize("name", ["campaign", "occurrence", "attempt", "failover"])
def test_a_number_that_is_almost_the_same(book: Book, name: str) -> None:
    """The columns of SQLite take any kind of value: half a number more is noticed too."""
    with changed(book, f"UPDATE attempt SET {name} = {name} + 0.5 WHERE row = 1") as verified:  # noqa: S608
        assert not verified.ok


def test_swapped_rows(book: Book) -> None:
    """Two attempts that trade places are noticed, salts and all."""
    one, two = rows(book, "attempt")[:2]
    cursor = book.ledger._driver.cursor()
    cursor.execute("BEGIN")
    try:
        cursor.execute("UPDATE attempt SET row = -1 WHERE row = ?", (one["row"],))
        cursor.execute("UPDATE attempt SET row = ? WHERE row = ?", (one["row"], two["row"]))
        cursor.execute("UPDATE attempt SET row = ? WHERE row = -1", (two["row"],))
        assert not verify(book.ledger).ok
    finally:
        cursor.execute("ROLLBACK")


def test_cut_history(book: Book) -> None:
    """A history whose end was cut off with all that it did to the rows is another, older ledger: see the pin.

    What verify notices by itself is a cut that leaves the rows as they are.
    """
    last = book.ledger.head().seq
    with changed(book, "DELETE FROM event WHERE seq = ?", last) as verified:
        assert not verified.ok
        assert verified.events == last - 1


def test_problems_are_bounded(book: Book) -> None:
    """A ledger that is wrong all over is told of in a hundred lines at most."""
    crowd = memory_book()
    crowd.claim(range(300))
    cursor = crowd.ledger._driver.cursor()
    cursor.execute("UPDATE attempt SET state = 4")
    verified = verify(crowd.ledger)
    assert len(verified.problems) == MOST_PROBLEMS
    assert not verified.ok
    crowd.ledger.close()


def test_whole(book: Book) -> None:
    """An untouched ledger fits; the verdict names its head."""
    verified = verify(book.ledger)
    head = book.ledger.head()
    assert verified == Verified(head.seq, head.hash.hex(), ())
    assert verified.ok


def test_nothing_personal_in_the_history(book: Book) -> None:
    """The bodies of events hold row numbers, states, codes and times: no digest, id or salt."""
    bodies = b"".join(bytes(event["body"]) for event in rows(book, "event"))
    for attempt in rows(book, "attempt"):
        for name in ("message", "message_id", "fingerprint", "recipient", "salt"):
            assert bytes(attempt[name]) not in bodies
            assert bytes(attempt[name]).hex().encode() not in bodies
