"""What people decide: unknown messages are resolved, held ones cancelled; each with a name and a reason."""

from collections.abc import Sequence
from datetime import datetime

from zalosync.compose.message import Cause, Status
from zalosync.errors import UsageError
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.store import Ledger

_DECISIONS = {"sent": Status.ACCEPTED, "not-sent": Status.RELEASED, "abandon": Status.ABANDONED}


def resolve_unknown(
    ledger: Ledger,
    campaign: str,
    message_ids: Sequence[bytes] | None,
    decision: str,
    actor: str,
    reason: str,
    now: datetime,
) -> int:
    """Store a decision on unknown messages, in one transaction; gives how many.

    Args:
        ledger: under its lock.
        campaign: first name; messages of others are refused.
        message_ids: which, or None for all unknown ones of the campaign.
        decision: `sent`, `not-sent` or `abandon`.
        actor: who decides.
        reason: why.
        now: when.

    Raises:
        UsageError: a named message is not an unknown one of this campaign; nothing is stored.
    """
    number = ledger.campaigns().get(campaign)
    if message_ids is None:
        unknown = ledger.in_state(Status.UNKNOWN)
        chosen = [each for chunk in unknown for each in chunk if each.campaign == number]
    else:
        known = ledger.by_message_ids(sorted(message_ids))
        chosen = [each for each in known.values() if each.campaign == number and each.state is Status.UNKNOWN]
        if len(chosen) != len(set(message_ids)):
            raise UsageError(
                f"{len(set(message_ids)) - len(chosen):,} of these messages are not unknown ones of"
                f" {campaign}; nothing was stored",
                fix="`zalosync status` counts them; evidence may have come meanwhile",
            )
    to = Standing(_DECISIONS[decision], Cause.DECIDED)
    return _decide(ledger, Kind.RESOLVE, chosen, to, actor, reason, now)


def cancel_held(ledger: Ledger, campaign: str, actor: str, reason: str, now: datetime) -> int:
    """End the held messages of a campaign, in one transaction; gives how many."""
    number = ledger.campaigns().get(campaign)
    chosen = [each for chunk in ledger.in_state(Status.HELD) for each in chunk if each.campaign == number]
    return _decide(ledger, Kind.CANCEL, chosen, Standing(Status.CANCELLED, Cause.DECIDED), actor, reason, now)


def _decide(
    ledger: Ledger,
    kind: Kind,
    chosen: Sequence[Recorded],
    to: Standing,
    actor: str,
    reason: str,
    now: datetime,
) -> int:
    if chosen:
        with ledger.change(kind, now) as change:
            change.say("by", actor)
            change.say("reason", reason)
            change.move([Move(each, to) for each in sorted(chosen, key=lambda each: each.row)])
    return len(chosen)
