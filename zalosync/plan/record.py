"""What a run writes down of the plan that it applies, and what a plan recalls of earlier ones."""

from collections import Counter
from typing import Any

from zalosync.plan.history import AUDIENCES, WEBHOOK_HOSTS, History, last_named, named
from zalosync.plan.shape import CampaignPlan, Plan


def recall(plan: Plan, reader: History) -> None:
    """Put what earlier runs named beside what this plan names."""
    attempts: Counter[tuple[str, int]] = Counter()
    for tally in reader.tallies():
        attempts[tally.name, tally.occurrence] += tally.count
    earlier = named(reader.runs())
    for campaign in plan.campaigns:
        key = campaign.loaded.first_name, campaign.loaded.campaign.spec.occurrence
        campaign.attempts = attempts[key]
        campaign.since = last_named(earlier, *key)


def record_of(plan: Plan) -> dict[str, Any]:
    """What a run records of its plan, by campaign's first name; `history.named` reads it."""
    return {
        AUDIENCES: {campaign.loaded.first_name: _entry(campaign) for campaign in plan.campaigns},
        WEBHOOK_HOSTS: list(plan.settings.get("allowedWebhookHosts", ())),
    }


def _entry(campaign: CampaignPlan) -> dict[str, Any]:
    spec, timing = campaign.loaded.campaign.spec, campaign.timing
    return {
        "occurrence": spec.occurrence,
        "rows": campaign.audience,
        "recipients": campaign.recipients,
        "fresh": campaign.fresh,
        "to_send": campaign.to_send,
        "attempts": campaign.attempts,
        "cost": _cost(campaign),
        "skipped": {reason.word: count for reason, count in sorted(campaign.skipped.items()) if count},
        "sender": spec.sender,
        "template": spec.template.name,
        "tag": spec.template.tag,
        "labels": dict(campaign.loaded.campaign.metadata.labels),
        "starts_at": None if timing is None else timing.starts_at.isoformat(timespec="seconds"),
        "ends_at": None if timing is None else timing.ends_at.isoformat(timespec="seconds"),
        "days": {} if timing is None else {f"{day}": count for day, count in sorted(timing.days.items())},
        "mode": spec.schedule.mode,
        "sending_mode": spec.sending_mode,
    }


def _cost(campaign: CampaignPlan) -> dict[str, Any] | None:
    """The estimate for what this plan sends: from all by Zalo to all by SMS, whichever is dearer."""
    cost = campaign.cost
    if cost is None:
        return None
    low, high = sorted((cost.zalo, cost.failover))
    return {"currency": cost.currency, "min": float(low), "max": float(high)}
