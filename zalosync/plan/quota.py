"""What the provider lets a sender send, held against all campaigns of a plan together. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from zalosync.plan.shape import CampaignPlan
from zalosync.spec.findings import Finding

# Zalo counts by the Vietnamese day, as far as public material tells.
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# A campaign of this mode sends beyond the quota of its own will, at a higher price.
_BEYOND = ("OVER_THE_LIMIT", "AUTO")


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
    campaigns: Sequence[CampaignPlan], quotas: Mapping[str, SenderQuota], now: datetime
) -> Iterator[Finding]:
    """What the quotas say of a plan's messages, by sender.

    Args:
        campaigns: all of the plan: those of one sender share its quota.
        quotas: by sender.
        now: aware.
    """
    senders = sorted({each.loaded.campaign.spec.sender for each in campaigns if each.to_send})
    for sender in senders:
        quota = quotas.get(sender)
        if quota is None or not quota.known:
            why = f" ({quota.problem})" if quota is not None and quota.problem else ""
            yield Finding("quota-unknown", "warn", f"the quota of sender {sender} is not known{why}")
            continue
        sending = [each for each in campaigns if each.loaded.campaign.spec.sender == sender and each.to_send]
        yield from _daily(sender, sending, quota, now)
        yield from _promotion(sender, sending, quota)


def _daily(
    sender: str, campaigns: Sequence[CampaignPlan], quota: SenderQuota, now: datetime
) -> Iterator[Finding]:
    today = now.astimezone(ZONE).date()
    wanted = Counter[date]()
    names: dict[date, list[str]] = {}
    for campaign in campaigns:
        if campaign.loaded.campaign.spec.sending_mode in _BEYOND:
            continue
        at = campaign.timing.starts_at if campaign.timing is not None else now
        day = max(today, at.astimezone(ZONE).date())
        wanted[day] += campaign.to_send
        names.setdefault(day, []).append(campaign.name)
    for day, count in sorted(wanted.items()):
        limit = quota.remaining_daily if day == today and quota.remaining_daily is not None else quota.daily
        if limit is not None and count > limit:
            when = "left today" if day == today else f"a day, on {day}"
            message = (
                f"sender {sender} may send {limit:,} messages {when}, and the plan has {count:,}"
                f" ({', '.join(names[day])}); the provider would refuse the rest"
            )
            yield Finding("quota-exceeded", "error", message, count=count - limit)


def _promotion(sender: str, campaigns: Sequence[CampaignPlan], quota: SenderQuota) -> Iterator[Finding]:
    promotional = [
        each
        for each in campaigns
        if each.loaded.campaign.spec.template.tag == "PROMOTION"
        and each.loaded.campaign.spec.sending_mode not in _BEYOND
    ]
    count, limit = sum(each.to_send for each in promotional), quota.remaining_promotion
    if limit is not None and count > limit:
        message = (
            f"sender {sender} may send {limit:,} promotional messages this month, and the plan has {count:,}"
            f" ({', '.join(each.name for each in promotional)}); the provider would refuse the rest"
        )
        yield Finding("quota-exceeded", "error", message, count=count - limit)
