"""What people read: plans, runs, states and history as plain text, the same with and without a terminal."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from zalosync.apply.execute import Applied
from zalosync.console.display import display, plural
from zalosync.errors import ExitCode
from zalosync.plan.shape import CampaignPlan, Cost, Plan

_MARKS = {"error": "✗", "warn": "!"}
_NOTHING_SENT = ("unchanged", "changed", "held", "unknown", "failed")


def say(lines: Iterator[str]) -> None:
    """Print lines on stdout."""
    sys.stdout.write("".join(line + "\n" for line in lines))


def plan_lines(plan: Plan, digest: str | None = None) -> Iterator[str]:
    """A plan that a reviewer reads in ten seconds; `digest` is that of the sealed plan it comes from."""
    yield f"Plan for {display(plan.environment)} ({display(plan.base_url)})"
    for campaign in plan.campaigns:
        yield ""
        yield from _campaign(campaign)
    findings = [finding for finding in plan.findings if finding.severity != "off"]
    if findings:
        yield ""
        for finding in findings:
            yield f"  {_MARKS[finding.severity]} {display(finding.message, 300)} [{finding.id}]"
    yield ""
    yield from _summary(plan, digest or plan.digest)


def sealed_lines(file: str) -> Iterator[str]:
    """What to do with a sealed plan."""
    name = display(file)
    yield f"Sealed in {name}, for 24 hours: `zalosync approve {name} --as NAME`, `zalosync apply {name}`"


def shrunk_lines(count: int) -> Iterator[str]:
    """What lies outside of the approval and takes messages away."""
    yield f"{plural(count, 'message')} less than planned: suppressed or capped since"


def _campaign(campaign: CampaignPlan) -> Iterator[str]:
    spec, totals = campaign.loaded.campaign.spec, campaign.totals
    encrypted = "encrypted" if spec.encrypted else "not encrypted"
    failover = "SMS failover" if spec.sms_failover else "no failover"
    yield (
        f"  {display(campaign.name)}  template {spec.template.name} {spec.template.tag},"
        f" occurrence {spec.occurrence}, {encrypted}, {failover}"
    )
    yield f"    {totals['audience']:>11,}  rows in {', '.join(map(display, campaign.prepared.files[:3]))}"
    for reason, count in sorted(campaign.skipped.items()):
        if count:
            yield f"    {-count:>11,}  skipped: {reason.word}"
    for name in _NOTHING_SENT:
        if totals[name]:
            yield f"    {-totals[name]:>11,}  {_FATES[name]}"
    if totals["retry"]:
        yield f"    {totals['retry']:>+11,}  to try again"
    yield f"    {totals['send']:>+11,}  to send, {_when(campaign)}"
    if campaign.repairs:
        repairs = ", ".join(f"{count:,} {kind}" for kind, count in sorted(campaign.repairs.items()))
        yield f"    {'':>11}  phones repaired: {repairs}"
    if campaign.cost is not None and campaign.to_send:
        yield f"    {'':>11}  cost: {_cost(campaign.cost)}"
    for finding in campaign.findings:
        yield f"    {_MARKS[finding.severity]:>11}  {display(finding.message, 300)} [{finding.id}]"


_FATES = {
    "unchanged": "sent before, unchanged",
    "changed": "sent before, content changed since: not sent again",
    "held": "held until due",
    "unknown": "may have been sent: `zalosync refresh`, then `zalosync resolve`",
    "failed": "failed for good",
}


def _when(campaign: CampaignPlan) -> str:
    schedule = campaign.loaded.campaign.spec.schedule
    if schedule.send_at is None:
        return "as soon as applied, and cannot be recalled"
    if schedule.mode == "hold":
        return f"held by us until {_local(schedule.send_at)}"
    return f"at {_local(schedule.send_at)}, handed to the provider when applied: cannot be recalled then"


def _local(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _cost(cost: Cost) -> str:
    if cost.zalo == cost.failover:
        return f"{cost.zalo:,.2f} {cost.currency}"
    low, high = sorted((cost.zalo, cost.failover))
    split = f"all by Zalo {cost.zalo:,.2f}, all by SMS {cost.failover:,.2f}"
    return f"{low:,.2f} to {high:,.2f} {cost.currency} ({split})"


def _summary(plan: Plan, digest: str) -> Iterator[str]:
    totals = plan.totals
    if plan.blocked:
        errors = sum(finding.severity == "error" for finding in plan.all_findings)
        yield f"Blocked: {plural(errors, 'finding')} of severity error. Nothing can be applied."
    if plan.to_send:
        rest = f"{totals['skipped']:,} skipped, {totals['unchanged']:,} unchanged"
        yield f"Plan: {plan.to_send:,} to send in {plural(len(plan.campaigns), 'campaign')}; {rest}."
    else:
        yield "No changes: everybody who should have a message has one, or is named above."
    yield f"Digest: {digest}"


def apply_lines(applied: Applied, environment: str) -> Iterator[str]:
    """How a run ended, and what to do next."""
    totals = applied.totals
    rate = (totals.accepted + totals.rejected) / applied.seconds if applied.seconds else 0.0
    yield f"Run {applied.run_id} on {display(environment)}: {_verdict(applied.code)}"
    for name, count in (
        ("accepted", totals.accepted),
        ("rejected", totals.rejected),
        ("unknown", totals.unknown),
        ("held until due", totals.held),
        ("not sent", totals.not_sent),
    ):
        if count or name != "held until due":
            yield f"    {count:>11,}  {name}"
    yield (
        f"    {plural(totals.requests, 'request')}, {totals.retries} tried again,"
        f" {applied.seconds:,.1f} s ({rate:,.0f} messages/s)"
    )
    if applied.reason:
        yield f"Stopped because: {display(applied.reason, 300)}"
    yield f"Next: {_next(applied.code)}"


def _verdict(code: ExitCode) -> str:
    return {
        ExitCode.DONE: "done",
        ExitCode.STOPPED: "stopped early",
        ExitCode.UNKNOWN: "messages of unknown fate remain",
        ExitCode.PROVIDER: "the provider refused",
        ExitCode.INTERRUPTED: "stopped by a signal",
        ExitCode.LEDGER: "stopped by the ledger",
    }.get(code, "stopped")


def _next(code: ExitCode) -> str:
    return {
        ExitCode.DONE: "`zalosync refresh` asks what became of them",
        ExitCode.STOPPED: "mend the cause and apply again: it goes on where it stopped",
        ExitCode.UNKNOWN: "`zalosync refresh` looks for evidence; `zalosync apply` goes on with the others",
        ExitCode.PROVIDER: "mend what the provider named, then apply again: that request was not taken",
        ExitCode.INTERRUPTED: "apply again: it goes on where it stopped",
        ExitCode.LEDGER: "mend the ledger, then `zalosync refresh`",
    }.get(code, "`zalosync status`")


def status_lines(document: dict[str, Any]) -> Iterator[str]:
    """Counts by state, per campaign."""
    yield f"Environment {display(document['environment'])}"
    if not document["campaigns"]:
        yield "  nothing was sent yet: `zalosync plan`, then `zalosync apply`"
    for campaign in document["campaigns"]:
        yield ""
        yield f"  {display(campaign['name'])}: {plural(campaign['attempts'], 'attempt')}"
        for word, count in campaign["states"].items():
            share = count / campaign["attempts"] if campaign["attempts"] else 0
            yield f"    {count:>11,}  {word:<14} {share:>6.1%}"
        if campaign["oldest_unknown_seconds"] is not None:
            hours = campaign["evidence_expires_seconds"] / 3600
            yield (
                f"    ! the oldest unknown is {campaign['oldest_unknown_seconds'] / 3600:.1f} h old;"
                f" the provider's logs forget it in {hours:.1f} h: `zalosync refresh`"
            )


def history_lines(document: dict[str, Any]) -> Iterator[str]:
    """The runs, newest last."""
    yield f"Environment {display(document['environment'])}: {plural(len(document['runs']), 'run')}"
    for run in document["runs"]:
        totals = run["totals"] or {}
        counts = ", ".join(
            f"{totals[name]:,} {name.replace('_', ' ')}"
            for name in ("accepted", "rejected", "unknown", "not_sent")
            if totals.get(name)
        )
        code = "did not end" if run["exit_code"] is None else f"exit {run['exit_code']}"
        yield (
            f"  {run['started_at']}  {run['command']:<8} {code:<12} {display(run['actor'] or 'unknown'):<20}"
            f" {counts or 'nothing sent'}  {(run['commit'] or '')[:8]}  {run['run_id']}"
        )
