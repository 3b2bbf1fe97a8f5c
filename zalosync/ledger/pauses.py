"""The pause flag of campaigns: set and cleared by people at any time, also while a run sends.

It is a note of the ledger, so the history says who paused and why. Writing it does not take the run's
lock: a running apply must hear of it before its next request.
"""

import json
from dataclasses import dataclass

from zalosync.ledger.read import LedgerReader
from zalosync.ledger.store import Change

NOTE = "pause:"


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a campaign, when (ISO 8601, UTC), and why."""

    by: str
    at: str
    reason: str


def pauses(reader: LedgerReader) -> dict[str, Pause]:
    """The paused campaigns, by first name."""
    notes = reader.notes()
    return {
        name.removeprefix(NOTE): Pause(**json.loads(value))
        for name, value in notes.items()
        if name.startswith(NOTE)
    }


def paused(reader: LedgerReader) -> frozenset[str]:
    """The first names of the paused campaigns."""
    return frozenset(pauses(reader))


def pause(change: Change, campaign: str, pause_: Pause) -> None:
    """Pause a campaign."""
    change.note(NOTE + campaign, json.dumps({"by": pause_.by, "at": pause_.at, "reason": pause_.reason}))


def unpause(change: Change, campaign: str) -> None:
    """Let a campaign go on."""
    change.note(NOTE + campaign, None)
