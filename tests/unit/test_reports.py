"""Pulled reports: stored before they are used, pulled to the end, and no page lost without a word."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import IDENTITY, Book, memory_book, standing
from tests.support.reports import DELIVERED, MAKER, page, report
from tests.support.scripted import JumpingClock
from zalosync.compose.message import Status
from zalosync.errors import LedgerError, ProviderRefused, StoppedEarly
from zalosync.events import Event, PhaseEnded, Waiting, Warned
from zalosync.infobip.evidence import Page
from zalosync.provider import Report
from zalosync.refresh import reports as reports_module
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.reports import drain, pull
from zalosync.refresh.sift import Aside, sift
from zalosync.refresh.take import Taken, take_evidence


@dataclass(slots=True)
class Provider:
    """Hands out pages in turn, each once; then empty ones."""

    pages: deque[Page | Exception] = field(default_factory=deque)
    asked: int = 0
    before: Callable[[], None] = lambda: None

    def reports(self, limit: int) -> Page:
        """Reports that nobody has pulled yet."""
        assert limit == 1000
        self.asked += 1
        self.before()
        found = self.pages.popleft() if self.pages else page([])
        if isinstance(found, Exception):
            raise found
        return found


@dataclass(slots=True)
class Desk:
    """A ledger, an inbox, and a provider."""

    book: Book
    inbox: Inbox
    provider: Provider = field(default_factory=Provider)
    clock: JumpingClock = field(default_factory=JumpingClock)
    heard: list[Event] = field(default_factory=list)

    def sent(self, count: int, first: int = 0) -> list[bytes]:
        """So many accepted messages."""
        records = self.book.move(self.book.claim(range(first, first + count)), standing(Status.ACCEPTED))
        return [record.message_id for record in records]

    def hand_out(self, *pages: Sequence[Report] | Exception) -> None:
        """What the provider will say."""
        self.provider.pages.extend(each if isinstance(each, Exception) else page(each) for each in pages)

    def pull(self) -> int:
        """Pull; gives how many attempts moved."""
        return pull(self.provider, self.inbox, self.book.ledger, MAKER, self.clock, self.heard.append).moved

    def count(self, state: Status) -> int:
        """How many messages stand there."""
        return sum(tally.count for tally in self.book.ledger.tallies() if tally.state is state)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with an empty ledger and inbox; both are whole at the end."""
    book = memory_book()
    with Inbox(tmp_path / "inbox.db") as inbox:
        yield Desk(book, inbox)
    assert book.verified()
    book.ledger.close()


def of(message_ids: Sequence[bytes]) -> list[Report]:
    """A delivery report of each."""
    return [report(each, DELIVERED) for each in message_ids]


def test_to_the_end(desk: Desk) -> None:
    """Pages are pulled until one is empty or shorter than the last; all of them are merged."""
    ids = desk.sent(60)
    desk.hand_out(of(ids[:25]), of(ids[25:50]), of(ids[50:]))
    assert desk.pull() == 60
    assert desk.count(Status.DELIVERED) == 60
    assert desk.provider.asked == 3
    assert desk.inbox.size == 0
    assert desk.inbox.broke_off is False
    ended = [event for event in desk.heard if isinstance(event, PhaseEnded)]
    assert [event.note for event in ended] == ["60 pulled"]


def test_nothing_to_pull(desk: Desk) -> None:
    """An empty first page is the end; the ledger is left alone."""
    head = desk.book.ledger.head()
    assert desk.pull() == 0
    assert desk.provider.asked == 1
    assert desk.book.ledger.head() == head


def test_one_page_alone_is_not_the_end(desk: Desk) -> None:
    """Nobody says how long a page may be: one page is followed by a question for the next."""
    ids = desk.sent(5)
    desk.hand_out(of(ids))
    assert desk.pull() == 5
    assert desk.provider.asked == 2


def test_stored_before_used(desk: Desk) -> None:
    """When the next page is asked for, the last one is on the disk or in the ledger."""
    ids = desk.sent(30)
    desk.hand_out(of(ids[:10]), of(ids[10:20]), of(ids[20:]))
    kept: list[int] = []
    desk.provider.before = lambda: kept.append(desk.inbox.size + desk.count(Status.DELIVERED))
    desk.pull()
    assert kept[:3] == [0, 10, 20]


def test_left_by_a_crash(desk: Desk) -> None:
    """What an earlier process stored and did not merge comes first; merging it twice is no harm."""
    ids = desk.sent(10)
    desk.hand_out(of(ids))
    desk.provider.pages.append(StoppedEarly("gone"))
    done = desk.inbox.done
    desk.inbox.done = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        desk.pull()
    assert desk.inbox.size == 10
    assert desk.count(Status.DELIVERED) == 10
    desk.inbox.done = done  # type: ignore[method-assign]
    head = desk.book.ledger.head()
    assert drain(desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append).moved == 0
    assert desk.book.ledger.head() == head
    assert desk.inbox.size == 0


def test_a_page_that_does_not_arrive(desk: Desk) -> None:
    """Pages before it are merged, a person is told, and it is remembered until the logs were asked."""
    ids = desk.sent(20)
    desk.hand_out(of(ids[:10]), StoppedEarly("no answer"))
    with pytest.raises(StoppedEarly):
        desk.pull()
    assert desk.count(Status.DELIVERED) == 10
    assert "ZS661" in [event.code for event in desk.heard if isinstance(event, Warned)]
    assert desk.inbox.broke_off is True
    desk.hand_out(of(ids[10:]))
    desk.pull()
    assert desk.count(Status.DELIVERED) == 20
    assert desk.inbox.broke_off is True, "a good pull does not bring the lost page back"


def test_refused(desk: Desk) -> None:
    """A provider that refuses hands nothing out: nothing is lost."""
    desk.hand_out(ProviderRefused("no such call"))
    with pytest.raises(ProviderRefused):
        desk.pull()
    assert desk.inbox.broke_off is False


def test_asked_to_wait(desk: Desk) -> None:
    """A 429 is waited for, and is no page."""
    ids = desk.sent(5)
    desk.provider.pages.append(page([], throttled=7.0))
    desk.hand_out(of(ids))
    assert desk.pull() == 5
    assert desk.clock.seconds == 7.0
    assert [event.seconds for event in desk.heard if isinstance(event, Waiting)] == [7.0]


def test_others_and_forged(desk: Desk) -> None:
    """Reports of others and forged ones are put aside, and told."""
    (mine,) = desk.sent(1)
    forged = report(mine, proof="x" * 22)
    desk.hand_out([report("not-ours"), forged, report(mine, proof="")])
    assert desk.pull() == 1
    assert desk.inbox.aside() == {Aside.FOREIGN: 1, Aside.FORGED: 1}
    ended = [event for event in desk.heard if isinstance(event, PhaseEnded)]
    assert "2 of them not ours" in ended[-1].note


def test_merged_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long pull is merged in between, so that the inbox stays small."""
    monkeypatch.setattr(reports_module, "DRAIN_FROM", 10)
    ids = desk.sent(60)
    desk.hand_out(*(of(ids[start : start + 15]) for start in range(0, 60, 15)))
    sizes: list[int] = []
    desk.provider.before = lambda: sizes.append(desk.inbox.size)
    desk.pull()
    assert max(sizes) == 0


def test_no_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the inbox is full, nothing is pulled that could not be kept."""
    monkeypatch.setattr(reports_module, "LIMIT", -1)
    monkeypatch.setattr(reports_module, "DRAIN_FROM", 0)
    desk.hand_out(of(desk.sent(1)))
    with pytest.raises(LedgerError):
        desk.pull()
    assert desk.provider.asked == 0


def test_cannot_be_stored(desk: Desk) -> None:
    """A page that cannot be stored is not used; that it was handed out is remembered."""
    ids = desk.sent(3)
    desk.hand_out(of(ids))

    def fails(*_: object) -> int:
        raise LedgerError("the disk is full")

    desk.inbox.add = fails  # type: ignore[method-assign, assignment]
    with pytest.raises(LedgerError, match="full"):
        desk.pull()
    assert desk.count(Status.DELIVERED) == 0
    assert desk.inbox.broke_off is True


@pytest.mark.parametrize("error", [StoppedEarly("gone"), ProviderRefused("no")])
def test_what_was_taken_counts_also_where_the_pull_breaks_off(desk: Desk, error: Exception) -> None:
    """A page that does not come does not hide what the pages before it said: alarms above all."""
    stray = IDENTITY.message_id(IDENTITY.message("nobody knows it"), 1)
    desk.hand_out([report(stray)], error)
    taken = Taken()
    with pytest.raises(type(error)):
        pull(desk.provider, desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append, taken)
    drained = drain(desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append)
    assert taken.alarming + drained.alarming == 1
    assert (taken.alarming == 1) is isinstance(error, StoppedEarly)


def test_a_backlog_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog is merged part by part; stopped in between, the next merges the rest and nothing twice."""
    merged: list[int] = []

    def take(*given: Any) -> Taken:
        merged.append(len(given[1].zalo))
        if len(merged) == 3:
            raise KeyboardInterrupt
        return take_evidence(*given)

    monkeypatch.setattr(reports_module, "take_evidence", take)
    desk.inbox.add(sift(of(desk.sent(10)), MAKER, trusted=True), 0)
    with pytest.raises(KeyboardInterrupt):
        drain(desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append, chunk=3)
    assert (desk.count(Status.DELIVERED), desk.inbox.size) == (6, 4)
    drain(desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append, chunk=3)
    assert (desk.count(Status.DELIVERED), desk.inbox.size) == (10, 0)
    assert merged == [3, 3, 3, 3, 1]
    assert desk.inbox._value("SELECT COUNT(*) FROM waiting") == 0
    desk.inbox.add(sift(of(desk.sent(2, first=50)), MAKER, trusted=True), 0)  # numbers begin anew
    assert desk.inbox.size == 2
    assert drain(desk.inbox, desk.book.ledger, MAKER, desk.clock, desk.heard.append).moved == 2
