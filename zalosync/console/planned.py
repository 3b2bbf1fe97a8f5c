"""A plan as a document: what `plan --json` prints, what a sealed plan carries, what all drawings are made of.

It holds counts, names and times, never a row of an audience.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zalosync.compose.preview import Preview
from zalosync.console.display import masked
from zalosync.console.documents import utc
from zalosync.plan.approve import Needed
from zalosync.plan.history import Named
from zalosync.plan.shape import CampaignPlan, Cost, Plan
from zalosync.spec.findings import Finding
from zalosync.spec.model import CampaignSpec


def plan_document(
    plan: Plan,
    *,
    zone: str | None = None,
    needed: Iterable[Needed] = (),
    samples: Mapping[str, Sequence[Preview]] | None = None,
    skips: Mapping[str, Sequence[Preview]] | None = None,
    phones: bool = False,
) -> dict[str, Any]:
    """What a plan says.

    Args:
        plan: as built.
        zone: the project's time zone, in which times are shown to people.
        needed: the approvals that it takes.
        samples: by campaign, some recipients' messages; only their masked form is taken.
        skips: by campaign, some rows of each reason to skip, likewise.
        phones: whether to have masked phones with them: for an interactive terminal only.
    """
    return {
        "kind": plan.kind,
        "environment": plan.environment,
        "base_url": plan.base_url,
        "created_at": utc(plan.created_at),
        "timezone": zone or "UTC",
        "digest": plan.digest if plan.complete else None,
        "complete": plan.complete,
        "blocked": plan.blocked,
        "totals": plan.totals,
        "cancel": plan.to_cancel,
        "cancels": _cancels(plan),
        "cost": _whole_cost(plan),
        "approvals_needed": [_needed(each, plan) for each in needed],
        "findings": _findings(plan.findings),
        "campaigns": [
            {
                **_campaign(campaign, (samples or {}).get(campaign.name, ())),
                "skip_samples": [_skip(row, phones=phones) for row in (skips or {}).get(campaign.name, ())],
            }
            for campaign in plan.campaigns
        ],
    }


def _cancels(plan: Plan) -> list[dict[str, Any]]:
    """Held messages to be cancelled; they are no rows of an audience, so no count of one has them."""
    present = {campaign.loaded.first_name: campaign.name for campaign in plan.campaigns}
    return [
        {
            "campaign": present.get(name, name),
            "gone": "row" if name in present else "campaign",
            "count": messages.count,
        }
        for name, messages in plan.cancels.items()
    ]


def _campaign(campaign: CampaignPlan, samples: Sequence[Preview]) -> dict[str, Any]:
    spec = campaign.loaded.campaign.spec
    return {
        "name": campaign.name,
        "file": campaign.loaded.file,
        "files": list(campaign.prepared.files),
        "occurrence": spec.occurrence,
        "template": spec.template.name,
        "tag": spec.template.tag,
        "sender": spec.sender,
        "encrypted": spec.encrypted,
        "failover": spec.sms_failover is not None,
        "failover_sender": spec.sms_failover.sender if spec.sms_failover else None,
        "failover_segments": campaign.segments if spec.sms_failover else 0,
        "webhook_host": _webhook_host(spec),
        "tracking_hosts": _tracking_hosts(spec),
        "totals": campaign.totals,
        "skipped": {reason.word: count for reason, count in sorted(campaign.skipped.items()) if count},
        "repairs": dict(sorted(campaign.repairs.items())),
        "findings": _findings(campaign.findings),
        "cost": _cost(campaign.cost),
        "schedule": _schedule(campaign),
        "since": None if campaign.since is None else _since(campaign.since),
        "samples": [_sample(sample) for sample in samples],
    }


def _webhook_host(spec: CampaignSpec) -> str | None:
    """Where the provider pushes this campaign's reports; never the address, which holds a secret."""
    from zalosync.spec.values import web_host

    url = spec.webhooks.delivery.url if spec.webhooks else None
    return None if url is None else web_host(url)


def _tracking_hosts(spec: CampaignSpec) -> list[str]:
    """Where clicks are reported, and whose domain short links have."""
    from zalosync.spec.values import web_host

    tracking = spec.tracking
    clicks = None if tracking.tracking_url is None else web_host(tracking.tracking_url)
    return sorted({host for host in (clicks, tracking.custom_domain) if host is not None})


def _schedule(campaign: CampaignPlan) -> dict[str, Any]:
    spec, timing = campaign.loaded.campaign.spec, campaign.timing
    schedule = spec.schedule
    limit, window = schedule.sending_speed_limit, schedule.delivery_time_window
    return {
        "mode": schedule.mode,
        "send_at": utc(schedule.send_at),
        "expires_at": utc(schedule.expires_at),
        "speed_limit": None if limit is None else {"amount": limit.amount, "time_unit": limit.time_unit},
        "window": None
        if window is None
        else {
            "days": list(window.days),
            "from": window.from_,
            "to": window.to,
            "timezone": window.timezone,
        },
        "validity_seconds": spec.validity_period.seconds if spec.validity_period else None,
        "starts_at": None if timing is None else utc(timing.starts_at),
        "ends_at": None if timing is None else utc(timing.ends_at),
        "late": 0 if timing is None else timing.late,
        "irrevocable": None if timing is None else str(timing.irrevocable),
    }


def _since(earlier: Named) -> dict[str, Any]:
    return {
        "run_id": earlier.run_id,
        "at": utc(earlier.at),
        "rows": earlier.rows,
        "recipients": earlier.recipients,
        "skipped": dict(earlier.skipped),
    }


def _sample(sample: Preview) -> dict[str, Any]:
    """The form of one recipient's message: what comes from the row is dots."""
    return {
        "values": {value.name: value.text.masked for value in sample.values},
        "failover": sample.failover.masked if sample.failover else None,
        "segments": sample.segments.segments if sample.segments else None,
    }


def _skip(row: Preview, *, phones: bool) -> dict[str, Any]:
    """Where a skipped row is and why it is skipped; what comes from the row is dots."""
    skip: dict[str, Any] = {
        "reason": row.reason.word,
        "file": row.file,
        "line": row.line,
        "why": row.why,
        "values": {value.name: value.text.masked for value in row.values},
    }
    if phones and row.phone is not None:
        skip["phone"] = masked(row.phone)
    return skip


def _needed(needed: Needed, plan: Plan) -> dict[str, Any]:
    """A rule, and what it counts: messages, and each SMS that may follow one."""
    return {
        "count": needed.count,
        "not_author": needed.not_author,
        "signed": needed.signed,
        "by": needed.by,
        "above": needed.above,
        "messages": plan.to_send,
        "sms": plan.contacts - plan.to_send,
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Those that block come first."""
    return [_finding(each) for each in sorted(findings, key=lambda each: each.severity != "error")]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "message": finding.message,
        "count": finding.count,
        "place": None if finding.place is None else str(finding.place),
    }


def _whole_cost(plan: Plan) -> dict[str, Any] | None:
    """Of all campaigns together; None where one that sends has none, or in another currency."""
    sending = [campaign for campaign in plan.campaigns if campaign.to_send]
    costs = [campaign.cost for campaign in sending if campaign.cost is not None]
    if not costs or len(costs) < len(sending) or len({cost.currency for cost in costs}) > 1:
        return None
    zalo, failover = sum(each.zalo for each in costs), sum(each.failover for each in costs)
    least = sum(min(each.zalo, each.failover) for each in costs)
    most = sum(max(each.zalo, each.failover) for each in costs)
    return {
        "currency": costs[0].currency,
        "all_zalo": float(zalo),
        "all_failover": float(failover),
        "min": float(least),
        "max": float(most),
    }


def _cost(cost: Cost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "currency": cost.currency,
        "all_zalo": float(cost.zalo),
        "all_failover": float(cost.failover),
        "min": float(min(cost.zalo, cost.failover)),
        "max": float(max(cost.zalo, cost.failover)),
    }
