"""What the provider lets a sender send, held against all campaigns of a plan together. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from zalosync.plan.pending import Load
from zalosync.plan.timing import day_of
from zalosync.spec.findings import Finding


@dataclass(frozen=True, slots=True)
class SenderQuota:
    """What a sender may still send, as the provider said it.

    Attributes:
        daily: messages a day; None where the provider does not say.
        remaining_daily: of them, left today.
        remaining_promotion: promotional messages left this month.
        asked_at: when the provider said so.
        problem: why nothing is known; empty where the provider answered.
    """

    daily: int | None = None
    remaining_daily: int | None = None
    remaining_promotion: int | None = None
    asked_at: datetime | None = None
    problem: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known at all."""
        return (self.daily, self.remaining_daily, self.remaining_promotion) != (None, None, None)


def quota_findings(
    loads: Sequence[Load], quotas: Mapping[str, SenderQuota], now: datetime
) -> Iterator[Finding]:
    """What the quotas say of a plan's messages, by sender.

    Args:
        loads: what all campaigns of the plan send, and what earlier plans have still to send: those of one
            sender share its quota.
        quotas: by sender.
        now: aware.
    """
    for sender in sorted({load.sender for load in loads if not load.before}):
        quota = quotas.get(sender)
        if quota is None or not quota.known:
            why = f" ({quota.problem})" if quota is not None and quota.problem else ""
            yield Finding("quota-unknown", "warn", f"the quota of sender {sender} is not known{why}")
            continue
        mine = [load for load in loads if load.sender == sender]
        yield from _daily(sender, mine, quota, day_of(now))
        yield from _promotion(sender, mine, quota, day_of(now))


def _daily(sender: str, loads: Sequence[Load], quota: SenderQuota, today: date) -> Iterator[Finding]:
    for day in sorted({day for load in loads if not load.before for day in load.days}):
        limit = quota.remaining_daily if day == today and quota.remaining_daily is not None else quota.daily
        count = sum(load.days.get(day, 0) for load in loads)
        if limit is not None and count > limit:
            when = "messages left today" if day == today else f"messages a day, on {day}"
            yield _exceeded(sender, limit, when, loads, [day], f"on {day} (quota of the day)")


def _promotion(sender: str, loads: Sequence[Load], quota: SenderQuota, today: date) -> Iterator[Finding]:
    """Only this month's: what is left of the next is not known."""
    promotional = [load for load in loads if load.tag == "PROMOTION"]
    month = [
        day for load in promotional for day in load.days if (day.year, day.month) == (today.year, today.month)
    ]
    days = sorted(set(month))
    limit = quota.remaining_promotion
    fresh = sum(load.days.get(day, 0) for load in promotional if not load.before for day in days)
    count = sum(load.days.get(day, 0) for load in promotional for day in days)
    if limit is not None and fresh and count > limit:
        when = "promotional messages this month"
        yield _exceeded(sender, limit, when, promotional, days, f"in {today:%Y-%m} (quota of promotions)")


def _exceeded(
    sender: str, limit: int, when: str, loads: Sequence[Load], days: Sequence[date], until: str
) -> Finding:
    fresh, before = (
        [(load, count) for load in loads if load.before is old and (count := _sum(load, days))]
        for old in (False, True)
    )
    planned, earlier = sum(count for _, count in fresh), sum(count for _, count in before)
    message = (
        f"sender {sender} may send {limit:,} {when}, and the plan has {planned:,}"
        f" ({', '.join(load.name for load, _ in fresh)})"
    )
    if earlier:
        names = ", ".join(sorted({load.name for load, _ in before}))
        message += f" beside {earlier:,} that are held or scheduled already ({names})"
    over = planned + earlier - limit
    message += f"; {until} the provider would refuse the rest, {over:,}: move or spread them by `schedule`"
    largest = max(fresh, key=lambda each: each[1])[0].campaign
    place = None if largest is None else largest.place("spec.schedule")
    return Finding("quota-exceeded", "error", message, place=place, count=over)


def _sum(load: Load, days: Sequence[date]) -> int:
    return sum(load.days.get(day, 0) for day in days)
