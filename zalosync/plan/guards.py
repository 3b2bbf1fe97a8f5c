"""A campaign's own limits and times, held against what a plan counted; gives findings, stops nothing.

Each finding names the number, the limit, and the place to change.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from zalosync.audience.screen import Reason
from zalosync.ledger.pause_notes import pauses_in
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.plan.timing import Timing, first_quiet, shut_in
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedPolicy, LoadedProject
from zalosync.spec.policy import Severity
from zalosync.spec.window import QuietHours

_AUDIENCE = "spec.audience"
_SCHEDULE = "spec.schedule"


def campaign_findings(
    project: LoadedProject, plan: CampaignPlan, now: datetime, *, due: bool = False
) -> Iterator[Finding]:
    """What a campaign's own limits and its times say of its numbers.

    Args:
        project: with its policies' quiet hours.
        plan: of the campaign.
        now: aware.
        due: held messages are to be sent; they were planned and approved before, only their time is judged.
    """
    if not due:
        yield from _recipients(plan)
        yield from _rows(plan)
        yield from _changed(plan)
        yield from _send_at(plan, now)
    yield from _held(plan, due=due)
    if plan.timing is not None:
        yield from _late(plan, plan.timing)
        yield from _quiet(project, plan, plan.timing, now)


def paused_findings(plan: Plan, notes: Mapping[str, str]) -> Iterator[Finding]:
    """Campaigns of which `apply` would send nothing until somebody lets them go on."""
    pauses = pauses_in(notes)
    for campaign in plan.campaigns:
        pause = pauses.get(campaign.loaded.first_name)
        if pause is not None:
            why = pause.reason or "no reason given"
            message = (
                f"{campaign.name} is paused since {pause.at} ({why}): apply sends nothing of it before"
                f" `zalosync unpause {campaign.name}`"
            )
            yield Finding("paused", "warn", message, campaign.name, count=campaign.to_send)


def gone_findings(plan: Plan) -> Iterator[Finding]:
    """Held messages of campaigns that the project has no longer: nothing can send them any more."""
    for name, messages in plan.gone.items():
        what = (
            f"campaign {name} is not in the project any more, and {messages.count:,} messages of it are held"
        )
        yield Finding("held-gone", "warn", f"{what}: {_fate(due=plan.due)}", count=messages.count)


def _held(plan: CampaignPlan, *, due: bool) -> Iterator[Finding]:
    """Held messages are sent as they were approved, or not at all."""
    gone, changed = plan.waits.gone.count, plan.waits.changed
    if gone:
        message = f"{gone:,} held messages have no row in the audience any more: {_fate(due=due)}"
        yield Finding("held-gone", "warn", message, plan.name, count=gone)
    if changed:
        message = (
            f"{changed:,} held messages have another text or phone than was approved: they stay held. Undo"
            " it, or raise `occurrence`: a plan then cancels what is held, and messages everybody anew"
        )
        place = plan.loaded.place("spec.occurrence")
        yield Finding("held-changed", "warn", message, plan.name, place, changed)


def _fate(*, due: bool) -> str:
    return "they stay held until a plan that cancels them is applied" if due else "this plan cancels them"


def _recipients(plan: CampaignPlan) -> Iterator[Finding]:
    audience, kept = plan.loaded.campaign.spec.audience, plan.recipients
    least, most = audience.min_recipients, audience.max_recipients
    # Caps hold people back, and say nothing of an export that broke off.
    wanted = kept + plan.skipped[Reason.FREQUENCY_CAP]
    if wanted < least:
        message = f"{wanted:,} recipients, and at least {least:,} are due (minRecipients)"
        place = plan.loaded.place(f"{_AUDIENCE}.minRecipients")
        yield Finding("min-recipients", "error", message, plan.name, place, wanted)
    if most is not None and kept > most:
        message = f"{kept:,} recipients, limit {most:,} (maxRecipients)"
        place = plan.loaded.place(f"{_AUDIENCE}.maxRecipients")
        yield Finding("max-recipients", "error", message, plan.name, place, kept)


def _rows(plan: CampaignPlan) -> Iterator[Finding]:
    audience, skipped = plan.loaded.campaign.spec.audience, plan.skipped
    wrong = (Reason.UNREADABLE, Reason.INVALID_PHONE, Reason.INVALID_VALUES)
    invalid = sum(skipped[reason] for reason in wrong)
    if audience.on_invalid == "fail" and invalid:
        message = f"{invalid:,} rows do not fit, limit 0 (onInvalid: fail); --skips FILE lists them"
        place = plan.loaded.place(f"{_AUDIENCE}.onInvalid")
        yield Finding("invalid-rows", "error", message, plan.name, place, invalid)
    duplicates = skipped[Reason.DUPLICATE_KEY]
    if audience.on_duplicate == "fail" and duplicates:
        message = f"{duplicates:,} rows have the key of another row, limit 0 (onDuplicate: fail)"
        place = plan.loaded.place(f"{_AUDIENCE}.onDuplicate")
        yield Finding("duplicate-keys", "error", message, plan.name, place, duplicates)


def _changed(plan: CampaignPlan) -> Iterator[Finding]:
    changed = plan.totals["changed"]
    if changed:
        severity: Severity = "error" if plan.loaded.campaign.spec.on_change == "fail" else "warn"
        message = f"the content of {changed:,} messages differs from what was sent; they are not sent again"
        place = plan.loaded.place("spec.onChange") if severity == "error" else None
        yield Finding("changed-content", severity, message, plan.name, place, changed)


def _send_at(plan: CampaignPlan, now: datetime) -> Iterator[Finding]:
    """A past `sendAt` is refused as long as there is something to send: nobody is to get it days late."""
    at = plan.loaded.campaign.spec.schedule.send_at
    if plan.to_send and at is not None and at < now:
        message = f"sendAt {at:%Y-%m-%dT%H:%MZ} has passed, and {plan.to_send:,} messages are not sent"
        place = plan.loaded.place(f"{_SCHEDULE}.sendAt")
        yield Finding("send-at-past", "error", message, plan.name, place, plan.to_send)


def _late(plan: CampaignPlan, timing: Timing) -> Iterator[Finding]:
    """None can leave in time: an error. Some cannot: to be known."""
    if not timing.late:
        return
    schedule = plan.loaded.campaign.spec.schedule
    whole = timing.count
    place = plan.loaded.place("spec.validityPeriod" if timing.why == "validityPeriod" else _SCHEDULE)
    if timing.why == "validityPeriod":
        reason = f"the delivery window opens at {timing.starts_at:%Y-%m-%dT%H:%MZ}, after they have expired"
    else:
        reason = f"expiresAt {schedule.expires_at:%Y-%m-%dT%H:%MZ} comes first"
    if timing.late < whole:
        message = f"{timing.late:,} of {whole:,} messages cannot leave in time: {reason}"
        yield Finding("tail-too-late", "warn", message, plan.name, place, timing.late)
    else:
        message = f"none of {whole:,} messages can leave in time: {reason}"
        yield Finding("too-late", "error", message, plan.name, place, timing.late)


def _quiet(project: LoadedProject, plan: CampaignPlan, timing: Timing, now: datetime) -> Iterator[Finding]:
    """Nothing may reach a recipient in quiet hours: neither leave in them, nor be delivered late in them."""
    spec = plan.loaded.campaign.spec
    policies = [each for each in project.policies if each.policy.spec.quiet_hours is not None]
    for number, loaded in enumerate(policies):
        quiet = loaded.policy.spec.quiet_hours
        if quiet is None or spec.template.tag not in quiet.tags:
            continue
        count = timing.quiet[number]
        if count:
            yield _leaving(plan, loaded, quiet, timing, count)
        elif not shut_in(spec, quiet, now) and first_quiet(quiet, timing.starts_at, timing.reach):
            message = (
                f"a message that is not delivered at once is tried until {timing.reach:%Y-%m-%dT%H:%MZ},"
                f" into quiet hours ({_hours(quiet)}); a deliveryTimeWindow or validityPeriod keeps it out"
            )
            place = plan.loaded.place(_SCHEDULE)
            yield Finding("quiet-hours-reached", "warn", message, plan.name, place, timing.count)


def _leaving(
    plan: CampaignPlan, loaded: LoadedPolicy, quiet: QuietHours, timing: Timing, count: int
) -> Finding:
    after = quiet.ends_after(first_quiet(quiet, timing.starts_at, timing.reach) or timing.starts_at)
    message = (
        f"{count:,} of {timing.count:,} messages would go out in quiet hours ({_hours(quiet)}), limit 0;"
        f" they end at {after:%Y-%m-%dT%H:%MZ} (quietHours)"
    )
    return Finding("quiet-hours", "error", message, plan.name, loaded.place("spec.quietHours"), count)


def _hours(quiet: QuietHours) -> str:
    return f"{quiet.from_} to {quiet.to} {quiet.timezone}"
