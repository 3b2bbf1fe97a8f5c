"""The loop that sends: on the real ledger, against scripted answers, in a time that jumps."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.books import CAMPAIGN, NOON, Book, counts, memory_book
from tests.support.scripted import (
    ORDER,
    PENDING,
    Answer,
    Script,
    Stage,
    accepted,
    always,
    in_turn,
)
from zalosync.apply.batch import Batch
from zalosync.apply.breaker import RETRY_AFTER_MAX
from zalosync.apply.ports import REQUEST_SECONDS, Limits
from zalosync.apply.run import INTENT_SECONDS
from zalosync.apply.seal import Order
from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode, InternalError, LedgerError, ProviderRefused, StoppedEarly
from zalosync.events import BatchAnswered, RunStarted, Settled, Stopping, Waiting, Warned
from zalosync.ledger.records import Kind, Move, Standing
from zalosync.ledger.rescue import read_rescue
from zalosync.plan.pace import SLOT_NOTE, Slot
from zalosync.provider import AnswerRow, Exchange, Failure, Malformed, ProviderError, ProviderStatus

ERROR = ProviderError("E429", "Too many requests", ())
BUSY = Exchange(http_status=429, error=ERROR)
NOT_CONNECTED = Exchange(failure=Failure.CONNECT, may_have_left=False)
SERVER_ERROR = Exchange(http_status=503)


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in memory, whole at the end of every test."""
    made = memory_book()
    yield made
    assert made.verified()
    made.ledger.close()


def answers(*exchanges: Callable[[list[str]], Exchange] | Exchange) -> Script:
    """These exchanges in turn, the last one for ever."""

    def answer(exchange: Callable[[list[str]], Exchange] | Exchange) -> Callable[[list[str]], Answer]:
        return lambda ids: Answer(exchange(ids) if callable(exchange) else exchange)

    return in_turn(*(answer(exchange) for exchange in exchanges))


def waits(stage: Stage) -> list[float]:
    """How long the run waited, each time."""
    return [event.seconds for event in stage.heard if isinstance(event, Waiting)]


def test_everything_is_sent_once(book: Book) -> None:
    """All batches go out, each message once; the totals are those of the ledger; exit 0."""
    stage = Stage(book, always())
    result = stage.send([20, 50, 50, 50, 50, 30])
    assert (result.code, result.reason) == (ExitCode.DONE, "")
    assert (result.totals.accepted, result.totals.not_sent, result.totals.requests) == (250, 0, 6)
    assert counts(book) == {Status.ACCEPTED: 250}
    ids = [each for sent in stage.flight.sent for each in sent]
    assert len(ids) == len(set(ids)) == 250
    answered = [event for event in stage.heard if isinstance(event, BatchAnswered)]
    assert sum(event.accepted for event in answered) == 250
    assert not [event for event in stage.heard if isinstance(event, RunStarted | Stopping | Warned)]


def test_nothing_to_send(book: Book) -> None:
    """A run without batches ends at once and does nothing."""
    stage = Stage(book, always())
    before = book.ledger.head()
    assert stage.send([]).code is ExitCode.DONE
    assert book.ledger.head() == before


def test_several_requests_in_flight(book: Book) -> None:
    """After the first answer as many requests are in the air as the limit says, before it only one."""
    stage = Stage(book, lambda _number, ids: Answer(accepted(ids), after=1.0))
    most: list[int] = []
    stage.flight.before_fence = lambda: most.append(stage.flight.most)
    stage.send([5] * 12)
    assert most[0] == 1
    assert max(most[:2]) <= 2
    assert stage.flight.most == 4


def test_intents_first(book: Book) -> None:
    """When a POST starts, its messages are intents of this run in the ledger, committed."""
    states: set[tuple[Status, int]] = set()
    stage = Stage(book, always())

    def look() -> None:
        for chunk in book.ledger.in_state(Status.INTENT):
            states.update((record.state, record.run) for record in chunk)
        assert not book.ledger._driver.in_transaction

    stage.flight.before_fence = look
    stage.send([10, 10, 10])
    assert states == {(Status.INTENT, book.run)}


def test_commits_are_shared(book: Book) -> None:
    """A batch costs at most two durable commits: outcomes and the next intents share one."""
    before = book.ledger.head().seq
    Stage(book, always()).send([10] * 20)
    assert book.ledger.head().seq - before <= 21


OUTCOMES: dict[str, tuple[Callable[[list[str]], Exchange] | Exchange, Status, Cause, ExitCode]] = {
    "O2": (Exchange(failure=Failure.CONNECT), Status.UNKNOWN, Cause.NOANSWER, ExitCode.UNKNOWN),
    "O3": (Exchange(failure=Failure.WRITE), Status.UNKNOWN, Cause.WRITE, ExitCode.UNKNOWN),
    "O5": (accepted, Status.ACCEPTED, Cause.NONE, ExitCode.DONE),
    "O7": (
        lambda ids: accepted(ids, ProviderStatus(5, "REJECTED", 23, "DUPLICATE")),
        Status.ACCEPTED,
        Cause.DUPLICATE,
        ExitCode.DONE,
    ),
    "O8": (
        lambda ids: accepted(ids, ProviderStatus(3, "DELIVERED", 5, "DELIVERED_TO_HANDSET")),
        Status.DELIVERED,
        Cause.NONE,
        ExitCode.DONE,
    ),
    "O9 pending": (
        lambda ids: accepted(ids, ProviderStatus(1, "PENDING", 999, "NEW")),
        Status.ACCEPTED,
        Cause.RAW,
        ExitCode.DONE,
    ),
    "O9 final": (
        lambda ids: accepted(ids, ProviderStatus(5, "REJECTED", 999, "NEW")),
        Status.UNKNOWN,
        Cause.UNRECOGNISED,
        ExitCode.UNKNOWN,
    ),
    "O10": (Exchange(http_status=200, rows=()), Status.UNKNOWN, Cause.MISSING, ExitCode.UNKNOWN),
    "O11": (
        Exchange(http_status=200, malformed=Malformed.JSON, digest=b"d" * 16),
        Status.UNKNOWN,
        Cause.MALFORMED,
        ExitCode.UNKNOWN,
    ),
    "O12": (Exchange(http_status=401, error=ERROR), Status.RELEASED, Cause.REFUSED, ExitCode.PROVIDER),
    "O14": (Exchange(http_status=403), Status.UNKNOWN, Cause.INTERMEDIARY, ExitCode.UNKNOWN),
}


@pytest.mark.parametrize(("exchange", "state", "cause", "code"), OUTCOMES.values(), ids=OUTCOMES)
def test_every_row(
    book: Book,
    exchange: Callable[[list[str]], Exchange] | Exchange,
    state: Status,
    cause: Cause,
    code: ExitCode,
) -> None:
    """Each row of the table, from the answer to the ledger, the exit code and whether more goes out."""
    stage = Stage(book, answers(exchange))
    result = stage.send([5, 5])
    assert result.code is code
    stops = code is not ExitCode.DONE
    assert len(stage.flight.sent) == (1 if stops else 2)
    assert counts(book) == {state: 5 if stops else 10}
    records = book.ledger.by_message_ids([claim.message_id for claim in book.claims(range(5))])
    assert {record.cause for record in records.values()} == {cause}
    assert bool(result.reason) is stops
    proven = {Status.ACCEPTED: "accepted", Status.DELIVERED: "accepted", Status.UNKNOWN: "unknown"}
    if state in proven:
        assert getattr(result.totals, proven[state]) == counts(book).total()
    assert result.totals.not_sent == (10 if state is Status.RELEASED else 5 if stops else 0)


def test_digest_of_what_was_no_answer(book: Book) -> None:
    """Of a body that is none of the provider's answers the beginning of a keyed digest is kept."""
    Stage(book, answers(OUTCOMES["O11"][0])).send([2])
    *_, event = book.ledger.events()
    assert event[7].endswith(b"d" * 16)


def test_rejected_in_the_answer(book: Book) -> None:
    """O6: a refused message is rejected, known as refused by the answer itself; the others go on."""

    def some(ids: list[str]) -> Exchange:
        refused = ProviderStatus(5, "REJECTED", 8, "REJECTED_PREFIX_MISSING")
        rows = [AnswerRow(each, None, refused if n == 0 else PENDING) for n, each in enumerate(ids)]
        return Exchange(http_status=200, rows=tuple(rows))

    result = Stage(book, answers(some)).send([30, 30])
    assert (result.code, result.totals.rejected, result.totals.accepted) == (ExitCode.DONE, 2, 58)
    assert counts(book) == {Status.ACCEPTED: 58, Status.REJECTED: 2}
    messages = [claim.message for claim in book.claims(range(60))]
    refused = [row for row in book.ledger.standings(messages).others if row[2] == Status.REJECTED]
    assert all(bool(row[7]) for row in refused), "not known to be refused by the answer itself"


def test_too_many_rejected(book: Book) -> None:
    """More than 5 % rejected stop the run, exit 5; what is in the air is still written down."""
    status = ProviderStatus(5, "REJECTED", 8, "REJECTED_PREFIX_MISSING")
    stage = Stage(book, always(lambda ids: accepted(ids, status)))
    result = stage.send([20] + [50] * 20)
    assert result.code is ExitCode.STOPPED
    assert "were rejected" in result.reason
    assert result.totals.not_sent > 0
    assert counts(book) == {Status.REJECTED: result.totals.rejected}
    assert result.totals.rejected < 20 + 50 * 6


@pytest.mark.parametrize("doubt", [SERVER_ERROR, Exchange(failure=Failure.READ), Exchange(http_status=302)])
def test_one_doubt(book: Book, doubt: Exchange) -> None:
    """O4, O15: nothing more starts until evidence was looked for; then the run goes on; exit 6 at the end."""
    stage = Stage(book, answers(accepted, doubt, accepted))
    in_air: list[int] = []

    def look() -> Settled:
        in_air.append(stage.flight._air)
        return Settled(0, 5)

    stage.on_settle = look
    result = stage.send([5] * 8)
    assert result.code is ExitCode.UNKNOWN
    assert counts(book) == {Status.ACCEPTED: 35, Status.UNKNOWN: 5}
    assert (stage.settled, in_air) == (1, [0])
    assert len(stage.flight.sent) == 8


def test_a_doubt_that_is_settled(book: Book) -> None:
    """Where the evidence is found, the run ends as if there had been no doubt."""
    stage = Stage(book, answers(accepted, SERVER_ERROR, accepted))

    def found() -> Settled:
        for chunk in list(book.ledger.in_state(Status.UNKNOWN)):
            book.move(chunk, Standing(Status.ACCEPTED, Cause.NONE, 1, 7), Kind.EVIDENCE)
        return Settled(5, 0)

    stage.on_settle = found
    result = stage.send([5] * 4)
    assert result.code is ExitCode.DONE
    assert counts(book) == {Status.ACCEPTED: 20}


def test_two_doubts_in_a_row(book: Book) -> None:
    """The second doubt in a row stops the run, exit 6, after evidence was looked for once more."""
    stage = Stage(book, answers(accepted, SERVER_ERROR), limits=Limits(width=1))
    result = stage.send([5] * 8)
    assert result.code is ExitCode.UNKNOWN
    assert len(stage.flight.sent) == 3
    assert stage.settled == 2
    assert counts(book) == {Status.ACCEPTED: 5, Status.UNKNOWN: 10}
    assert result.totals.not_sent == 25


def test_nobody_is_sent_again_after_doubt(book: Book) -> None:
    """No message whose fate is unknown goes out a second time in the same run, nor in the next."""
    stage = Stage(book, answers(accepted, SERVER_ERROR))
    stage.send([5] * 8)
    ids = [each for sent in stage.flight.sent for each in sent]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("error", [StoppedEarly("no network"), ProviderRefused("bad key")])
def test_no_evidence_can_be_asked_for(book: Book, error: Exception) -> None:
    """Where not even evidence can be asked for, the run stops, exit 6."""

    def fails() -> Settled:
        raise error

    stage = Stage(book, answers(accepted, SERVER_ERROR, accepted), limits=Limits(width=1))
    stage.on_settle = fails
    result = stage.send([5] * 4)
    assert result.code is ExitCode.UNKNOWN
    assert str(error) in result.reason
    assert len(stage.flight.sent) == 2


def test_refused_for_now(book: Book) -> None:
    """O13: the same messages go out again under the same ids, later each time, until they are taken."""
    stage = Stage(book, answers(BUSY, BUSY, BUSY, accepted))
    result = stage.send([5, 5])
    assert result.code is ExitCode.DONE
    assert counts(book) == {Status.ACCEPTED: 10}
    assert stage.flight.sent[0] == stage.flight.sent[1] == stage.flight.sent[2] == stage.flight.sent[3]
    assert waits(stage) == [0.5, 1.0, 2.0]
    assert stage.clock.seconds >= 3.5
    assert (result.totals.retries, result.totals.requests) == (3, 5)


def test_refused_for_now_for_good(book: Book) -> None:
    """O13: after six tries the run stops, exit 5; nothing was sent, and the next run may."""
    stage = Stage(book, answers(BUSY))
    result = stage.send([5, 5])
    assert result.code is ExitCode.STOPPED
    assert len(stage.flight.sent) == 6
    assert counts(book) == {Status.RELEASED: 5}
    assert (result.totals.not_sent, result.totals.accepted) == (10, 0)


def test_many_refused_for_now_at_once(book: Book) -> None:
    """O13: a moment in which everything in the air is refused is one try of each, not six of one."""
    refused: set[int] = set()

    def script(number: int, ids: list[str]) -> Answer:
        if 1 <= number <= 6:
            refused.add(number)
            return Answer(BUSY, after=1.0)
        return Answer(accepted(ids))

    stage = Stage(book, script, limits=Limits(width=6))
    result = stage.send([5] * 12)
    assert len(refused) == 6
    assert result.code is ExitCode.DONE, result.reason
    assert counts(book) == {Status.ACCEPTED: 60}


def test_many_not_connected_at_once(book: Book) -> None:
    """O1: the same for a moment in which nothing can be reached."""

    def script(number: int, ids: list[str]) -> Answer:
        return Answer(NOT_CONNECTED if 1 <= number <= 6 else accepted(ids), after=1.0)

    stage = Stage(book, script, limits=Limits(width=6))
    result = stage.send([5] * 12)
    assert result.code is ExitCode.DONE, result.reason
    assert counts(book) == {Status.ACCEPTED: 60}


def test_retry_after(book: Book) -> None:
    """O13: the provider's Retry-After is waited for; one that is too long stops the run."""
    stage = Stage(book, answers(replace(BUSY, retry_after=90.0), accepted))
    assert stage.send([5]).code is ExitCode.DONE
    assert stage.clock.seconds >= 90.0
    other = memory_book()
    stopped = Stage(other, answers(replace(BUSY, retry_after=RETRY_AFTER_MAX + 1))).send([5])
    assert stopped.code is ExitCode.STOPPED
    assert counts(other) == {Status.RELEASED: 5}


def test_not_connected(book: Book) -> None:
    """O1: tried three times under the same ids, then the run stops, exit 5, and nothing was sent."""
    stage = Stage(book, answers(NOT_CONNECTED))
    result = stage.send([5, 5])
    assert result.code is ExitCode.STOPPED
    assert len(stage.flight.sent) == 3
    assert len({tuple(sent) for sent in stage.flight.sent}) == 1
    assert counts(book) == {Status.RELEASED: 5}
    again = Stage(memory_book(), answers(NOT_CONNECTED, NOT_CONNECTED, accepted)).send([5, 5])
    assert again.code is ExitCode.DONE


def test_released_messages_go_out_in_the_next_run(book: Book) -> None:
    """What was proven not sent is claimed by the next run: the same attempt, the same id."""
    first = Stage(book, answers(Exchange(http_status=401, error=ERROR)))
    assert first.send([5]).code is ExitCode.PROVIDER
    known = book.ledger.recorded([claim.message for claim in book.claims(range(5))])
    book.begin("run-2")
    stage = Stage(book, always())
    (batch,) = stage.batches([5])
    again = batch.again([known[letter.claim.message] for letter in batch.letters])
    assert stage.run(iter([again]), 5).code is ExitCode.DONE
    assert stage.flight.sent == first.flight.sent
    assert counts(book) == {Status.ACCEPTED: 5}


def test_canary_comes_first(book: Book) -> None:
    """Until the first request is answered as it must be, nothing else is sent."""
    stage = Stage(book, answers(Exchange(http_status=200, malformed=Malformed.JSON)))
    result = stage.send([20, 100, 100])
    assert result.code is ExitCode.UNKNOWN
    assert len(stage.flight.sent) == 1
    assert counts(book) == {Status.UNKNOWN: 20}


def test_signal(book: Book) -> None:
    """A signal starts nothing new; answers that come in time are written down; exit 130."""
    stage = Stage(book, lambda _number, ids: Answer(accepted(ids), after=5.0))

    def hear() -> None:
        if len(stage.flight.sent) == 4:
            stage.stop.set()

    stage.flight.before_fence = hear
    result = stage.send([5] * 20)
    assert result.code is ExitCode.INTERRUPTED
    assert len(stage.flight.sent) == 5
    assert counts(book) == {Status.ACCEPTED: 25}
    assert result.totals.not_sent == 75
    assert [event.reason for event in stage.heard if isinstance(event, Stopping)] == [
        "a signal asked to stop"
    ]


def test_signal_before_anything(book: Book) -> None:
    """A signal that comes before the first request sends nothing."""
    stage = Stage(book, always())
    stage.stop.set()
    result = stage.send([5, 5])
    assert (result.code, stage.flight.sent) == (ExitCode.INTERRUPTED, [])
    assert counts(book) == {}


def test_signal_and_no_answer(book: Book) -> None:
    """O16: what is not answered within the grace is unknown, and nobody waits longer; exit 6."""
    stage = Stage(book, lambda n, ids: Answer(accepted(ids) if n == 0 else None), limits=Limits(grace=5.0))
    stage.flight.before_fence = lambda: stage.stop.set() if len(stage.flight.sent) == 2 else None
    result = stage.send([5] * 20)
    assert result.code is ExitCode.UNKNOWN
    assert counts(book)[Status.UNKNOWN] == result.totals.unknown > 0
    assert Status.INTENT not in counts(book)
    assert stage.clock.seconds < 7.0
    (chunk,) = book.ledger.in_state(Status.UNKNOWN)
    assert {record.cause for record in chunk} == {Cause.INTERRUPTED}


def test_signal_while_waiting(book: Book) -> None:
    """A signal ends a long wait at once."""
    stage = Stage(book, answers(replace(BUSY, retry_after=200.0)))
    sleep = stage.clock.sleep
    naps = iter(range(1000))

    def interrupted(seconds: float, wake: object = None) -> bool:
        if next(naps) == 3:
            stage.stop.set()
        return sleep(seconds)

    stage.clock.sleep = interrupted  # type: ignore[method-assign]
    result = stage.send([5])
    assert result.code is ExitCode.INTERRUPTED
    assert stage.clock.seconds < 5.0
    assert counts(book) == {Status.RELEASED: 5}


def test_fence(book: Book) -> None:
    """O19: a process that was held up between intent and wire sends nothing under it."""
    stage = Stage(book, always())

    def hold_up() -> None:
        stage.clock.seconds += INTENT_SECONDS - REQUEST_SECONDS + 0.001

    stage.flight.before_fence = hold_up
    result = stage.send([5, 5])
    assert stage.flight.sent == []
    assert result.code is ExitCode.STOPPED
    assert counts(book) == {Status.RELEASED: 5}


def test_fence_while_the_wall_clock_is_set_back(book: Book) -> None:
    """How long a process was held up is told by a clock that only rises: the wall's may have been set."""
    stage = Stage(book, always())

    def hold_up() -> None:
        stage.clock.seconds += INTENT_SECONDS - REQUEST_SECONDS + 0.001
        stage.clock.start -= timedelta(hours=1)

    stage.flight.before_fence = hold_up
    assert stage.send([5, 5]).code is ExitCode.STOPPED
    assert stage.flight.sent == []


def test_fence_in_time(book: Book) -> None:
    """A shorter delay is none of its business."""
    stage = Stage(book, always())

    def hold_up() -> None:
        stage.clock.seconds += INTENT_SECONDS - REQUEST_SECONDS - 0.001

    stage.flight.before_fence = hold_up
    assert stage.send([5, 5]).code is ExitCode.DONE


def test_fence_after_a_takeover(book: Book) -> None:
    """I9: intents that another process has declared dead are not sent under; their fate stays its word."""
    stage = Stage(book, always(), rescue=Path("/nonexistent/rescue.jsonl"))
    owns = book.ledger.owns

    def taken_over(run: int, rows: list[int]) -> bool:
        chunks = list(book.ledger.in_state(Status.INTENT))
        for chunk in chunks:
            book.move(chunk, Standing(Status.UNKNOWN, Cause.ORPHANED), Kind.ORPHAN)
        return owns(run, rows)

    book.ledger.owns = taken_over  # type: ignore[method-assign, assignment]
    with pytest.raises(LedgerError):
        stage.send([5, 5])
    assert stage.flight.sent == []
    assert counts(book) == {Status.UNKNOWN: 5}


def test_paused(book: Book) -> None:
    """A campaign that is paused while it runs sends no further request; exit 7, which names it."""
    stage = Stage(book, always(), limits=Limits(width=1))
    stage.flight.before_fence = lambda: stage.paused.add(CAMPAIGN) if len(stage.flight.sent) == 2 else None
    result = stage.send([5] * 10)
    assert result.code is ExitCode.LEDGER
    assert CAMPAIGN in result.reason
    assert len(stage.flight.sent) == 3
    assert (result.totals.accepted, result.totals.not_sent) == (15, 35)


def test_one_of_two_paused(book: Book) -> None:
    """Another campaign of the same run goes on."""
    stage = Stage(book, always())
    stage.paused.add("other")
    other = replace(ORDER, name="new-name", first_name="other")
    batches = [*stage.batches([5], order=other), *stage.batches([5], first=100)]
    result = stage.run(iter(batches), 10)
    assert result.code is ExitCode.LEDGER
    assert "new-name" in result.reason
    assert counts(book) == {Status.ACCEPTED: 5}


def test_expired(book: Book) -> None:
    """A campaign whose `expiresAt` passes while it runs sends no further request; exit 5."""
    order = replace(ORDER, expires_at=NOON + timedelta(seconds=3))
    stage = Stage(book, lambda _number, ids: Answer(accepted(ids), after=1.0), limits=Limits(width=1))
    result = stage.run(stage.batches([5] * 10, order=order), 50)
    assert result.code is ExitCode.STOPPED
    assert "expiresAt" in result.reason
    assert 10 <= result.totals.accepted <= 15
    assert result.totals.not_sent == 50 - result.totals.accepted


def test_own_pace(book: Book) -> None:
    """Batches that we pace ourselves wait for their slots; the last slot given out is remembered."""
    stage = Stage(book, always())
    paced = [
        replace(
            batch,
            slot=Slot(NOON + timedelta(seconds=60 * n), NOON + timedelta(seconds=60 * (n + 1))),
            earliest=NOON + timedelta(seconds=60 * n),
        )
        for n, batch in enumerate(stage.batches([5] * 4))
    ]
    at: list[float] = []
    stage.flight.before_fence = lambda: at.append(stage.clock.seconds)
    assert stage.run(iter(paced), 20).code is ExitCode.DONE
    assert [round(seconds) for seconds in at] == [0, 60, 120, 180]
    assert book.ledger.notes()[SLOT_NOTE + CAMPAIGN] == (NOON + timedelta(seconds=240)).isoformat()


def test_clocks_apart(book: Book) -> None:
    """A provider's clock that is far from ours is told once."""
    date = NOON - timedelta(hours=1)
    stage = Stage(book, always(lambda ids: replace(accepted(ids), date=date)))
    stage.send([5, 5, 5])
    told = [event for event in stage.heard if isinstance(event, Warned)]
    assert [event.code for event in told] == ["ZS655"]
    close = Stage(memory_book(), always(lambda ids: replace(accepted(ids), date=NOON)))
    close.send([5])
    assert not [event for event in close.heard if isinstance(event, Warned)]


def test_left_over_is_stopped_early(book: Book) -> None:
    """A run that ends with messages left (by --max-messages) says so: exit 5."""
    stage = Stage(book, always())
    result = stage.run(stage.batches([5]), 50)
    assert (result.code, result.totals.not_sent) == (ExitCode.STOPPED, 45)


def test_old_unknowns_count(book: Book) -> None:
    """A run that went well ends with 6 while any message of the ledger is unknown."""
    book.put("old", Status.UNKNOWN)
    assert Stage(book, always()).send([5]).code is ExitCode.UNKNOWN


def test_more_answers_than_messages(book: Book) -> None:
    """Counts that cannot be end the run as a bug, after everything is stored."""
    stage = Stage(book, always())
    with pytest.raises(InternalError):
        stage.run(stage.batches([5]), 4)
    assert counts(book) == {Status.ACCEPTED: 5}


def full(book: Book) -> None:
    """Let the ledger's disk be full from now on."""
    cursor = book.ledger._driver.cursor()
    cursor.execute("PRAGMA page_count")
    (row,) = cursor.fetchall()
    cursor.execute(f"PRAGMA max_page_count = {row[0]}")


def test_outcome_that_cannot_be_stored(book: Book, tmp_path: Path) -> None:
    """O18: answers that the ledger cannot take, and those still in the air, are kept in the rescue file."""
    path = tmp_path / "rescue-run-1.jsonl"
    stage = Stage(book, lambda n, ids: Answer(accepted(ids), after=1.0 + n / 10), rescue=path)
    stage.flight.before_fence = lambda: full(book) if len(stage.flight.sent) == 3 else None
    with pytest.raises(LedgerError, match="full") as caught:
        stage.send([50] * 200)
    assert caught.value.exit_code is ExitCode.UNKNOWN
    assert "refresh" in caught.value.fix
    intents = {record.message_id for chunk in book.ledger.in_state(Status.INTENT) for record in chunk}
    assert intents
    rescued = dict(read_rescue(path))
    assert rescued.keys() == intents
    assert {standing.state for standing in rescued.values()} == {Status.ACCEPTED}
    assert [event.code for event in stage.heard if isinstance(event, Warned)].count("ZS650") >= 1
    assert sum(map(len, stage.flight.sent)) == counts(book)[Status.ACCEPTED] + len(intents)


def test_outcome_that_cannot_be_stored_anywhere(book: Book) -> None:
    """O18: without a place for the rescue file messages stay intents; the next run calls them unknown."""
    path = Path("/nonexistent/folder/rescue.jsonl")
    stage = Stage(book, lambda n, ids: Answer(accepted(ids), after=1.0 + n / 10), rescue=path)
    stage.flight.before_fence = lambda: full(book) if len(stage.flight.sent) == 3 else None
    with pytest.raises(LedgerError) as caught:
        stage.send([50] * 200)
    assert caught.value.exit_code is ExitCode.UNKNOWN
    assert "ZS651" in [event.code for event in stage.heard if isinstance(event, Warned)]
    assert counts(book)[Status.INTENT] > 0


def test_intents_that_cannot_be_stored(book: Book) -> None:
    """O20: without a durable intent nothing is sent."""
    full(book)
    stage = Stage(book, always())
    with pytest.raises(LedgerError) as caught:
        stage.send([500] * 3)
    assert caught.value.exit_code is ExitCode.LEDGER
    assert stage.flight.sent == []
    assert counts(book) == {}


def test_taken_by_somebody_else(book: Book) -> None:
    """A message that is in the ledger already is not sent: the whole batch is refused, nothing goes out."""
    book.claim(["3"])
    stage = Stage(book, always())
    with pytest.raises(LedgerError):
        stage.send([5, 5])
    assert stage.flight.sent == []
    assert counts(book) == {Status.INTENT: 1}


def test_a_bug_in_the_middle(book: Book, tmp_path: Path) -> None:
    """Whatever breaks the loop, answers still in the air are waited for and kept."""
    path = tmp_path / "rescue-run-1.jsonl"
    stage = Stage(book, lambda _n, ids: Answer(accepted(ids), after=2.0), rescue=path)

    def broken() -> Iterator[Batch[Order]]:
        yield from stage.batches([5] * 6)
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        stage.run(broken(), 100)
    sent = {each for sent in stage.flight.sent for each in sent}
    stored = counts(book)
    rescued = len(dict(read_rescue(path))) if path.exists() else 0
    assert stored[Status.ACCEPTED] + rescued == len(sent)


def test_answers_that_never_come_after_a_bug(book: Book, tmp_path: Path) -> None:
    """A run that breaks off waits for what is in the air only as long as its grace."""
    stage = Stage(book, lambda n, ids: Answer(accepted(ids) if n == 0 else None), limits=Limits(grace=5.0))

    def broken() -> Iterator[Batch[Order]]:
        yield from stage.batches([5] * 8)
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        stage.run(broken(), 100)
    assert stage.clock.seconds < 10.0
    assert counts(book)[Status.INTENT] == sum(map(len, stage.flight.sent)) - 5


def test_evidence_meanwhile(book: Book) -> None:
    """A report that was merged before the answer came is not undone by it: the step is refused."""
    stage = Stage(book, always())

    def delivered() -> None:
        for chunk in list(book.ledger.in_state(Status.INTENT)):
            with book.ledger.change(Kind.EVIDENCE, NOON) as change:
                change.move([Move(record, Standing(Status.DELIVERED, Cause.NONE, 3, 5)) for record in chunk])

    stage.flight.before_fence = delivered
    with pytest.raises(LedgerError):
        stage.send([5])
    assert counts(book) == {Status.DELIVERED: 5}
