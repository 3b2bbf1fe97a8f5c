"""The promises of a ledger, on every database that can keep one: writing is guarded, whole and linked."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import (
    IDENTITY,
    WAYS,
    Book,
    claim_of,
    counts,
    file_book,
    memory_book,
    memory_database,
    standing,
)
from zalosync.compose.message import MAYBE_SENT, MOVES, Cause, Status
from zalosync.errors import ExitCode, InternalError, LedgerError
from zalosync.ledger import read
from zalosync.ledger.change import Change
from zalosync.ledger.dialect import SQLITE, sqlite_database, statement
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import AFFECTS_SENDING, Kind, Move, Recorded, Some, Standing


@pytest.fixture(params=["memory", "file"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    """A ledger with a run, on each database."""
    made = memory_book() if request.param == "memory" else file_book(tmp_path / "ledger.db")
    yield made
    assert made.verified()
    made.ledger.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Book]:
    """A ledger that several connections can open."""
    made = file_book(tmp_path / "ledger.db")
    yield made
    assert made.verified()
    made.ledger.close()


def everything(book: Book) -> tuple[Any, ...]:
    """All that a ledger holds."""
    ledger = book.ledger
    return (*ledger.attempts(), *ledger.events(), *ledger.notes().items(), *ledger.runs(), *ledger.tallies())


def attempt(book: Book, step: Callable[[Change], object]) -> None:
    """One step of the present run."""
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        step(change)


def refused(
    book: Book, step: Callable[[Change], object], error: type[BaseException] = LedgerError
) -> BaseException:
    """A step fails, and nothing of it is stored."""
    before = everything(book)
    with pytest.raises(error) as caught:
        attempt(book, step)
    assert everything(book) == before
    return caught.value


def test_claimed_is_recorded(book: Book) -> None:
    """What was claimed is found by its message and by its id, as an intent of this run."""
    taken = book.claim(range(5))
    messages = [record.message for record in taken]
    assert book.ledger.recorded(messages) == {record.message: record for record in taken}
    assert book.ledger.by_message_ids([record.message_id for record in taken]).values() is not None
    assert {record.state for record in taken} == {Status.INTENT}
    assert {record.run for record in taken} == {book.run}
    assert book.again(taken) == taken
    assert book.ledger.owns(book.run, [record.row for record in taken])
    assert not book.ledger.owns(book.run + 1, [record.row for record in taken])
    assert not book.ledger.owns(book.run, [record.row for record in taken] + [999])


def test_unknown_keys_are_not_found(book: Book) -> None:
    """Nothing is said of messages that the ledger does not know; nothing is asked of none."""
    assert book.ledger.recorded([b"x" * 16]) == {}
    assert book.ledger.recorded([]) == {}
    assert book.ledger.by_message_ids([]) == {}
    assert book.ledger.standings([]).known() == set()
    assert list(book.ledger.in_state(Status.INTENT)) == []


def test_many_keys_in_one_question(book: Book) -> None:
    """A question may have more keys than one statement takes."""
    taken = book.claim(range(1200))
    assert len(book.ledger.recorded([record.message for record in taken])) == 1200
    assert len(book.ledger.standings([record.message for record in taken]).others) == 1200
    chunks = list(book.ledger.in_state(Status.INTENT, chunk=500))
    assert [len(chunk) for chunk in chunks] == [500, 500, 200]
    assert [record.row for chunk in chunks for record in chunk] == list(range(1, 1201))


def test_one_open_attempt(book: Book) -> None:
    """A message that is taken cannot be taken a second time, whatever the attempt; nothing else is stored."""
    (taken,) = book.claim(["a"])
    for number in (1, 2):
        claims = [claim_of(book.campaign, "b"), claim_of(book.campaign, "a", attempt=number)]
        refused(book, methodcaller("claim", claims))
    assert book.again([taken]) == [taken]


def test_one_message_id(book: Book) -> None:
    """Two messages never share an id."""
    (taken,) = book.claim(["a"])
    stolen = claim_of(book.campaign, "b")._replace(message_id=taken.message_id)
    refused(book, methodcaller("claim", [stolen]))


def test_claimed_twice_in_one_step(book: Book) -> None:
    """The same message twice in one claim is refused as a whole."""
    refused(book, methodcaller("claim", [claim_of(book.campaign, "a")] * 2))


@pytest.mark.parametrize("to", Status, ids=lambda status: status.word)
@pytest.mark.parametrize("origin", WAYS, ids=lambda status: status.word)
def test_moves(origin: Status, to: Status) -> None:
    """Only the moves of the table are made; any other is an internal error and stores nothing."""
    book = memory_book()
    record = book.put("a", origin)
    if to in MOVES[origin] or to is origin:
        (moved,) = book.move([record], standing(to))
        assert moved.state is to
    else:
        refused(book, methodcaller("move", [Move(record, standing(to))]), InternalError)
    assert book.verified()
    book.ledger.close()


def test_stale_move_stores_nothing(book: Book) -> None:
    """One message that has moved meanwhile undoes the whole step: moves, claims, notes and the event."""
    taken = book.claim(range(3))
    book.move(taken[1:2], standing(Status.ACCEPTED))

    def step(change: Change) -> None:
        change.note("seen", "yes")
        change.claim(book.claims(["new"]))
        change.move([Move(record, standing(Status.UNKNOWN)) for record in taken])

    error = refused(book, step)
    assert isinstance(error, LedgerError)
    assert "1 of 3 messages" in error.message
    assert error.exit_code is ExitCode.LEDGER


def test_only_own_intents(book: Book) -> None:
    """A run settles its own intents only: those of another run are not its to judge."""
    first = book.claim(["a"])
    book.begin("run-2")
    second = book.claim(["b"])
    moves = [Move(record, standing(Status.ACCEPTED)) for record in (*second, *first)]
    refused(book, methodcaller("move", moves, own=True))
    attempt(book, methodcaller("move", moves[:1], own=True))
    assert book.again(second)[0].state is Status.ACCEPTED


def test_released_is_taken_up_again(book: Book) -> None:
    """A message that was proven not sent is claimed again: the same row, attempt and id, another run."""
    (taken,) = book.claim(["a"])
    (released,) = book.move([taken], Standing(Status.RELEASED, Cause.REFUSED, 5, 8, 3))
    book.begin("run-2")
    claim = claim_of(book.campaign, "a", before=released)
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (again,) = change.claim([claim])
    assert (again.row, again.attempt, again.message_id) == (taken.row, 1, taken.message_id)
    (stored,) = book.again([taken])
    assert (stored.state, stored.run, stored.cause) == (Status.INTENT, book.run, Cause.NONE)
    assert (stored.status_group, stored.status_id, stored.error_id) == (0, 0, 0)
    assert counts(book) == {Status.INTENT: 1}


def test_released_by_somebody_else_meanwhile(book: Book) -> None:
    """Taking up again fails where the message is no longer released."""
    (taken,) = book.claim(["a"])
    (released,) = book.move([taken], standing(Status.RELEASED))
    claim = claim_of(book.campaign, "a", before=released)
    attempt(book, methodcaller("claim", [claim]))
    refused(book, methodcaller("claim", [claim]))


@pytest.mark.parametrize("ended", [Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED])
def test_next_attempt(ended: Status) -> None:
    """After an attempt that ended, the next one opens under its own id; the old one is closed for good."""
    book = memory_book()
    first = book.put("a", ended)
    claim = claim_of(book.campaign, "a", attempt=2, before=first)
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (second,) = change.claim([claim])
    assert second.row != first.row
    assert second.message_id != first.message_id
    assert book.ledger.recorded([first.message]) == {first.message: second}
    # What still comes in about the closed one is stored, and opens nothing.
    (late,) = book.move([first], standing(Status.DELIVERED), Kind.EVIDENCE)
    assert late.state is Status.DELIVERED
    assert book.ledger.recorded([first.message])[first.message].row == second.row
    assert counts(book) == {Status.INTENT: 1, Status.DELIVERED: 1}
    assert book.verified()
    book.ledger.close()


def test_next_attempt_needs_the_end_of_the_last(book: Book) -> None:
    """The next attempt is refused where the last one has moved on meanwhile: it may have been delivered."""
    first = book.put("a", Status.EXPIRED)
    book.move([first], standing(Status.DELIVERED), Kind.EVIDENCE)
    refused(book, methodcaller("claim", [claim_of(book.campaign, "a", attempt=2, before=first)]))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, LedgerError])
def test_a_step_that_breaks_off_stores_nothing(book: Book, error: type[BaseException]) -> None:
    """Whatever ends a step before its end undoes it; the next one goes on as if it had not been."""

    def step(change: Change) -> None:
        change.claim(book.claims(range(3)))
        change.note("seen", "yes")
        raise error("in the middle")

    refused(book, step, error)
    book.claim(range(3))


def test_outcomes_of_neighbours_and_of_others(book: Book) -> None:
    """Intents that end alike are moved together, others by themselves; one that has moved undoes them all."""
    taken = book.claim(range(9))
    ends = [Status.ACCEPTED] * 3 + [Status.REJECTED] + [Status.ACCEPTED] * 2 + [Status.UNKNOWN] * 3
    moves = [Move(record, standing(end)) for record, end in zip(taken, ends, strict=True)]
    moves[1] = Move(taken[1], standing(Status.ACCEPTED)._replace(done_at=5))
    attempt(book, lambda change: change.move([moves[4]], own=True))
    refused(book, lambda change: change.move(moves, own=True))
    attempt(book, lambda change: change.move([*moves[5:], *moves[:4]], own=True))
    found = book.again(taken)
    assert [record.state for record in found] == ends
    assert [record.done_at for record in found] == [None, 5, *[None] * 7]
    assert book.verified()


def test_reading_in_the_middle_of_a_step(book: Book) -> None:
    """Questions asked while a step is open neither end it nor undo it."""
    taken = book.claim(range(3))

    def step(change: Change) -> None:
        change.move([Move(record, standing(Status.ACCEPTED)) for record in taken])
        book.ledger.head()
        book.ledger.recorded([record.message for record in taken])
        list(book.ledger.in_state(Status.INTENT))

    def broken(change: Change) -> None:
        step(change)
        raise RuntimeError

    refused(book, broken, RuntimeError)
    attempt(book, step)
    assert {record.state for record in book.again(taken)} == {Status.ACCEPTED}


def test_every_step_is_one_event(book: Book) -> None:
    """Each change adds one event; what affects sending and what reports are counted apart."""
    for kind in Kind:
        before = book.ledger.head()
        with book.ledger.change(kind, book.tick(), run=book.run) as change:
            change.say("why", "a test")
        after = book.ledger.head()
        assert after.seq == before.seq + 1
        assert book.ledger.hash_at(after.seq + 1) is None
        assert after.intent_serial - before.intent_serial == (kind in AFFECTS_SENDING)
        assert after.status_serial - before.status_serial == (kind is Kind.EVIDENCE)
        assert book.ledger.hash_at(before.seq) == before.hash


def test_evidence_does_not_affect_sending(book: Book) -> None:
    """Reports move states without making a plan stale; claims do."""
    taken = book.claim(range(2))
    serial = book.ledger.head().intent_serial
    book.move(book.move(taken, standing(Status.ACCEPTED)), standing(Status.DELIVERED), Kind.EVIDENCE)
    assert book.ledger.head().intent_serial == serial + 1
    book.claim(["new"])
    assert book.ledger.head().intent_serial == serial + 2


def test_tallies_are_the_sums(book: Book) -> None:
    """Counts and prices follow every move, also there and back."""
    for number, state in enumerate(WAYS):
        book.put(number, state)
    paid = book.put("paid", Status.ACCEPTED)
    (paid,) = book.move([paid], Standing(Status.ACCEPTED, price=10_000))
    book.move([paid], Standing(Status.DELIVERED, status_group=3, status_id=5, price=12_000))
    stored = Counter(Status(attempt[10]) for attempt in book.ledger.attempts())
    assert counts(book) == stored
    assert sum(tally.price for tally in book.ledger.tallies()) == 12_000


def test_whether_an_sms_was_to_follow(book: Book) -> None:
    """Each claim says so anew, the history is bound to it, and no later move forgets it."""
    (first,) = book.claim(["a"], failover=True)
    assert first.failover
    (moved,) = book.move([first], standing(Status.ACCEPTED))
    assert moved == book.ledger.recorded([first.message])[first.message]
    assert moved.failover
    (released,) = book.move(book.claim(["b"], failover=True), standing(Status.RELEASED))
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (again,) = change.claim([claim_of(book.campaign, "b", before=released)])
    assert not again.failover
    assert not book.again([again])[0].failover
    book.move([moved], standing(Status.UNDELIVERABLE))
    found = book.ledger.standings(sorted([first.message, again.message]))
    rows = {row[0]: row for row in found.others}
    assert [bool(rows[each.message][8]) for each in (first, again)] == [True, False]
    assert book.verified()


def test_nothing_told_moves_nothing(book: Book) -> None:
    """A change that is told of no move leaves every attempt where it stands."""
    record = book.put("a", Status.ACCEPTED)
    with book.ledger.change(Kind.EVIDENCE, book.tick()) as change:
        change.tell([], [])
    assert book.again([record]) == [record]


SMS_OPEN = [
    (Standing(Status.UNDELIVERABLE, status_group=2, status_id=9), True),
    (Standing(Status.EXPIRED, status_group=4, status_id=15), True),
    (Standing(Status.REJECTED, status_group=5, status_id=8), True),
    (Standing(Status.UNDELIVERABLE, status_group=2, status_id=9, sms_group=1, sms_id=7), True),
    (Standing(Status.UNDELIVERABLE, status_group=2, status_id=9, sms_group=3, sms_id=2), True),
    (Standing(Status.UNDELIVERABLE, status_group=2, status_id=9, sms_group=2, sms_id=9), False),
    (Standing(Status.DELIVERED, status_group=2, status_id=9, sms_group=3, sms_id=5), False),
    (Standing(Status.DELIVERED, status_group=3, status_id=5), False),
    (Standing(Status.REJECTED, status_group=5, status_id=8, refused=8), False),
    (Standing(Status.ACCEPTED, status_group=1, status_id=7), False),
]


@pytest.mark.parametrize(("to", "is_open"), SMS_OPEN)
def test_an_sms_without_an_end(book: Book, to: Standing, is_open: bool) -> None:  # noqa: FBT001 - a table
    """Who failed on Zalo and of whose SMS no end is known is found; without an SMS nobody is."""
    for failover in (True, False):
        (record,) = book.claim([str(failover)], failover=failover)
        (record,) = book.move([record], standing(Status.ACCEPTED))
        if to.state is not Status.ACCEPTED:
            book.move([record], to)
    at = int(book.now.timestamp())
    found = book.ledger.sms_open(book.campaign, 1, 0, at)
    assert (found is not None and found.count == 1) is is_open
    assert found is None or {tally.ends for tally in book.ledger.tallies()} >= found.counts.keys()
    assert book.ledger.sms_open(book.campaign, 1, at, at + 100) is None
    assert book.ledger.sms_open(book.campaign, 2, 0, at) is None
    assert book.ledger.sms_open(book.campaign + 1, 1, 0, at) is None


def test_sms_are_counted_without_their_rows() -> None:
    """Among millions of messages `status` counts SMS without an end from an index alone, nothing sorted."""
    asked, database = statement(SQLITE, "sms_open"), memory_database()
    given = asked.values({"campaign": 1, "occurrence": 1, "since": 0, "before": 1})
    plan = database.connection.execute(f"EXPLAIN QUERY PLAN {asked.sql}", given).fetchall()
    database.close()
    (step,) = [row[-1] for row in plan]
    assert "USING COVERING INDEX sms_awaited" in step


def test_some_are_counted(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late outcomes are counted up to a limit, and that there are more is said; the oldest is the oldest."""
    records = [book.put(number, Status.ACCEPTED) for number in range(5)]
    later = int(book.now.timestamp()) + 1
    oldest = min(record.created_at for record in records)
    assert book.ledger.late_some(book.campaign, later) == Some(5, False, oldest)
    assert book.ledger.late_some(book.campaign, oldest) is None
    assert book.ledger.late_some(book.campaign, oldest + 1) == Some(1, False, oldest)
    monkeypatch.setattr(read, "MOST_COUNTED", 3)
    assert book.ledger.late_some(book.campaign, later) == Some(3, True, oldest)
    assert book.ledger.accepted_after(book.campaign, oldest)
    assert not book.ledger.accepted_after(book.campaign, later)
    assert not book.ledger.accepted_after(book.campaign + 1, 0)


def test_waiting(book: Book) -> None:
    """Intents, unknown and held messages are counted with the age of the oldest, other states are not."""
    for number, state in enumerate(WAYS):
        book.put(number, state)
    oldest = book.put("old", Status.UNKNOWN)
    waiting = book.ledger.waiting()
    assert {state: count for (_, state), (count, _) in waiting.items()} == {
        Status.INTENT: 1,
        Status.UNKNOWN: 2,
        Status.HELD: 1,
    }
    assert waiting[book.campaign, Status.UNKNOWN][1] < oldest.created_at
    assert all(0 < since <= oldest.created_at for _, since in waiting.values())
    for state in (Status.INTENT, Status.UNKNOWN, Status.HELD):
        found = [record for chunk in book.ledger.in_state(state) for record in chunk]
        assert {record.state for record in found} == {state}


def test_in_state_while_they_move(book: Book) -> None:
    """Messages can be moved out of a state while they are read in chunks: each is read once."""
    book.claim(range(25))
    seen: list[Recorded] = []
    for chunk in book.ledger.in_state(Status.INTENT, chunk=10):
        seen += chunk
        book.move(chunk, Standing(Status.UNKNOWN, Cause.ORPHANED), Kind.ORPHAN)
    assert len({record.row for record in seen}) == len(seen) == 25


def test_notes(book: Book) -> None:
    """A note is set, changed and dropped; dropping what is not there does nothing."""
    for value in ("one", "two", None, None):
        with book.ledger.change(Kind.NOTE, book.tick()) as change:
            change.note("name", value)
        assert book.ledger.notes().get("name") == value
    assert book.ledger.notes()["lineage"] == "f" * 32


def test_runs(book: Book) -> None:
    """A run is written down when it starts, and once when it ends."""
    with book.ledger.change(Kind.END, book.tick(), run=book.run) as change:
        change.end_run(book.run, {"exit_code": 0})
    (run,) = book.ledger.runs()
    assert (run.run_id, run.command, run.started, run.ended) == (
        "run-1",
        "apply",
        {"actor": "test"},
        {"exit_code": 0},
    )
    for number in (book.run, 99):
        refused(book, methodcaller("end_run", number, {"exit_code": 1}))
    assert book.begin("run-2") == book.run == 2


def test_run_ids_are_unique(book: Book) -> None:
    """Two runs never share a name."""
    before = everything(book)
    with pytest.raises(LedgerError):
        book.begin("run-1")
    assert everything(book) == before


def test_campaigns(book: Book) -> None:
    """A campaign gets its number once and keeps it."""
    with book.ledger.change(Kind.NOTE, book.tick()) as change:
        assert change.campaign("order-shipped") == 1
        assert change.campaign("tết") == 2
        assert change.campaign("tết") == 2
    assert book.ledger.campaigns() == {"order-shipped": 1, "tết": 2}


def test_standings(book: Book) -> None:
    """A plan learns of each open attempt what it has to decide by, and of closed ones nothing."""
    first = book.put("a", Status.REJECTED)
    rows = {row[0]: row for row in book.ledger.standings(sorted([first.message, b"x" * 16])).others}
    message, fingerprint, state, attempt, group, number, changed_at, *more = rows.pop(first.message)
    assert rows == {}
    assert more == [0, 0, 0, 0]
    assert (message, fingerprint) == (first.message, IDENTITY.fingerprint(1, {"name": "a"}, None))
    assert (Status(state), attempt, group, number) == (Status.REJECTED, 1, 5, 8)
    assert changed_at == int(book.now.timestamp())
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        change.claim([claim_of(book.campaign, "a", attempt=2, before=first)])
    ((_, _, state, attempt, *_),) = book.ledger.standings([first.message]).others
    assert (Status(state), attempt) == (Status.INTENT, 2)


@pytest.mark.parametrize("every", [1, 30], ids=["between", "by keys"])
def test_standings_in_bulk(book: Book, every: int) -> None:
    """Whether few or all messages of a ledger are asked for, the same is told; of closed attempts nothing."""
    states = (
        Status.ACCEPTED,
        Status.DELIVERED,
        Status.REJECTED,
        Status.UNKNOWN,
        Status.RELEASED,
        Status.INTENT,
    )
    for state in states:
        for key in range(10):
            book.put(f"{state.word} {key}", state)
    refused = book.put("again", Status.REJECTED)
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        taken = change.claim([claim_of(book.campaign, "again", attempt=2, before=refused)])
    book.move(taken, standing(Status.ACCEPTED))
    known = {row[1]: (row[6], Status(row[10]), row[5]) for row in book.ledger.attempts() if not row[11]}
    asked = sorted({*sorted(known)[::every], max(known)})
    found = book.ledger.standings(asked)
    pairs = [found.taken[start : start + 32] for start in range(0, len(found.taken), 32)]
    assert bool(pairs) == (every == 1)
    told = {row[0]: (row[1], Status(row[2]), row[3]) for row in found.others}
    for pair in pairs:
        fingerprint, state, attempt = known[pair[:16]]
        assert (fingerprint, attempt) == (pair[16:], 1)
        assert state in (Status.ACCEPTED, Status.DELIVERED)
        told[pair[:16]] = known[pair[:16]]
    assert told == {message: known[message] for message in asked}
    free = {message for message in asked if known[message][1] is Status.RELEASED}
    assert found.known() == {*asked} - free


class Interrupted(LedgerReader):
    """A reader between whose questions others write."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def _all(self, name: str, given: dict[str, Any], state: int | None = None) -> list[Any]:
        found = super()._all(name, given, state)
        if name == "taken_between":
            self.meanwhile()
        return found


@pytest.mark.parametrize(
    ("origin", "to"), [(Status.ACCEPTED, Status.UNDELIVERABLE), (Status.UNKNOWN, Status.ACCEPTED)]
)
def test_standings_are_of_one_moment(tmp_path: Path, origin: Status, to: Status) -> None:
    """A message that moves while a plan asks is told of once, where it stood or where it stands."""
    book = file_book(tmp_path / "ledger.db")
    record, other = book.put("a", origin), book.put("b", Status.REJECTED)
    reader = Interrupted(sqlite_database(tmp_path / "ledger.db", read_only=True), SQLITE, "ledger")
    book.ledger._driver.execute("PRAGMA busy_timeout = 0")  # a writer may have to wait for the reader

    def write() -> None:
        with suppress(LedgerError):
            book.move([record], standing(to), Kind.EVIDENCE)

    reader.meanwhile = write
    found = reader.standings(sorted([record.message, other.message]))
    told = [found.taken[start : start + 16] for start in range(0, len(found.taken), 32)]
    told += [row[0] for row in found.others]
    assert sorted(told) == sorted([record.message, other.message])
    reader.close()
    book.ledger.close()


def test_maybe_sent_is_never_open_for_a_first_claim(book: Book) -> None:
    """Whatever may have reached a person cannot be claimed as new, nor as a first attempt again."""
    for number, state in enumerate(MAYBE_SENT):
        book.put(number, state)
        refused(book, methodcaller("claim", [claim_of(book.campaign, str(number))]))


def test_absence_is_noted(book: Book) -> None:
    """That the logs had nothing of an unknown message is noted with its time; of any other, refused."""
    unknown = book.put("a", Status.UNKNOWN)
    accepted = book.put("b", Status.ACCEPTED)
    with book.ledger.change(Kind.NOTE, book.tick()) as change:
        change.absent([unknown.row], 1_790_000_000)
    assert book.again([unknown])[0].absent_at == 1_790_000_000
    refused(book, methodcaller("absent", [unknown.row, accepted.row], 1_790_000_001))


def test_a_second_connection_waits_or_fails(shared: Book) -> None:
    """While one connection writes, another cannot; once it has ended, it sees all of it."""
    second = shared.connect()
    second._driver.cursor().execute("PRAGMA busy_timeout = 0")
    with shared.ledger.change(Kind.CLAIM, shared.tick(), run=shared.run) as change:
        (taken,) = change.claim(shared.claims(["a"]))
        with pytest.raises(LedgerError, match="locked"), second.change(Kind.NOTE, shared.tick()):
            raise AssertionError("two writers")
        assert second.recorded([taken.message]) == {}
    assert second.recorded([taken.message]) == {taken.message: taken}
    with second.change(Kind.NOTE, shared.tick()) as other:
        other.note("by", "the second")
    assert shared.ledger.notes()["by"] == "the second"
    second.close()


def test_two_writers_one_message(shared: Book) -> None:
    """Of two runs that planned the same message, the second one to claim it gets nothing."""
    second = shared.connect()
    with shared.ledger.change(Kind.CLAIM, shared.tick(), run=shared.run) as change:
        change.claim(shared.claims(["a"]))
    with (
        pytest.raises(LedgerError),
        second.change(Kind.CLAIM, shared.tick(), run=shared.run) as change,
    ):
        change.claim(shared.claims(["b", "a"]))
    assert {record.state for chunk in second.in_state(Status.INTENT) for record in chunk} == {Status.INTENT}
    assert sum(tally.count for tally in second.tallies()) == 1
    second.close()


def test_times_may_go_back(book: Book) -> None:
    """A clock that is set back does not break the history."""
    book.claim(["a"])
    book.now -= timedelta(days=2)
    book.claim(["b"])
    assert book.verified()


def test_a_second_claim_is_as_old_as_itself(book: Book) -> None:
    """An attempt that waited, or was proven not sent, may have been sent from its newest claim on only."""
    held = book.put("a", Status.HELD)
    book.now += timedelta(days=4)
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (taken,) = change.claim([claim_of(book.campaign, "a", before=held)])
    assert taken.created_at == int(book.now.timestamp())
    assert book.again([held])[0].created_at == taken.created_at
    assert book.verified()
