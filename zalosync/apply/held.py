"""What becomes of held messages in a run: some are cancelled, some stay held although their time has come."""

from collections.abc import Mapping
from datetime import datetime

from zalosync.apply.decisions import cancel_held
from zalosync.apply.letters import Left
from zalosync.apply.totals import Totals
from zalosync.clock import Clock
from zalosync.compose.digests import whole
from zalosync.compose.message import Cause, Status
from zalosync.events import Emit, Warned
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.plan.messages import PlannedMessages
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.plan.timing import kept

_SLICE = 10_000
_REASON = "its row or campaign is gone"


def cancel_planned(
    ledger: Ledger, run: int, planned: Mapping[str, PlannedMessages], actor: str, clock: Clock
) -> int:
    """Cancel what a plan names, as long as it is held as the plan says; gives how many.

    Args:
        ledger: under its lock.
        run: that applies the plan.
        planned: by campaign's first name.
        actor: who applies it.
        clock: for the time of each change.
    """
    numbers = ledger.campaigns()
    return sum(
        _cancel(ledger, run, messages, numbers[name], actor, clock)
        for name, messages in planned.items()
        if name in numbers
    )


def _cancel(
    ledger: Ledger, run: int, planned: PlannedMessages, campaign: int, actor: str, clock: Clock
) -> int:
    cursor, done = planned.cursor(), 0
    while cursor.left:
        part = cursor.take(_SLICE)
        pairs = zip(whole(part["m0"], part["m1"]), whole(part["f0"], part["f1"]), strict=True)
        named = dict(pairs)
        known = ledger.recorded(list(named)).values()
        chosen = [each for each in known if _as_planned(each, campaign, named)]
        if chosen:
            with ledger.change(Kind.CANCEL, clock.now(), run=run) as change:
                change.say("by", actor)
                change.say("reason", _REASON)
                to = Standing(Status.CANCELLED, Cause.DECIDED)
                change.move([Move(each, to) for each in sorted(chosen, key=lambda each: each.row)])
        done += len(chosen)
    return done


def _as_planned(found: Recorded, campaign: int, named: Mapping[bytes, bytes]) -> bool:
    held = (found.state, found.campaign) == (Status.HELD, campaign)
    return held and found.fingerprint == named[found.message]


def due_campaigns(
    plan: Plan, ledger: Ledger, totals: Totals, now: datetime, emit: Emit
) -> list[CampaignPlan]:
    """The campaigns that hold messages and may still send them; what stays held whatever comes is counted.

    Where `expiresAt` has passed, everything that is held of a campaign is cancelled.
    """
    totals.stays[Left.GONE] += sum(messages.count for messages in plan.gone.values())
    todo = []
    for campaign in plan.campaigns:
        waits = campaign.waits
        if not campaign.messages.actions[Action.HELD] + waits.gone.count + waits.suppressed:
            continue
        if _is_over(campaign, now):
            totals.cancelled += _end(campaign, ledger, now, emit)
            continue
        totals.stays[Left.GONE] += waits.gone.count
        totals.stays[Left.SUPPRESSED] += waits.suppressed
        if kept(campaign.loaded.campaign.spec, now):  # else they are found when their turn comes
            totals.stays[Left.CHANGED] += waits.changed
        todo.append(campaign)
    return todo


def _is_over(campaign: CampaignPlan, now: datetime) -> bool:
    expires = campaign.loaded.campaign.spec.schedule.expires_at
    return expires is not None and now >= expires


def _end(campaign: CampaignPlan, ledger: Ledger, now: datetime, emit: Emit) -> int:
    reason = f"expiresAt {campaign.loaded.campaign.spec.schedule.expires_at:%Y-%m-%dT%H:%MZ} has passed"
    count = cancel_held(ledger, campaign.loaded.first_name, "zalosync", reason, now)
    emit(Warned("ZS656", f"{count:,} held messages of {campaign.name} are cancelled: {reason}"))
    return count


def left_out(totals: Totals, reason: Left, count: int, *, due: bool) -> None:
    """Some messages are left out; what was held stays so, unless the ledger has another word."""
    if due and reason is not Left.LEDGER:
        totals.held += count
        totals.stays[reason] += count
    else:
        totals.shrunk[reason] += count
