"""When a campaign's messages would leave, how many cannot in time, and from when nothing can be undone.

Pure. Uses the slots that apply gives out, so that what a plan promises is what apply does. How fast requests
go out where no speed limit says so is not known before, and not guessed: such a campaign ends as it starts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from zalosync.plan.pace import Slots, opening
from zalosync.spec.model import MAX_VALIDITY_SECONDS, CampaignSpec
from zalosync.spec.values import minutes_of
from zalosync.spec.window import QuietHours

# Zalo counts by the Vietnamese day, as far as public material tells.
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Irrevocable(StrEnum):
    """From when on a message cannot be recalled."""

    AT_ONCE = "at-once"  # as soon as it is applied: it goes out
    HANDED_OVER = "handed-over"  # as soon as it is applied: the provider has it, to send it later
    WHEN_DUE = "when-due"  # we hold it until its time; until then `cancel` ends it


@dataclass(frozen=True, slots=True)
class Hours:
    """A delivery window in UTC, as `pace` reads it."""

    days: tuple[str, ...]
    start: tuple[int, int] | None
    end: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Timing:
    """When so many messages of a campaign leave.

    Attributes:
        count: how many.
        starts_at: when the first one leaves; aware, UTC.
        ends_at: when the last one that can leave has left.
        late: how many cannot leave in time.
        why: what they are too late for: `expiresAt` or `validityPeriod`; empty where none is late.
        irrevocable: from when on they cannot be recalled.
        reach: by when the last one is delivered or given up.
        quiet: by place among the quiet hours asked about, how many would leave in them.
        days: how many leave on which Vietnamese day; those that are late on none.
    """

    count: int
    starts_at: datetime
    ends_at: datetime
    late: int
    why: str
    irrevocable: Irrevocable
    reach: datetime
    quiet: Counter[int] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)


def day_of(at: datetime) -> date:
    """The day on which a message counts against a quota."""
    return at.astimezone(ZONE).date()


def kept(spec: CampaignSpec, now: datetime) -> bool:
    """Whether we keep a campaign's messages ourselves, since their time has not come."""
    schedule = spec.schedule
    return schedule.mode == "hold" and schedule.send_at is not None and schedule.send_at > now


def timing_of(
    spec: CampaignSpec,
    count: int,
    *,
    now: datetime,
    last_slot: datetime | None,
    batch_size: int,
    quiet: Sequence[QuietHours] = (),
) -> Timing:
    """When `count` messages of a campaign would leave if they were applied now.

    Args:
        spec: the campaign's.
        count: messages to be sent.
        now: aware.
        last_slot: the end of the last slot that earlier runs gave out, or None.
        batch_size: messages per request.
        quiet: hours about which it is asked how many messages leave in them.
    """
    schedule = spec.schedule
    limit, window = schedule.sending_speed_limit, hours_of(spec)
    due = max(now, schedule.send_at or now)
    validity = timedelta(
        seconds=spec.validity_period.seconds if spec.validity_period else MAX_VALIDITY_SECONDS
    )
    if limit is None:
        return _together(spec, count, now, window, validity, quiet)
    slots = Slots(max(due, last_slot or due), limit.amount / limit.unit_seconds, window, schedule.expires_at)
    first = last = None
    left, hushed, days = count, Counter[int](), Counter[date]()
    while left:
        size = min(batch_size, left)
        slot = slots.next(size)
        if slot is None:
            break
        first, last = first or slot, slot
        left -= size
        days[day_of(slot.start)] += size
        hushed.update({place: size for place, each in enumerate(quiet) if each.quiet_at(slot.start)})
    begin, end = (first.start, last.end) if first and last else (slots.free, slots.free)
    return Timing(
        count,
        _utc(begin),
        _utc(end),
        left,
        "expiresAt" if left else "",
        irrevocable_of(spec, now),
        _utc(end + validity),
        hushed,
        days,
    )


def _together(
    spec: CampaignSpec,
    count: int,
    now: datetime,
    window: Hours | None,
    validity: timedelta,
    quiet: Sequence[QuietHours],
) -> Timing:
    """All messages at one time: without a speed limit nothing spreads them."""
    due = max(now, spec.schedule.send_at or now)
    leaves = due if window is None else opening(window, due, 0.0)
    expires = spec.schedule.expires_at
    why = ""
    if expires is not None and leaves >= expires:
        why = "expiresAt"
    elif leaves - due >= validity:
        why = "validityPeriod"
    hushed = Counter({place: count for place, each in enumerate(quiet) if each.quiet_at(leaves)})
    irrevocable = irrevocable_of(spec, now)
    late = count if why else 0
    days = Counter({} if why else {day_of(leaves): count})
    reach = _utc(due + validity)
    return Timing(count, _utc(leaves), _utc(leaves), late, why, irrevocable, reach, hushed, days)


def irrevocable_of(spec: CampaignSpec, now: datetime) -> Irrevocable:
    """From when on messages of a campaign cannot be recalled."""
    schedule = spec.schedule
    if schedule.send_at is not None and schedule.send_at > now:
        return Irrevocable.WHEN_DUE if schedule.mode == "hold" else Irrevocable.HANDED_OVER
    if schedule.sending_speed_limit is not None and schedule.mode == "provider":
        return Irrevocable.HANDED_OVER
    return Irrevocable.AT_ONCE


def hours_of(spec: CampaignSpec) -> Hours | None:
    """The campaign's delivery window in UTC, by the offset at the time of sending; None: always open."""
    written = spec.schedule.delivery_time_window
    if written is None:
        return None
    utc = written.utc(spec.schedule.send_at)
    return Hours(utc.days, utc.from_time, utc.to_time)


def shut_in(spec: CampaignSpec, quiet: QuietHours, at: datetime) -> bool:
    """Whether the campaign's delivery window never meets the quiet hours, in the week from `at`."""
    window = hours_of(spec)
    if window is None:
        return False
    moment = at
    for _ in range(8):
        opens = opening(window, moment, 0.0)
        closes = _closing(window, opens)
        if first_quiet(quiet, opens, closes) is not None:
            return False
        moment = closes
    return True


def _closing(window: Hours, opens: datetime) -> datetime:
    midnight = opens.replace(hour=0, minute=0, second=0, microsecond=0)
    if window.start is None or window.end is None:
        return midnight + timedelta(days=1)
    closes = midnight + timedelta(hours=window.end[0], minutes=window.end[1])
    return closes if closes > opens else closes + timedelta(days=1)


def first_quiet(quiet: QuietHours, at: datetime, until: datetime) -> datetime | None:
    """The first quiet moment from `at` on and before `until`, or None."""
    if quiet.quiet_at(at):
        return at if at < until else None
    local = at.astimezone(ZoneInfo(quiet.timezone))
    hour, minute = divmod(minutes_of(quiet.from_), 60)
    begins = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if begins <= local:
        begins += timedelta(days=1)
    return begins.astimezone(UTC) if begins < until else None


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
