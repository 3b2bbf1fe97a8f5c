"""Held messages that an applied plan cancels, since their row or their campaign is gone."""

from collections.abc import Mapping

from zalosync.clock import Clock
from zalosync.compose.message import Cause, Status
from zalosync.compose.recipe import whole
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.store import Ledger
from zalosync.plan.messages import PlannedMessages

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
