"""Windows and quiet hours at each change of clocks from 2024 to 2030, held against a calendar."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from zalosync.spec.values import WEEKDAYS, Reading, Weekday
from zalosync.spec.window import DeliveryTimeWindow, QuietHours, UtcWindow

# Both hemispheres, half an hour of daylight saving, odd offsets, and both ends of the calendar.
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham")
STEADY = ("Asia/Ho_Chi_Minh", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC")
TIMES = (("08:00", "21:00"), ("00:00", "01:00"), ("23:00", "00:00"), ("02:30", "06:15"), ("20:00", "02:00"))
DAYS: tuple[tuple[Weekday, ...], ...] = (("MONDAY",), ("SATURDAY", "SUNDAY"), WEEKDAYS)
HALF_HOUR, DAY = timedelta(minutes=30), timedelta(days=1)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """The first moments after each change of a zone's clocks."""
    zone, found = ZoneInfo(name), []
    day = datetime(2024, 1, 1, tzinfo=UTC)
    while day.year <= 2030:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            times = [day + step * HALF_HOUR for step in range(49)]
            found += [
                later
                for at, later in pairwise(times)
                if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
            ]
        day += DAY
    return tuple(found)


def moments(name: str) -> Iterator[datetime]:
    """Right before and right after each change; of a zone without any, some moment."""
    for change in changes(name):
        yield from (change - timedelta(seconds=1), change)
    if not changes(name):
        yield datetime(2026, 11, 23, 12, tzinfo=UTC)


def opened(start: tuple[int, int] | None, end: tuple[int, int] | None, days: tuple[Weekday, ...]) -> set[int]:
    """The minutes of a week (from Monday's midnight) in which a window is open, by going through them."""
    first = 0 if start is None else start[0] * 60 + start[1]
    last = 1440 if end is None else end[0] * 60 + end[1]
    length = (last - first) % 1440 or 1440
    found = set()
    for day in days:
        opens = WEEKDAYS.index(day) * 1440 + first
        found |= {minute % 10_080 for minute in range(opens, opens + length)}
    return found


def test_there_are_changes() -> None:
    """Two a year in each of the zones that are meant to have some, none in the others."""
    assert {len(changes(name)) for name in CHANGING} == {14}
    assert {len(changes(name)) for name in STEADY} == {0}


@pytest.mark.parametrize("name", CHANGING + STEADY)
def test_windows(name: str) -> None:
    """A window in UTC is open in the very minutes of the written one, at the offset of its moment."""
    for start, end in TIMES:
        for days in DAYS:
            written = json.dumps({"days": days, "from": start, "to": end, "timezone": name})
            window = DeliveryTimeWindow.model_validate_json(written, context=Reading(None))
            local = opened(_parts(start), _parts(end), days)
            for offset, found in {_offset(name, at): window.utc(at) for at in moments(name)}.items():
                assert {(minute - offset) % 10_080 for minute in local} == _in_utc(found), (written, offset)
                assert found.wraps == _runs_over_midnight(found)


def _offset(name: str, at: datetime) -> int:
    offset = at.astimezone(ZoneInfo(name)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)


def _parts(clock: str) -> tuple[int, int]:
    return int(clock[:2]), int(clock[3:])


def _in_utc(window: UtcWindow) -> set[int]:
    return opened(window.from_time, window.to_time, window.days)


def _runs_over_midnight(window: UtcWindow) -> bool:
    """Whether the window closes at midnight or later; what the provider makes of 00:00 is not documented."""
    assert window.from_time is not None
    assert window.to_time is not None
    return window.to_time <= window.from_time


@pytest.mark.parametrize("name", CHANGING + STEADY)
@pytest.mark.parametrize(("start", "end"), [("22:00", "06:00"), ("01:15", "02:45"), ("23:30", "00:30")])
def test_quiet_hours(name: str, start: str, end: str) -> None:
    """Quiet ends with the first moment whose wall time is not quiet, whatever the clocks do meanwhile."""
    written = json.dumps({"from": start, "to": end, "timezone": name})
    quiet = QuietHours.model_validate_json(written, context=Reading(None))
    zone = ZoneInfo(name)
    for change in changes(name) or (datetime(2026, 11, 23, 12, tzinfo=UTC),):
        for minutes in range(-180, 181, 30):
            at = change + timedelta(minutes=minutes, seconds=minutes % 7)
            assert quiet.quiet_at(at) == _within(at.astimezone(zone), start, end)
            ends = quiet.ends_after(at)
            # The minute before it is quiet, and each one since `at`.
            before = (
                at + timedelta(minutes=step) for step in range(int((ends - at).total_seconds() / 60) + 1)
            )
            assert all(_within(each.astimezone(zone), start, end) for each in before if each < ends)
            assert not _within(ends.astimezone(zone), start, end)
            assert ends.tzinfo is UTC
            # The same moment, told in any zone.
            assert quiet.ends_after(at.astimezone(zone)) == ends


def _within(local: datetime, start: str, end: str) -> bool:
    now, first, last = (local.hour, local.minute), _parts(start), _parts(end)
    return first <= now < last if first < last else now >= first or now < last
