"""What became of a sealed plan, and what differs between two, as text."""

from collections.abc import Iterator

from zalosync.console.display import display, plural
from zalosync.console.plan_words import Document, at, both

OVER = ("consumed", "expired", "stale")  # states of a plan that cannot be applied any more
_STATES = {
    "applicable": "can be applied",
    "expired": "EXPIRED",
    "consumed": "CONSUMED",
    "stale": "STALE",
    "unknown": "not held against a ledger",
}


def state_lines(sealed: Document, zone: str) -> Iterator[str]:
    """Above a sealed plan: its state, who made it, who approved it."""
    reason = f": {display(sealed['reason'], 300)}" if sealed["reason"] else ""
    missing = display(sealed["missing"], 300)
    awaits = f", once it is approved: {missing}" if missing and sealed["state"] == "applicable" else ""
    is_ = "" if sealed["state"] == "applicable" else "is "
    yield f"This plan {is_}{_STATES[sealed['state']]}{reason}{awaits}"
    actor = display(sealed["actor"] or "unknown", 60)
    commit = f", commit {display(sealed['commit'], 12)}" if sealed["commit"] else ""
    dirty = " with changes" if sealed["dirty"] else ""
    yield f"  made {at(sealed['created_at'], zone)} by {actor}{commit}{dirty}"
    yield f"  expires {at(sealed['expires_at'], zone)}"
    if sealed["missing"] and not awaits:
        yield f"  not approved: {missing}"
    for approval in sealed["approvals"]:
        signed = ", signed" if approval["signed"] else ""
        signed += ", which was of an earlier plan and does not count" if approval["older"] else ""
        reason = f": {display(approval['reason'], 120)}" if approval["reason"] else ""
        yield f"  approved {at(approval['at'], zone)} by {display(approval['name'], 60)}{signed}{reason}"
    yield ""


def diff_lines(document: Document) -> Iterator[str]:
    """What differs between two plans."""
    if document["same"]:
        yield "The two plans are the same: one digest, one meaning."
        return
    for name, text in (("before", document["before"]), ("after", document["after"])):
        yield f"{name:<7} {text['digest']}  {plural(text['to_send'], 'message')} to send"
    if document["inputs"]:
        yield ""
        yield "Inputs that moved:"
        for text in document["inputs"]:
            yield f"  {display(text, 200)}"
    for cancel in document.get("cancels", ()):
        yield f"held messages of {display(cancel['campaign'])} to cancel: {both(cancel)}"
    for campaign in document["campaigns"]:
        yield ""
        yield f"campaign {display(campaign['name'])}{_WHICH[campaign['in']]}"
        for name, words in _COUNTS.items():
            if campaign[name]:
                yield f"  {campaign[name]:>11,}  {words}"
        for move in campaign["actions"]:
            yield f"  {move['count']:>11,}  {move['from']} before, {move['to']} now"


_WHICH = {"both": "", "before": " (only in the first plan)", "after": " (only in the second plan)"}
_COUNTS = {
    "came": "messages that the first plan does not have",
    "went": "messages that the second plan does not have",
    "changed": "messages with another content",
    "same": "messages that are the same in both",
}
