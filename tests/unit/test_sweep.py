"""Logs gone through by time, by the provider's clock alone: ours may be a day off, either way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import NOON, Book, memory_book, standing
from tests.support.reports import DELIVERED, MAKER, page, report
from tests.support.scripted import JumpingClock
from zalosync.compose.message import Status, message_id_bytes
from zalosync.infobip.evidence import Page
from zalosync.refresh.asking import Logs
from zalosync.refresh.late import AHEAD, awaited
from zalosync.refresh.sweep import LAG, Awaited, compare, heal
from zalosync.refresh.take import Taken
from zalosync.refresh.throttle import LogThrottle

DAY = timedelta(days=1)
KEPT = timedelta(hours=48)
JUMPS = [timedelta(0), DAY, -DAY]


@dataclass(slots=True)
class Provider:
    """Logs that forget after 48 hours, with a clock of their own.

    Attributes:
        now: its clock.
        sent: when it got each message.
        most: rows of a page.
    """

    now: datetime = NOON
    sent: dict[bytes, datetime] = field(default_factory=dict)
    most: int = 1000
    asked: list[dict[str, Any]] = field(default_factory=list)

    def logs(self, **filters: Any) -> Page:
        """Rows of these messages, or of this stretch of time; newest first, bounds included."""
        self.asked.append(filters)
        wanted = {message_id_bytes(text) for text in filters.get("message_ids", ())}
        since, until = filters.get("since"), filters.get("until")
        rows = [
            report(message_id, DELIVERED, proof="")
            for message_id, at in sorted(self.sent.items(), key=lambda each: each[1], reverse=True)
            if self.now - KEPT < at <= self.now
            and (not wanted or message_id in wanted)
            and (since is None or at >= since)
            and (until is None or at <= until)
        ]
        limit = min(self.most, filters.get("limit", 1000))
        return page(rows[:limit], complete=len(rows) < limit, date=self.now.replace(microsecond=0))


@dataclass(slots=True)
class Desk:
    """A ledger, a provider, and this machine's clock."""

    book: Book
    folder: Path
    provider: Provider = field(default_factory=Provider)
    jump: timedelta = timedelta(0)

    def logs(self, *, known: bool = False) -> Logs:
        """The logs as a command finds them; `known`: the provider has told its time by some other answer."""
        throttle = LogThrottle(self.folder / "throttle", 10_000)
        found = Logs(self.provider, throttle, self.clock, lambda _: None, wait=False)
        found.date = self.provider.now if known else None
        return found

    @property
    def clock(self) -> JumpingClock:
        """This machine's."""
        return JumpingClock(self.provider.now + self.jump)

    def compare(self) -> Taken:
        """Hold the logs against the ledger."""
        return compare(self.logs(), self.book.ledger, MAKER.made, self.clock, lambda _: None)

    def heal(self, *, known: bool = False) -> tuple[int, bool]:
        """Ask for every outcome, as after a page that was lost; gives how many were found, and if all was."""
        logs = self.logs(known=known)
        now = logs.ask_date() or self.clock.now()
        waiting = awaited({}, {"order-shipped": self.book.campaign}, {}, now, everything=True)
        taken, whole = heal(logs, self.book.ledger, MAKER.made, self.clock, lambda _: None, waiting)
        return taken.moved, whole

    def accepted(self, count: int, first: int = 0) -> list[bytes]:
        """Messages that this ledger sent at noon, and the provider got then."""
        records = self.book.move(self.book.claim(range(first, first + count)), standing(Status.ACCEPTED))
        self.provider.sent |= {record.message_id: NOON for record in records}
        return [record.message_id for record in records]

    def delivered(self) -> int:
        """How many messages are known to have been delivered."""
        return sum(each.count for each in self.book.ledger.tallies() if each.state is Status.DELIVERED)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with an empty ledger, which is whole at the end."""
    book = memory_book()
    yield Desk(book, tmp_path)
    assert book.verified()
    book.ledger.close()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("jump", JUMPS, ids=["right", "ahead", "behind"])
@pytest.mark.parametrize("count", [30, 300])
def test_a_lost_page_is_found_within_48_hours(
    desk: Desk, jump: timedelta, count: int, *, known: bool
) -> None:
    """At 47:59 by the provider's clock an outcome is found, at 48:01 no more; ours decides nothing."""
    desk.accepted(count)
    desk.jump = jump
    desk.provider.now = NOON + KEPT + timedelta(minutes=1)
    assert desk.heal(known=known) == (0, True)
    desk.provider.now = NOON + KEPT - timedelta(minutes=1)
    assert desk.heal(known=known) == (count, True)
    assert desk.delivered() == count


def test_written_down_by_a_clock_that_was_ahead(desk: Desk) -> None:
    """A clock that was a day ahead when messages were sent does not hide them where all are asked about."""
    desk.accepted(30)
    desk.provider.now = NOON - timedelta(seconds=AHEAD - 60)
    desk.provider.sent = dict.fromkeys(desk.provider.sent, desk.provider.now - timedelta(minutes=1))
    assert desk.heal() == (30, True)


@pytest.mark.parametrize("jump", JUMPS, ids=["right", "ahead", "behind"])
def test_nothing_is_left_out_of_comparing(desk: Desk, jump: timedelta) -> None:
    """What somebody else sends is found, whatever our clock said the time before."""
    stray = [stray_id(number) for number in range(6)]
    desk.jump = jump
    assert desk.compare().alarming == 0
    desk.jump = timedelta(0)
    for hours, message_id in enumerate(stray):
        desk.provider.sent[message_id] = NOON + timedelta(hours=hours, minutes=1)
    desk.provider.now = NOON + timedelta(hours=6)
    assert desk.compare().alarming == 6
    assert desk.compare().alarming == 0, "only what is new is gone through again"


@pytest.mark.parametrize("jump", JUMPS, ids=["right", "ahead", "behind"])
def test_the_first_comparing_looks_back_48_hours(desk: Desk, jump: timedelta) -> None:
    """Two days by the provider's clock, not by ours."""
    desk.jump = jump
    for number, hours in enumerate((0.1, 23, 25, 47.9, 48.1)):
        desk.provider.sent[stray_id(number)] = NOON - timedelta(hours=hours)
    assert desk.compare().alarming == 4


def test_late_rows_are_met_by_the_next_one(desk: Desk) -> None:
    """A row that comes into the logs late is met by the next comparing: it begins a while before the last."""
    desk.compare()
    desk.provider.sent[stray_id(1)] = NOON - LAG + timedelta(seconds=1)
    desk.provider.now = NOON + timedelta(hours=1)
    assert desk.compare().alarming == 1


def test_full_pages_are_halved(desk: Desk) -> None:
    """However many rows lie in a stretch, and all at one time: none is left out that a page can show."""
    ids = desk.accepted(400)
    desk.provider.sent = {
        message_id: NOON + timedelta(milliseconds=40 * number) for number, message_id in enumerate(ids)
    }
    desk.provider.most = 25
    desk.provider.now = NOON + timedelta(hours=1)
    assert desk.compare().moved == 400


def test_more_than_a_page_at_one_moment(desk: Desk) -> None:
    """Of messages that were all sent at the same `sendAt`, those that no page shows are asked for by ids."""
    desk.accepted(200)
    desk.provider.now = NOON + timedelta(hours=1)
    desk.provider.most = 60
    assert desk.heal() == (200, True)


def test_the_limit_cuts_it_short(desk: Desk) -> None:
    """Where the limit is reached before all was asked, that is said, and the next one goes on."""
    ids = desk.accepted(200)
    desk.provider.sent = {
        message_id: NOON + timedelta(seconds=5 * number) for number, message_id in enumerate(ids)
    }
    desk.provider.now = NOON + timedelta(hours=1)
    logs = desk.logs(known=True)
    logs.throttle = LogThrottle(desk.folder / "few", 2)
    waiting = [Awaited(desk.book.campaign, 0, int(NOON.timestamp()) + 3600)]
    desk.provider.most = 60
    taken, whole = heal(logs, desk.book.ledger, MAKER.made, desk.clock, lambda _: None, waiting)
    assert not whole
    assert 0 < taken.moved < len(ids)
    assert desk.heal() == (len(ids) - taken.moved, True)


def stray_id(number: int) -> bytes:
    """An id of this project's key that no ledger has."""
    from tests.support.hook import ids

    return ids(1, first=10_000 + number)[0]
