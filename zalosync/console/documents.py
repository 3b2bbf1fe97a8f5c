"""The JSON documents of the commands; their fields are fixed by `format_version`."""

import sys
from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from zalosync.apply.execute import Applied, totals_document
from zalosync.clock import moment
from zalosync.compose.message import Status
from zalosync.ledger.records import Run, Tally
from zalosync.plan.shape import CampaignPlan, Cost, Plan
from zalosync.spec.findings import Finding

FORMAT_VERSION = "1.0"
EVIDENCE_SECONDS = 48 * 3600  # how long the provider's logs remember


def write(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout."""
    data = orjson.dumps({"format_version": FORMAT_VERSION, **document}, option=orjson.OPT_INDENT_2)
    sys.stdout.write(data.decode() + "\n")


def plan_document(plan: Plan) -> dict[str, Any]:
    """What `plan --json` prints."""
    return {
        "environment": plan.environment,
        "base_url": plan.base_url,
        "created_at": utc(plan.created_at),
        "digest": plan.digest,
        "complete": plan.complete,
        "blocked": plan.blocked,
        "totals": plan.totals,
        "findings": [_finding(finding) for finding in plan.findings],
        "campaigns": [_campaign(campaign) for campaign in plan.campaigns],
    }


def _campaign(campaign: CampaignPlan) -> dict[str, Any]:
    spec = campaign.loaded.campaign.spec
    schedule = spec.schedule
    limit = schedule.sending_speed_limit
    return {
        "name": campaign.name,
        "file": campaign.loaded.file,
        "template": spec.template.name,
        "tag": spec.template.tag,
        "sender": spec.sender,
        "encrypted": spec.encrypted,
        "totals": campaign.totals,
        "skipped": {reason.word: count for reason, count in sorted(campaign.skipped.items()) if count},
        "repairs": dict(sorted(campaign.repairs.items())),
        "findings": [_finding(finding) for finding in campaign.findings],
        "cost": _cost(campaign.cost),
        "schedule": {
            "mode": schedule.mode,
            "send_at": utc(schedule.send_at),
            "expires_at": utc(schedule.expires_at),
            "speed_limit": None if limit is None else {"amount": limit.amount, "time_unit": limit.time_unit},
            "validity_seconds": spec.validity_period.seconds if spec.validity_period else None,
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "message": finding.message,
        "count": finding.count,
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


def apply_document(applied: Applied) -> dict[str, Any]:
    """What `apply --json` prints."""
    return {
        "run_id": applied.run_id,
        "plan_digest": applied.plan_digest,
        "exit_code": int(applied.code),
        "reason": applied.reason,
        "totals": totals_document(applied.totals, applied.seconds),
    }


def status_document(
    environment: str,
    tallies: list[Tally],
    waiting: dict[tuple[int, Status], tuple[int, int]],
    names: tuple[str, ...],
    now: datetime,
) -> dict[str, Any]:
    """What `status --json` prints; `names` limits it to some campaigns, empty: all."""
    campaigns: dict[str, Counter[str]] = {}
    numbers: dict[str, int] = {}
    for tally in tallies:
        if not names or tally.name in names:
            campaigns.setdefault(tally.name, Counter())[tally.state.word] += tally.count
            numbers[tally.name] = tally.campaign
    documents = []
    for name, states in sorted(campaigns.items()):
        oldest = waiting.get((numbers[name], Status.UNKNOWN))
        age = None if oldest is None else max(0, int(now.timestamp()) - oldest[1])
        documents.append(
            {
                "name": name,
                "states": {word: count for word, count in sorted(states.items()) if count},
                "attempts": states.total(),
                "oldest_unknown_seconds": age,
                "evidence_expires_seconds": None if age is None else max(0, EVIDENCE_SECONDS - age),
            }
        )
    return {"environment": environment, "campaigns": documents}


def history_document(environment: str, runs: list[Run]) -> dict[str, Any]:
    """What `history --json` prints."""
    return {"environment": environment, "runs": [run_entry(run) for run in runs]}


def run_entry(run: Run) -> dict[str, Any]:
    """One run, of which the ledger may not know the end."""
    ended = run.ended or {}
    return {
        "run_id": run.run_id,
        "command": run.command,
        "started_at": utc(moment(run.started_at)),
        "ended_at": utc(moment(run.ended_at)) if run.ended_at is not None else None,
        "actor": run.started.get("actor"),
        "commit": run.started.get("commit"),
        "plan_digest": run.started.get("plan_digest"),
        "campaigns": run.started.get("campaigns", []),
        "totals": ended.get("totals"),
        "exit_code": ended.get("exit_code"),
        "reason": ended.get("reason"),
    }


def utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
