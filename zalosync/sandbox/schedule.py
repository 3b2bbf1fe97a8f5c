"""When a message may go out: start, place in the queue, window, validity. Pure; milliseconds UTC."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from zalosync.sandbox.settings import HOUR_MS, Settings
from zalosync.sandbox.shapes import DAYS

DAY_MS: Final = 24 * HOUR_MS
MAX_VALIDITY_MS: Final = 48 * HOUR_MS  # longer is silently cut to it, says the contract
MAX_AHEAD_MS: Final = 180 * DAY_MS
_UNIT_MS: Final = {
    "SECONDS": 1000,
    "MINUTES": 60_000,
    "HOURS": HOUR_MS,
    "MINUTE": 60_000,
    "HOUR": HOUR_MS,
    "DAY": DAY_MS,
}
_NIGHT_FROM, _NIGHT_TO = 22, 6  # hours in Viet Nam
_VIETNAM_MS: Final = 7 * HOUR_MS  # UTC+7 all year


class Slot(NamedTuple):
    """When a message leaves for Zalo; `leaves_at` None says never, then it ends at `expires_at`."""

    leaves_at: int | None
    expires_at: int


def period_ms(period: dict[str, Any] | None, unit: str) -> int | None:
    """Length of a validity period or of the unit of a speed limit."""
    if period is None:
        return None
    return int(period["amount"]) * _UNIT_MS[period.get("timeUnit") or unit]


def interval_ms(limit: dict[str, Any] | None) -> float:
    """Milliseconds between two messages under a sending speed limit; 0 without one."""
    if limit is None:
        return 0.0
    return _UNIT_MS[limit.get("timeUnit") or "MINUTE"] / int(limit["amount"])


def slot(
    settings: Settings, options: dict[str, Any], *, accepted_at: int, send_at: int, turn_at: int
) -> Slot:
    """When a message goes out that is due at `send_at` and has its turn in the speed queue at `turn_at`."""
    length = period_ms(options.get("validityPeriod"), "MINUTES")
    length = MAX_VALIDITY_MS if length is None else min(length, MAX_VALIDITY_MS)
    start = accepted_at if settings.validity_start == "acceptance" else send_at
    leaves_at = opens_at(options.get("deliveryTimeWindow"), turn_at, settings)
    if settings.validity_start == "first_attempt":
        return Slot(leaves_at, leaves_at + length)
    if not settings.queue_uses_validity:
        start += turn_at - send_at
    expires_at = start + length
    if leaves_at > expires_at:
        at_once = settings.closed_window == "expire"
        return Slot(None, max(turn_at, accepted_at) if at_once else expires_at)
    return Slot(leaves_at, expires_at)


def opens_at(window: dict[str, Any] | None, moment: int, settings: Settings) -> int:
    """The first moment from `moment` on that lies in the window; the day in which it begins owns it."""
    if window is None:
        return moment
    days = {DAYS.index(name) for name in window["days"]}
    start, end = window.get("from"), window.get("to")
    first = _minutes(start) if start else 0
    length = (_minutes(end) - first) % 1440 if start and end else 1440
    midnight = moment - moment % DAY_MS
    ahead = first * 60_000 + _VIETNAM_MS if settings.window_days == "local" else 0
    for day in range(-1, 9):
        opens = midnight + day * DAY_MS + first * 60_000
        if _weekday(midnight + day * DAY_MS + ahead) in days and moment < opens + length * 60_000:
            return max(moment, opens)
    return moment  # unreachable: a window has a day, and nine days hold each of them


def _minutes(time_of_day: dict[str, int]) -> int:
    return time_of_day["hour"] * 60 + time_of_day["minute"]


def _weekday(moment: int) -> int:
    return (moment // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday


def is_night(moment: int) -> bool:
    """22:00 to 06:00 in Viet Nam: Zalo refuses some templates then (its error -133)."""
    hour = (moment + _VIETNAM_MS) % DAY_MS // HOUR_MS
    return hour >= _NIGHT_FROM or hour < _NIGHT_TO


def day_of(moment: int) -> int:
    """Number of the Vietnamese day: quotas are counted by it."""
    return (moment + _VIETNAM_MS) // DAY_MS


def month_of(moment: int) -> int:
    """Number of the Vietnamese month, as year * 12 + month."""
    at = datetime.fromtimestamp((moment + _VIETNAM_MS) / 1000, tz=UTC)
    return at.year * 12 + at.month - 1


def stamp(moment: int) -> str:
    """`2026-12-01T02:00:03.120+0000`, the way the API writes a time."""
    at = datetime.fromtimestamp(moment // 1000, tz=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}+0000"
