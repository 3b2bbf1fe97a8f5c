"""The pause flag of campaigns: set and cleared by people at any time, also while a run sends.

It is a note of the ledger, so the history says who paused and why. Writing it does not take the run's
lock: a running apply must hear of it before its next request.
"""

from zalosync.ledger.pause_notes import NOTE, Pause, pause_note, pauses_in
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.store import Change


def pauses(reader: LedgerReader) -> dict[str, Pause]:
    """The paused campaigns, by first name."""
    return pauses_in(reader.notes())


def paused(reader: LedgerReader) -> frozenset[str]:
    """The first names of the paused campaigns."""
    return frozenset(pauses(reader))


def pause(change: Change, campaign: str, pause_: Pause) -> None:
    """Pause a campaign."""
    change.note(NOTE + campaign, pause_note(pause_))


def unpause(change: Change, campaign: str) -> None:
    """Let a campaign go on."""
    change.note(NOTE + campaign, None)
