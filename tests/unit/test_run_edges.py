"""The corners of a run that few runs come to: late bodies, signals while asking, commits of unclear fate."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path

import pytest

from tests.support.books import CAMPAIGN, NOON, Book, counts, memory_book
from tests.support.desk import KEYS, Desk, phones
from tests.support.scripted import ORDER, Answer, PlainSealer, Stage, accepted, always, in_turn
from zalosync.apply.batch import LATE, Batch
from zalosync.apply.letters import Consignment, Letters, check_inputs
from zalosync.apply.ports import Limits
from zalosync.apply.seal import Order
from zalosync.compose.message import Status
from zalosync.errors import CommitUnclear, ExitCode, Interrupted, PlanRefused
from zalosync.events import Settled, Warned
from zalosync.ledger import alarms
from zalosync.ledger.change import Change
from zalosync.ledger.records import Kind
from zalosync.plan.pace import DAYS, SLOT_NOTE, Slots
from zalosync.plan.timing import Hours
from zalosync.provider import Exchange, ProviderError, ProviderStatus

BUSY = Exchange(http_status=429, error=ProviderError("E429", "Too many requests", ()), retry_after=130.0)


def taken(ids: list[str]) -> Answer:
    """Everything is taken."""
    return Answer(accepted(ids))


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in memory, whole at the end of every test."""
    made = memory_book()
    yield made
    assert made.verified()
    made.ledger.close()


class SlowSealer(PlainSealer):
    """Bodies that are ready only when somebody asks for them: those of workers that are behind."""

    def __init__(self) -> None:
        self.asked = 0

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """The first is there; the others come when they are waited for."""
        made = super().seal(batch)
        self.asked += 1
        return made if self.asked == 1 else Late(made.result())


class Late(Future[bytes]):
    """A body that is made while its reader waits."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def result(self, timeout: float | None = None) -> bytes:
        """The body."""
        if not self.done():
            self.set_result(self._body)
        return super().result(timeout)


def test_bodies_that_are_late(book: Book) -> None:
    """While a request is in the air nobody waits for the body of the next one; all are sent in the end."""
    stage = Stage(book, always())
    stage.sealer = SlowSealer()
    assert stage.send([5] * 4).code is ExitCode.DONE
    assert counts(book) == {Status.ACCEPTED: 20}
    assert stage.flight.most == 1


def test_signal_while_evidence_is_asked_for(book: Book) -> None:
    """A signal ends the asking; what is unknown stays so, exit 6 comes before that of the signal."""
    stage = Stage(book, lambda _number, _ids: Answer(Exchange(http_status=503)))

    def interrupted() -> Settled:
        raise Interrupted("stopped by a signal")

    stage.on_settle = interrupted
    result = stage.send([5, 5])
    assert "a signal asked to stop" in result.reason
    assert counts(book) == {Status.UNKNOWN: 5}
    assert result.code in (ExitCode.UNKNOWN, ExitCode.INTERRUPTED)


def test_unclear_and_nothing_stored(book: Book) -> None:
    """O20: where a commit's fate is unclear and no intent is found, nothing is taken back or sent."""
    stage = Stage(book, always())
    honest = book.ledger.change

    @contextmanager
    def change(kind: Kind, now: datetime, *, run: int | None = None) -> Iterator[Change]:
        with honest(kind, now, run=run) as begun:
            yield begun
            raise CommitUnclear("whether this step was stored is unclear")

    book.ledger.change = change  # type: ignore[method-assign]
    with pytest.raises(CommitUnclear):
        stage.send([5])
    book.ledger.change = honest  # type: ignore[method-assign]
    assert stage.flight.sent == []
    assert counts(book) == {}


def test_more_planned_than_wanted(tmp_path: Path) -> None:
    """A plan that names a message which the inputs do not give is stale: nothing of it is sent."""
    desk = Desk(tmp_path)
    desk.campaign("tet", phones(5))
    with desk.plan(content=True) as plan:
        (campaign,) = plan.campaigns
        campaign.messages.append(campaign.messages.cursor().take(1))
        with pytest.raises(PlanRefused) as caught:
            check_inputs(campaign)
        assert caught.value.code == "ZS530"
        with pytest.raises(PlanRefused):
            list(Letters(campaign, 1, desk.ledger, KEYS))
    desk.ledger.close()


class Told(PlainSealer):
    """Remembers the last body of each request, and when it asks to be sent."""

    def __init__(self) -> None:
        self.send_at: dict[str, datetime | None] = {}

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """The body."""
        self.send_at[batch.bulk] = batch.send_at
        return super().seal(batch)


SPAN = timedelta(seconds=60)  # five messages at five a minute


def paced(stage: Stage, slots: Slots, count: int, *, ours: bool) -> Iterator[Batch[Order]]:
    """Requests of five messages under a speed limit of five a minute."""
    for batch in stage.batches([5] * count):
        share = Consignment(ORDER, [], began=NOON, slots=slots, ours=ours)  # type: ignore[arg-type]
        found = share.batch(batch.letters)
        if found is not None:
            yield found


def leaves(stage: Stage, sealer: Told, *, ours: bool) -> list[datetime]:
    """When the messages of each accepted request leave, in order: at its `sendAt`, or when it was posted."""
    return sorted(
        posted if ours or sealer.send_at[bulk] is None else max(posted, sealer.send_at[bulk] or posted)
        for bulk, posted in stage.posted.items()
    )


@pytest.mark.parametrize("ours", [False, True], ids=["provider", "hold"])
def test_a_missed_slot_is_not_made_up_for(book: Book, *, ours: bool) -> None:
    """After a pause that a 429 asked for, each request still leaves in a slot of its own."""
    stage = Stage(book, in_turn(*(lambda _, each=each: Answer(each) for each in (BUSY, BUSY)), taken))
    stage.sealer = sealer = Told()
    slots = Slots(NOON, 5 / 60)
    result = stage.run(paced(stage, slots, 6, ours=ours), 30)
    assert result.code is ExitCode.DONE, result.reason
    assert counts(book) == {Status.ACCEPTED: 30}
    found = leaves(stage, sealer, ours=ours)
    assert len(found) == 6
    assert all(later - one >= SPAN - LATE for one, later in pairwise(found))
    assert datetime.fromisoformat(book.ledger.notes()[SLOT_NOTE + CAMPAIGN]) >= found[-1] + SPAN - LATE


def test_no_slot_is_left(book: Book) -> None:
    """A request that missed its slot and finds none before `expiresAt` is not sent: exit 5, and why."""
    stage = Stage(book, in_turn(lambda _: Answer(BUSY), taken))
    slots = Slots(NOON, 5 / 60, None, NOON + 3 * SPAN)
    result = stage.run(paced(stage, slots, 3, ours=False), 15)
    assert result.code is ExitCode.STOPPED
    assert "expiresAt" in result.reason
    assert counts(book) == {Status.RELEASED: 5}
    assert result.totals.not_sent == 15


def test_a_window_that_closes_meanwhile(book: Book) -> None:
    """A request whose window closed while the provider was busy leaves when it opens again."""
    stage = Stage(book, in_turn(lambda _: Answer(BUSY), taken))
    stage.sealer = sealer = Told()
    slots = Slots(NOON, 5 / 60, Hours(DAYS, (11, 0), (12, 1)))
    assert stage.run(paced(stage, slots, 2, ours=False), 10).code is ExitCode.DONE
    tomorrow = datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert leaves(stage, sealer, ours=False) == [tomorrow, tomorrow + SPAN]


def test_the_last_slot_never_goes_back(book: Book) -> None:
    """A request that is tried again in its own slot does not make room for others in a later one."""
    busy = replace(BUSY, retry_after=5.0)
    stage = Stage(book, lambda n, ids: Answer(busy if n == 1 else accepted(ids), after=3.0))
    slots = Slots(NOON + 10 * SPAN, 5 / 60)
    assert stage.run(paced(stage, slots, 5, ours=False), 25).code is ExitCode.DONE
    assert stage.posted
    assert book.ledger.notes()[SLOT_NOTE + CAMPAIGN] == (NOON + 15 * SPAN).isoformat()


def nights(stage: Stage, count: int) -> Iterator[Batch[Order]]:
    """Requests that we pace ourselves, in a window that closes after two of them."""
    slots = Slots(NOON, 5 / 60, Hours(DAYS, (11, 0), (12, 2)))
    share = Consignment(ORDER, [], began=NOON, slots=slots, ours=True)  # type: ignore[arg-type]
    for batch in stage.batches([5] * count):
        found = share.batch(batch.letters)
        assert found is not None
        yield found


OTHER = Order("other", "other", ORDER.envelope)


@pytest.mark.parametrize("held", [False, True])
def test_no_night_is_waited_for(book: Book, *, held: bool) -> None:
    """A run whose next slot is tomorrow ends today, after all that others may send, and says from when on."""
    stage = Stage(book, always(), limits=Limits(width=2, held=held))
    others = stage.batches([5, 5], order=OTHER, first=50)
    result = stage.run(chain(nights(stage, 4), others), 30)
    assert stage.clock.seconds < 3600
    assert counts(book) == {Status.ACCEPTED: 20}
    assert "from 2026-11-24T11:00Z on" in result.reason
    assert (result.totals.held, result.totals.not_sent) == ((10, 0) if held else (0, 10))
    assert result.code is (ExitCode.DONE if held else ExitCode.STOPPED)


def test_a_run_that_stops_holds_nothing_back(book: Book) -> None:
    """Where something else stops the run, that is its reason and its code; what is left is not sent."""
    stage = Stage(book, always(), limits=Limits(width=2, held=True))
    stage.paused = {"other"}
    others = stage.batches([5], order=OTHER, first=50)
    result = stage.run(chain(nights(stage, 4), others), 25)
    assert result.code is ExitCode.LEDGER
    assert (result.totals.held, result.totals.not_sent) == (0, 15)


def test_duplicates_of_fresh_ids(book: Book) -> None:
    """O7: ids that the provider knew before we sent them are accepted, and an alarm that somebody answers."""
    known = ProviderStatus(5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID")
    stage = Stage(book, lambda n, ids: Answer(accepted(ids, known) if n == 1 else accepted(ids)))
    result = stage.send([5, 5, 5])
    assert result.code is ExitCode.DONE
    assert counts(book) == {Status.ACCEPTED: 15}
    (alarm,) = alarms.open_alarms(book.ledger.notes())
    assert (alarm.what, alarm.count) == (alarms.Contradiction.DUPLICATE, 5)
    assert set(alarm.some) <= set(stage.flight.sent[1])
    told = [event for event in stage.heard if isinstance(event, Warned) and event.code == alarms.CODE]
    assert [event.message for event in told] == [alarm.words]
