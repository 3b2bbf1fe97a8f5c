"""The limits of campaigns and policies, held against a plan's counts; gives findings, stops nothing."""

from collections.abc import Iterator
from datetime import datetime

from zalosync.audience.screen import Reason
from zalosync.plan.approve import Needed
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedProject


def campaign_findings(project: LoadedProject, plan: CampaignPlan, now: datetime) -> Iterator[Finding]:
    """What the campaign's own limits and the policies say of its numbers."""
    yield from _recipients(plan)
    yield from _rows(plan)
    yield from _times(plan, now)
    yield from _policies(project, plan)


def plan_findings(project: LoadedProject, plan: Plan) -> Iterator[Finding]:
    """What the policies say of all campaigns together."""
    for loaded in project.policies:
        policy, file = loaded.policy.spec, loaded.file
        limit = policy.max_recipients_per_plan
        if limit is not None and plan.to_send > limit:
            message = (
                f"the plan sends {plan.to_send:,} messages, limit {limit:,} (maxRecipientsPerPlan in {file})"
            )
            yield Finding("max-recipients-per-plan", "error", message, count=plan.to_send)
        if policy.max_cost is not None:
            costs = [campaign.cost for campaign in plan.campaigns if campaign.cost is not None]
            worst = sum(max(cost.zalo, cost.failover) for cost in costs)
            limit_cost = policy.max_cost
            if worst > limit_cost.amount:
                message = (
                    f"the plan may cost {worst:,.2f}, limit {limit_cost.amount:,.2f} {limit_cost.currency}"
                    f" (maxCost in {file})"
                )
                yield Finding("max-cost", "error", message)


def _recipients(plan: CampaignPlan) -> Iterator[Finding]:
    audience = plan.loaded.campaign.spec.audience
    kept = plan.recipients
    file = plan.loaded.file
    if kept < audience.min_recipients:
        message = (
            f"{kept:,} recipients, at least {audience.min_recipients:,} are due (minRecipients in {file})"
        )
        yield Finding("min-recipients", "error", message, plan.name, count=kept)
    if audience.max_recipients is not None and kept > audience.max_recipients:
        message = f"{kept:,} recipients, limit {audience.max_recipients:,} (maxRecipients in {file})"
        yield Finding("max-recipients", "error", message, plan.name, count=kept)


def _rows(plan: CampaignPlan) -> Iterator[Finding]:
    spec = plan.loaded.campaign.spec
    invalid = sum(
        plan.skipped[reason] for reason in (Reason.UNREADABLE, Reason.INVALID_PHONE, Reason.INVALID_VALUES)
    )
    if spec.audience.on_invalid == "fail" and invalid:
        message = f"{invalid:,} rows do not fit, and onInvalid is `fail`; --skips FILE lists them"
        yield Finding("invalid-rows", "error", message, plan.name, count=invalid)
    duplicates = plan.skipped[Reason.DUPLICATE_KEY]
    if spec.audience.on_duplicate == "fail" and duplicates:
        message = f"{duplicates:,} rows have the key of another row, and onDuplicate is `fail`"
        yield Finding("duplicate-keys", "error", message, plan.name, count=duplicates)
    changed = plan.totals["changed"]
    if changed:
        fail = spec.on_change == "fail"
        message = f"the content of {changed:,} messages differs from what was sent; they are not sent again"
        yield Finding("changed-content", "error" if fail else "warn", message, plan.name, count=changed)


def _times(plan: CampaignPlan, now: datetime) -> Iterator[Finding]:
    schedule = plan.loaded.campaign.spec.schedule
    if not plan.to_send:
        return
    late = f"and {plan.to_send:,} messages are not sent"
    if schedule.expires_at is not None and schedule.expires_at <= now:
        message = f"expiresAt {schedule.expires_at:%Y-%m-%dT%H:%MZ} has passed, {late}"
        yield Finding("expired-campaign", "error", message, plan.name, count=plan.to_send)
    elif schedule.send_at is not None and schedule.send_at < now and schedule.mode == "provider":
        message = f"sendAt {schedule.send_at:%Y-%m-%dT%H:%MZ} has passed, {late}"
        yield Finding("send-at-past", "error", message, plan.name, count=plan.to_send)


def _policies(project: LoadedProject, plan: CampaignPlan) -> Iterator[Finding]:
    spec = plan.loaded.campaign.spec
    for loaded in project.policies:
        policy, file = loaded.policy.spec, loaded.file
        if policy.require_encrypted and not spec.encrypted:
            yield Finding(
                "require-encrypted", "error", f"not encrypted (requireEncrypted in {file})", plan.name
            )
        if policy.allow_plaintext_failover is False and spec.encrypted and spec.sms_failover is not None:
            message = f"the SMS failover is plain text (allowPlaintextFailover in {file})"
            yield Finding("plaintext-failover", "error", message, plan.name)
        if policy.allowed_senders and spec.sender not in policy.allowed_senders:
            message = f"sender {spec.sender} is not among the allowed ones (allowedSenders in {file})"
            yield Finding("allowed-senders", "error", message, plan.name)


def approvals_needed(project: LoadedProject, to_send: int, authors: frozenset[str]) -> list[Needed]:
    """How many approvals a plan of this size needs; without a policy a protected environment needs one."""
    needed = [
        Needed(
            rule.count,
            authors if rule.not_author else frozenset(),
            f"above {rule.above:,} messages, approvals in {loaded.file}",
        )
        for loaded in project.policies
        for rule in loaded.policy.spec.approvals
        if to_send > rule.above
    ]
    said = any(loaded.policy.spec.approvals for loaded in project.policies)
    if project.environment.protected and not said:
        needed.append(Needed(1, frozenset(), "the environment is protected"))
    return needed
