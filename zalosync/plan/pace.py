"""When each batch of a campaign may go out, so that the whole campaign keeps its speed limit. Pure.

The provider's limit is per request, so a campaign of many requests is given slots one after another:
as `sendAt` where the provider keeps the time, as the earliest moment to send where we do. Slots lie inside
the delivery window, since a batch that waits for the window to open would go out together with the next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from zalosync.errors import InternalError

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
SLOT_NOTE = "slot:"  # the ledger's note of the last slot that a campaign gave out, by its first name
_MINUTES_A_DAY = 1440


class Window(Protocol):
    """A delivery window in UTC."""

    @property
    def days(self) -> tuple[str, ...]: ...  # noqa: D102 - MONDAY … SUNDAY
    @property
    def start(self) -> tuple[int, int] | None: ...  # noqa: D102 - hour, minute
    @property
    def end(self) -> tuple[int, int] | None: ...  # noqa: D102 - hour, minute; before `start`: past midnight


@dataclass(frozen=True, slots=True)
class Slot:
    """The time that one batch takes up: it starts at `start`, the next one not before `end`."""

    start: datetime
    end: datetime


@dataclass(slots=True)
class Slots:
    """Gives out slots, in order.

    Attributes:
        free: from when on nothing is given out yet.
        per_second: messages; None: no limit, all slots start as soon as the window lets them.
        window: None: always open.
        expires: no slot ends after it.
    """

    free: datetime
    per_second: float | None = None
    window: Window | None = None
    expires: datetime | None = None

    def next(self, count: int) -> Slot | None:
        """The slot of `count` messages, or None where none ends in time; then none ever will."""
        seconds = 0.0 if self.per_second is None else count / self.per_second
        start = self.free if self.window is None else opening(self.window, self.free, seconds)
        slot = Slot(start, start + timedelta(seconds=seconds))
        if self.expires is not None and (slot.end > self.expires or start >= self.expires):
            return None
        self.free = slot.end
        return slot

    def later(self, count: int, now: datetime) -> Slot | None:
        """The same for messages that missed theirs: after all that were given out, and not before now."""
        self.free = max(self.free, now)
        return self.next(count)


def opening(window: Window, at: datetime, seconds: float) -> datetime:
    """The first moment from `at` on at which the window is open and stays so for `seconds`.

    Work that takes longer than the window is ever open starts when it opens.
    """
    for ahead in range(-1, 9):
        day = (at + timedelta(days=ahead)).replace(hour=0, minute=0, second=0, microsecond=0)
        if DAYS[day.weekday()] not in window.days:
            continue
        opens, closes = _bounds(window, day)
        start = max(opens, at)
        if start >= closes:
            continue
        fits = start + timedelta(seconds=seconds) <= closes
        if fits or (start == opens and timedelta(seconds=seconds) > closes - opens):
            return start
    raise InternalError("a delivery window never opens")


def _bounds(window: Window, day: datetime) -> tuple[datetime, datetime]:
    if window.start is None or window.end is None:
        return day, day + timedelta(days=1)
    start = window.start[0] * 60 + window.start[1]
    end = window.end[0] * 60 + window.end[1]
    if end <= start:
        end += _MINUTES_A_DAY
    return day + timedelta(minutes=start), day + timedelta(minutes=end)
