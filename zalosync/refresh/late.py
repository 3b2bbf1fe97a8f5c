"""Which messages should have ended by now. Pure.

A message ends with its validity, an SMS that takes its place with its own; then its report is due. Where no
report can be waited for (none is pulled or pushed, or a page of them was lost), all are asked about.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from zalosync.refresh.sweep import LAG, Awaited
from zalosync.spec.model import MAX_VALIDITY_SECONDS, CampaignSpec

# The logs forget after 48 hours: whoever waits longer than this learns nothing from them.
LONGEST: Final = 36 * 3600
# A clock that was ahead when messages were written down must not hide them where all are asked about.
AHEAD: Final = 24 * 3600


def patience(spec: CampaignSpec | None) -> int:
    """Seconds from a message's start to when its report is due; of a campaign that is gone, the longest."""
    if spec is None:
        return MAX_VALIDITY_SECONDS
    seconds = spec.validity_period.seconds if spec.validity_period else MAX_VALIDITY_SECONDS
    failover = spec.sms_failover
    if failover is not None:
        seconds += failover.validity_period.seconds if failover.validity_period else MAX_VALIDITY_SECONDS
    return seconds + int(LAG.total_seconds())


def starts(spec: CampaignSpec | None, last_slot: str | None) -> datetime | None:
    """When the last message of a campaign was to go out, where that was not at once."""
    moments = [spec.schedule.send_at] if spec is not None and spec.schedule.mode == "provider" else []
    moments += [datetime.fromisoformat(last_slot)] if last_slot is not None else []
    known = [moment for moment in moments if moment is not None]
    return max(known, default=None)


def late_before(spec: CampaignSpec | None, last_slot: str | None, now: datetime, longest: int) -> int:
    """Messages that were accepted before this moment (Unix seconds) should have ended; 0: none."""
    wait = min(patience(spec), longest)
    start = starts(spec, last_slot)
    if start is not None and start.timestamp() + wait > now.timestamp():
        return 0
    return int(now.timestamp()) - wait


def awaited(
    specs: Mapping[str, CampaignSpec],
    numbers: Mapping[str, int],
    slots: Mapping[str, str],
    now: datetime,
    *,
    everything: bool,
) -> list[Awaited]:
    """What to ask the logs about.

    Args:
        specs: by first name.
        numbers: of the ledger's campaigns, by first name.
        slots: the last slot that each gave out, by first name.
        now: when, by the provider's clock where it is known.
        everything: not only what is late.
    """
    if everything:
        until = int(now.timestamp()) + AHEAD
        return [Awaited(number, 0, until) for number in numbers.values()]
    found = (
        Awaited(number, 0, late_before(specs.get(name), slots.get(name), now, LONGEST))
        for name, number in numbers.items()
    )
    return [each for each in found if each.before]
