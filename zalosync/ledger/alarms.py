"""Alarms: what the provider said cannot be true both times. Kept until a person answers.

Nothing is sent because of one, and nothing stops: the stronger evidence stands in the attempt, and the
alarm says that somebody must ask the provider.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from zalosync.compose.spelling import message_id_texts
from zalosync.ledger.change import Change

NOTE = "alarm:contradiction"
CODE = "E_CONTRADICTION"
MOST_NAMED = 20  # ids in the event that tells of an alarm
MOST_SHOWN = 3  # ids that people are shown


class Contradiction(StrEnum):
    """What cannot be true both times. The words stand in ledgers: never change them."""

    DELIVERED = "refused-then-delivered"
    DUPLICATE = "duplicate-of-a-fresh-id"


WORDS = {
    Contradiction.DELIVERED: "refused by the provider and delivered all the same",
    Contradiction.DUPLICATE: "known to the provider before this ledger had sent them",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """What nobody answered yet: how many messages, some of their ids, and when the last one came."""

    what: Contradiction
    count: int
    some: tuple[str, ...]
    at: str

    @property
    def words(self) -> str:
        """The alarm for people, who need an id to ask about."""
        return (
            f"{self.count:,} messages were {WORDS[self.what]}: one of the provider's two answers is wrong"
            f" (such as {', '.join(self.some)})"
        )


def contradicted(
    change: Change, noted: str | None, what: Contradiction, message_ids: Sequence[bytes], now: datetime
) -> Alarm:
    """Write an alarm into the change that learns of it: its ids into the event, its count into the note.

    Args:
        change: the change.
        noted: the note as it stands, or None.
        what: kind of contradiction.
        message_ids: of the attempts.
        now: when.

    Returns:
        The alarm about these alone.
    """
    texts = message_id_texts(message_ids)
    fresh = Alarm(what, len(texts), tuple(texts[:MOST_SHOWN]), f"{now:%Y-%m-%dT%H:%M:%SZ}")
    known: dict[str, Any] = {} if noted is None else json.loads(noted)
    before = known.get(what, {"count": 0, "some": []})
    known[what] = {
        "at": fresh.at,
        "count": before["count"] + fresh.count,
        "some": [*before["some"], *fresh.some][:MOST_SHOWN],
    }
    change.say(str(what), texts[:MOST_NAMED])
    change.note(NOTE, json.dumps(known, sort_keys=True))
    return fresh


def open_alarms(notes: Mapping[str, str]) -> list[Alarm]:
    """The alarms that nobody answered yet."""
    known: dict[str, Any] = json.loads(notes.get(NOTE, "{}"))
    return [
        Alarm(what, known[what]["count"], tuple(known[what]["some"]), known[what]["at"])
        for what in Contradiction
        if what in known
    ]
