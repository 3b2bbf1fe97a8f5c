"""How a pause of a campaign is written as a note of the ledger. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

NOTE = "pause:"  # and the campaign's first name


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a campaign, when (ISO 8601, UTC), and why."""

    by: str
    at: str
    reason: str


def pauses_in(notes: Mapping[str, str]) -> dict[str, Pause]:
    """The pauses among a ledger's notes, by the campaign's first name."""
    return {
        name.removeprefix(NOTE): Pause(**json.loads(value))
        for name, value in notes.items()
        if name.startswith(NOTE)
    }


def pause_note(pause: Pause) -> str:
    """The note of a pause."""
    return json.dumps(asdict(pause))
