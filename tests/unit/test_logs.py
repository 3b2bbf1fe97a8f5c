"""Unknown messages asked for in the logs: found is merged, absent is noted, old is given up if so wished."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import NOON, Book, memory_book
from tests.support.reports import DELIVERED, MAKER, page, report
from tests.support.scripted import JumpingClock
from zalosync.compose.message import Cause, Status, message_id_bytes, message_id_text
from zalosync.errors import StoppedEarly
from zalosync.events import Event, Settled, Waiting
from zalosync.infobip.evidence import Page
from zalosync.ledger.records import Standing
from zalosync.refresh.asking import Logs
from zalosync.refresh.logs import EVIDENCE_SECONDS, SETTLE_SECONDS, settle
from zalosync.refresh.throttle import LogThrottle

HOUR = 3600


@dataclass(slots=True)
class Provider:
    """Logs that know of some messages.

    Attributes:
        knows: message ids.
        date: the provider's clock in its answers.
        complete: whether pages are said to be complete.
        throttles: how often the provider itself says 429 first.
    """

    knows: set[bytes] = field(default_factory=set)
    date: datetime | None = NOON + timedelta(hours=1)
    complete: bool = True
    throttles: int = 0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def logs(self, *, message_ids: Sequence[str] = (), **_more: Any) -> Page:
        """Rows of these messages."""
        if self.throttles:
            self.throttles -= 1
            return page([], throttled=6.0, date=self.date)
        self.asked.append(tuple(message_ids))
        rows = [
            report(message_id, DELIVERED, proof="")
            for text in message_ids
            if (message_id := message_id_bytes(text)) in self.knows and message_id is not None
        ]
        return page(rows, complete=self.complete, date=self.date)


@dataclass(slots=True)
class Desk:
    """A ledger, a provider, and what is heard."""

    book: Book
    folder: Path
    provider: Provider = field(default_factory=Provider)
    heard: list[Event] = field(default_factory=list)
    clock: JumpingClock = field(default_factory=lambda: JumpingClock(NOON + timedelta(hours=1)))
    per_minute: int = 10

    def settle(self, *, wait: bool = False, room: int = 400, **more: Any) -> Settled:
        """Look for evidence."""
        throttle = LogThrottle(self.folder / "throttle", self.per_minute)
        logs = Logs(self.provider, throttle, self.clock, self.heard.append, wait=wait, room=room)
        settled, _ = settle(logs, self.book.ledger, MAKER.made, self.clock, self.heard.append, **more)
        return settled


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with an empty ledger, which is whole at the end."""
    book = memory_book()
    yield Desk(book, tmp_path)
    assert book.verified()
    book.ledger.close()


def test_found_and_absent(desk: Desk) -> None:
    """Who is in the logs was sent to; who is not stays unknown, with the time of the provider's clock."""
    records = [desk.book.put(number, Status.UNKNOWN) for number in range(30)]
    desk.provider.knows = {record.message_id for record in records[:12]}
    assert desk.settle() == Settled(12, 18)
    states = [record.state for record in desk.book.again(records)]
    assert states == [Status.DELIVERED] * 12 + [Status.UNKNOWN] * 18
    absent = {record.absent_at for record in desk.book.again(records[12:])}
    assert desk.provider.date is not None
    assert absent == {int(desk.provider.date.timestamp())}
    asked = [text for texts in desk.provider.asked for text in texts]
    assert len(asked) == len(set(asked)) == 30


def test_nothing_unknown(desk: Desk) -> None:
    """Without doubt nobody is asked."""
    desk.book.put("a", Status.ACCEPTED)
    assert desk.settle() == Settled(0, 0)
    assert desk.provider.asked == []
    assert desk.heard == []


def test_never_released(desk: Desk) -> None:
    """Absence is no proof: however often a message is absent, it is not released."""
    record = desk.book.put("a", Status.UNKNOWN)
    for hours in (1, 10, 30, 46):
        desk.provider.date = NOON + timedelta(hours=hours)
        assert desk.settle() == Settled(0, 1)
    assert desk.book.again([record])[0].state is Status.UNKNOWN


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda provider: setattr(provider, "complete", False), "the page was full"),
        (lambda provider: setattr(provider, "date", None), "the provider did not tell its time"),
        (lambda provider: setattr(provider, "date", NOON + timedelta(minutes=10)), "it came too soon"),
        (lambda provider: setattr(provider, "date", NOON + timedelta(hours=47.5)), "it came too late"),
    ],
)
def test_absence_that_says_nothing(desk: Desk, change: Callable[[Provider], None], why: str) -> None:
    """Absence is noted only where it says something."""
    record = desk.book.put("a", Status.UNKNOWN)
    change(desk.provider)
    assert desk.settle().remaining == 1
    assert desk.book.again([record])[0].absent_at is None, why


@pytest.mark.parametrize(("wait", "pages"), [(False, 3), (True, 10)])
def test_within_the_limit(desk: Desk, *, wait: bool, pages: int) -> None:
    """Where nobody waits, one minute's allowance is used and the rest stays unknown; else all are asked."""
    desk.per_minute = 3
    for number in range(100):
        desk.book.put(number, Status.UNKNOWN)
    desk.settle(wait=wait)
    assert len(desk.provider.asked) == pages
    waits = [event for event in desk.heard if isinstance(event, Waiting)]
    assert bool(waits) is wait
    assert (desk.clock.seconds > 0) is wait


def test_the_provider_says_later(desk: Desk) -> None:
    """The provider's own 429 is waited for, or ends the asking where nobody waits."""
    desk.book.put("a", Status.UNKNOWN)
    desk.provider.throttles = 1
    assert desk.settle(wait=False) == Settled(0, 1)
    assert desk.provider.asked == []
    desk.provider.throttles = 1
    assert desk.settle(wait=True).remaining == 1
    assert len(desk.provider.asked) == 1
    assert desk.clock.seconds == 6.0


def test_absent_ones_are_left_for_a_while(desk: Desk) -> None:
    """With a pause set, those that were absent just now are not asked for again: others get their turn."""
    for number in range(20):
        desk.book.put(number, Status.UNKNOWN)
    desk.settle()
    desk.provider.asked.clear()
    new = desk.book.put("new", Status.UNKNOWN)
    logs = Logs(desk.provider, LogThrottle(desk.folder / "other", 10), desk.clock, print, wait=False)
    logs.date = desk.provider.date
    settle(logs, desk.book.ledger, MAKER.made, desk.clock, desk.heard.append, again_after=HOUR)
    assert desk.provider.asked == [(message_id_text(new.message_id),)]


def test_given_up(desk: Desk) -> None:
    """Where the campaign says so, what nothing can be learned of any more is abandoned; the cause stays."""
    (record,) = desk.book.claim(["a"])
    (unknown,) = desk.book.move([record], Standing(Status.UNKNOWN, Cause.NOANSWER))
    desk.provider.date = NOON + timedelta(seconds=EVIDENCE_SECONDS - 60)
    desk.settle(giving_up={desk.book.campaign})
    assert desk.book.again([unknown])[0].state is Status.UNKNOWN
    desk.provider.date = NOON + timedelta(seconds=EVIDENCE_SECONDS + 60)
    assert desk.settle() == Settled(0, 1)
    desk.settle(giving_up={desk.book.campaign + 1})
    assert desk.book.again([unknown])[0].state is Status.UNKNOWN
    assert desk.settle(giving_up={desk.book.campaign}) == Settled(0, 0)
    (given_up,) = desk.book.again([unknown])
    assert (given_up.state, given_up.cause) == (Status.ABANDONED, Cause.NOANSWER)


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(days=1), -timedelta(days=1)])
@pytest.mark.parametrize(
    ("age", "asked", "noted", "given_up"),
    [
        (timedelta(minutes=16, seconds=29), True, False, False),
        (timedelta(minutes=16, seconds=30), True, True, False),
        (timedelta(hours=46, minutes=59, seconds=59), True, True, False),
        (timedelta(hours=47), True, False, True),
        (timedelta(hours=47, minutes=14, seconds=59), True, False, True),
        (timedelta(hours=47, minutes=15), False, False, True),
        (timedelta(hours=47, minutes=59), False, False, True),
        (timedelta(hours=48), False, False, True),
        (timedelta(hours=48, minutes=1), False, False, True),
        (timedelta(days=400), False, False, True),
    ],
    ids=str,
)
def test_borders_by_the_providers_clock(
    desk: Desk, jump: timedelta, age: timedelta, *, asked: bool, noted: bool, given_up: bool
) -> None:
    """How old evidence is, the provider's clock says; ours may be a day off. Nothing is ever released."""
    record = desk.book.put("a", Status.UNKNOWN)
    date = datetime.fromtimestamp(record.created_at, UTC) + age
    desk.provider.date, desk.clock = date, JumpingClock(date + jump)
    for campaigns in (set[int](), {desk.book.campaign}):
        logs = Logs(desk.provider, LogThrottle(desk.folder / "t", 10), desk.clock, print, wait=False)
        logs.date = date
        settle(logs, desk.book.ledger, MAKER.made, desk.clock, desk.heard.append, giving_up=campaigns)
        (now,) = desk.book.again([record])
        assert bool(desk.provider.asked) is asked
        assert (now.absent_at is not None) is noted
        assert now.state is (Status.ABANDONED if given_up and campaigns else Status.UNKNOWN)


def test_too_old_to_ask(desk: Desk) -> None:
    """Once the provider's clock is known, what its logs have forgotten is not asked for."""
    for number in range(40):
        desk.book.put(number, Status.UNKNOWN)
    logs = Logs(desk.provider, LogThrottle(desk.folder / "throttle", 10), desk.clock, print, wait=False)
    logs.date = NOON + timedelta(seconds=EVIDENCE_SECONDS + SETTLE_SECONDS + HOUR)
    settled, _ = settle(logs, desk.book.ledger, MAKER.made, desk.clock, desk.heard.append)
    assert settled == Settled(0, 40)
    assert desk.provider.asked == []


def test_no_answer(desk: Desk) -> None:
    """Where the provider does not answer, what was found before is kept, and the error is passed on."""
    records = [desk.book.put(number, Status.UNKNOWN) for number in range(30)]
    desk.provider.knows = {record.message_id for record in records}
    ask = desk.provider.logs

    class Breaks:
        calls = 0

        def logs(self, **filters: Any) -> Page:
            self.calls += 1
            if self.calls == 2:
                raise StoppedEarly("no answer")
            return ask(**filters)

    throttle = LogThrottle(desk.folder / "throttle", 10)
    logs = Logs(Breaks(), throttle, desk.clock, desk.heard.append, wait=False, room=400)
    with pytest.raises(StoppedEarly):
        settle(logs, desk.book.ledger, MAKER.made, desk.clock, desk.heard.append)
    states = {record.state for record in desk.book.again(records)}
    assert states == {Status.DELIVERED, Status.UNKNOWN}
