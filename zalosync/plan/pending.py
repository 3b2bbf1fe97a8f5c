"""What applied plans have still to send on which day: messages we hold, and those the provider keeps.

They use up the quota of their day as those of a new plan do. The provider counts when it sends, as far as is
known, so what it keeps for later is not yet in what it says is left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from zalosync.plan.decide import Action
from zalosync.plan.held import waiting
from zalosync.plan.history import History, Named, named
from zalosync.plan.pace import SLOT_NOTE
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.plan.timing import ZONE, Timing, day_of, timing_of
from zalosync.spec.loaded import LoadedCampaign, LoadedProject


@dataclass(frozen=True, slots=True)
class Load:
    """Messages of one campaign that count against its sender's quota.

    Attributes:
        name: of the campaign.
        days: how many on which day.
        before: whether they were planned by earlier plans.
        campaign: the campaign, where it is in the project.
    """

    name: str
    sender: str
    tag: str
    days: Mapping[date, int]
    before: bool = False
    campaign: LoadedCampaign | None = field(default=None, repr=False)


# A campaign of this mode sends beyond the quota of its own will, at a higher price.
_BEYOND = ("OVER_THE_LIMIT", "AUTO")


def loads(project: LoadedProject, plan: Plan, reader: History, now: datetime) -> list[Load]:
    """What counts against quotas: this plan's messages, and those of earlier ones that are still to leave."""
    held = _held(project, plan, reader)
    found: list[Load] = []
    mine = {campaign.loaded.first_name: campaign for campaign in plan.campaigns}
    notes = reader.notes()
    for loaded in project.campaigns:
        if loaded.campaign.spec.sending_mode in _BEYOND:
            continue
        last = notes.get(SLOT_NOTE + loaded.first_name)
        last_slot = None if last is None else datetime.fromisoformat(last)
        waits, fresh = held.get(loaded.first_name, 0), _to_send(mine.get(loaded.first_name))
        size = project.environment.batch_size
        earlier = _days(loaded, waits, now, last_slot, size)
        # Both share one speed limit, and what is held has the earlier slots.
        both = _days(loaded, waits + fresh, now, last_slot, size) if waits else _own(mine, loaded, fresh)
        found += [_load(loaded, earlier, before=True), _load(loaded, both - earlier, before=False)]
    found += _scheduled(reader, now)
    return [load for load in found if load.days]


def _load(loaded: LoadedCampaign, days: Mapping[date, int], *, before: bool) -> Load:
    spec = loaded.campaign.spec
    return Load(loaded.name, spec.sender, spec.template.tag, days, before, loaded)


def _to_send(campaign: CampaignPlan | None) -> int:
    return 0 if campaign is None else campaign.to_send


def _own(mine: Mapping[str, CampaignPlan], loaded: LoadedCampaign, fresh: int) -> Counter[date]:
    timing = mine[loaded.first_name].timing if fresh else None
    return Counter() if timing is None else Counter(timing.days)


def _days(
    loaded: LoadedCampaign, count: int, now: datetime, last_slot: datetime | None, batch_size: int
) -> Counter[date]:
    if not count:
        return Counter()
    timing: Timing = timing_of(
        loaded.campaign.spec, count, now=now, last_slot=last_slot, batch_size=batch_size
    )
    return timing.days


def _held(project: LoadedProject, plan: Plan, reader: History) -> dict[str, int]:
    """Held messages that will go out when they are due, by first name."""
    numbers, held = reader.campaigns(), waiting(reader)
    found = {each.first_name: held.get(numbers.get(each.first_name, 0), 0) for each in project.campaigns}
    for campaign in plan.campaigns:
        waits = campaign.messages.actions[Action.HELD] - campaign.waits.changed
        found[campaign.loaded.first_name] = waits
    return found


def _scheduled(reader: History, now: datetime) -> Iterator[Load]:
    """What the provider was handed to send later."""
    earlier = [each for each in named(reader.runs()) if _is_ahead(each, now)]
    if not earlier:
        return
    numbers, handed = reader.campaigns(), reader.handed(min(each.run for each in earlier))
    for each in earlier:
        count = handed.get((each.run, numbers.get(each.campaign, 0)), 0)
        days = _left(each, count, now)
        if days:
            yield Load(each.campaign, each.sender, each.tag, days, before=True)


def _is_ahead(each: Named, now: datetime) -> bool:
    provider = each.mode == "provider" and each.sending_mode not in _BEYOND
    return provider and each.ends_at is not None and each.ends_at > now


def _left(each: Named, count: int, now: datetime) -> dict[date, int]:
    """Of the first `count` messages of a plan, those whose time has not come, by day."""
    found = {}
    for day, planned in sorted(each.days.items()):
        part = min(planned, count)
        count -= part
        ahead = _ahead(each, day, part, now)
        if ahead:
            found[day] = ahead
    return found


def _ahead(each: Named, day: date, part: int, now: datetime) -> int:
    """How many of a day's messages have not left: they leave evenly between its first and its last one."""
    today = day_of(now)
    if day != today or each.starts_at is None or each.ends_at is None:
        return part if day > today else 0
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    begin, end = max(each.starts_at, midnight), min(each.ends_at, midnight + timedelta(days=1))
    if now <= begin:
        return part
    if now >= end:
        return 0
    return -(-part * int((end - now).total_seconds()) // int((end - begin).total_seconds()))
