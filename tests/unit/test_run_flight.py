"""Requests in the air: a thread each, answers as they come, none of them waited for longer than asked."""

import threading
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.support.books import Book, memory_book, memory_database, started
from tests.support.scripted import Answer, JumpingClock, ScriptedFlight, Stage, accepted, always
from zalosync.apply.flight import Threads
from zalosync.apply.run import LINGER_SECONDS
from zalosync.errors import ExitCode
from zalosync.ledger.dialect import SQLITE
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.provider import Exchange

GOOD = Exchange(http_status=200, rows=())


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end, so that no thread is left waiting."""
    event = threading.Event()
    yield event
    event.set()


def collected(flight: Threads, count: int) -> dict[int, Exchange | None]:
    """So many answers."""
    found: dict[int, Exchange | None] = {}
    while len(found) < count:
        landed = flight.landed(10.0)
        assert landed, "no answer in time"
        found.update(landed)
    return found


def test_all_land() -> None:
    """Each ticket comes back once with its own answer."""
    flight = Threads(lambda body: Exchange(http_status=int(body)), 4)
    for ticket in range(4):
        flight.post(ticket, b"20%d" % ticket, lambda: True)
    found = collected(flight, 4)
    assert {ticket: each.http_status for ticket, each in found.items() if each} == {
        0: 200,
        1: 201,
        2: 202,
        3: 203,
    }
    assert flight.landed(0.0) == []


def test_fence() -> None:
    """A request whose fence refuses is not made."""
    made: list[bytes] = []

    def submit(body: bytes) -> Exchange:
        made.append(body)
        return GOOD

    flight = Threads(submit, 1)
    flight.post(7, b"x", lambda: False)
    assert collected(flight, 1) == {7: None}
    assert made == []


def test_nobody_is_waited_for(gate: threading.Event) -> None:
    """An answer that does not come holds up neither the others nor the process."""

    def submit(body: bytes) -> Exchange:
        if body == b"slow":
            gate.wait(30.0)
        return GOOD

    flight = Threads(submit, 2)
    flight.post(1, b"slow", lambda: True)
    assert flight.landed(0.01) == []
    flight.post(2, b"quick", lambda: True)
    assert collected(flight, 1) == {2: GOOD}
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("zalosync-post"))
    gate.set()
    assert collected(flight, 1) == {1: GOOD}


def test_a_bug_while_sending() -> None:
    """What raises against its promise proves nothing: unknown, the run stops, and the bug can be seen."""

    def submit(body: bytes) -> Exchange:
        if body == b"bad":
            raise RuntimeError("a bug")
        return GOOD

    flight = Threads(submit, 2)
    flight.post(1, b"bad", lambda: True)
    flight.post(2, b"good", lambda: True)
    found = collected(flight, 2)
    assert found[2] == GOOD
    bad = found[1]
    assert bad is not None
    assert bad.may_have_left
    assert isinstance(flight.bug, RuntimeError)
    book = memory_book()
    result = Stage(book, always(lambda ids: bad if ids else accepted(ids))).send([5, 5])
    assert (result.code, result.totals.unknown) == (ExitCode.UNKNOWN, 5)
    book.ledger.close()


def test_width() -> None:
    """More requests than allowed are a bug."""
    flight = Threads(lambda _body: GOOD, 1)
    flight.post(1, b"", lambda: True)
    with pytest.raises(AssertionError):
        flight.post(2, b"", lambda: True)
    collected(flight, 1)


class RestlessClock(JumpingClock):
    """Time that goes on between any two looks at it, as it does on a busy machine."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = cycle((0.1, 0.9, 0.2, 0.7, 0.05, 0.3, 1.1))

    def monotonic(self) -> float:
        """Seconds since the start, later at each look by less or more than a run lingers."""
        self.seconds += LINGER_SECONDS * next(self.steps)
        return self.seconds


class CarefulFlight(ScriptedFlight):
    """Refuses to wait for less than nothing, as threads do."""

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """What came back."""
        assert timeout >= 0.0
        return super().landed(timeout)


def test_no_wait_ends_before_it_began() -> None:
    """However long the machine sleeps between two looks at the clock, no wait is of less than nothing."""
    clock = RestlessClock()
    book = memory_book()
    stage = Stage(book, lambda number, ids: Answer(accepted(ids), 0.01 * (1 + number % 4)), clock=clock)
    stage.flight = CarefulFlight(clock, stage.script)
    result = stage.send([20, *[5] * 40])
    assert (result.code, result.totals.accepted) == (ExitCode.DONE, 220)
    book.ledger.close()


def test_half_of_what_flies_shares_a_commit() -> None:
    """Answers wait for others to share a commit where it takes time, and leave the other half on its way."""
    clock, database = JumpingClock(), memory_database()

    def slow(count: int) -> bytes:
        clock.seconds += LINGER_SECONDS
        return bytes(count)

    book = started(Book(lambda: Ledger(database, SQLITE, "ledger", slow)))
    stage = Stage(book, lambda number, ids: Answer(accepted(ids), 0.1 + number % 4 / 200), clock=clock)
    result = stage.send([5] * 41)
    assert (result.code, result.totals.accepted, stage.flight.most) == (ExitCode.DONE, 205, 4)
    kinds = [event[2] for event in book.ledger.events()]
    # The first request is alone and four begin together; from then on two are written down at a time.
    assert (kinds.count(Kind.CLAIM), kinds.count(Kind.OUTCOME)) == (20, 22)
    book.ledger.close()
