"""A plan's messages, outside of memory: per message its identity, its fingerprint and what is to be done.

Three columns of fixed width, sorted by message: 33 bytes a message, nothing personal, the same bytes for
the same messages on any machine and with any version of a library.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

import polars as pl

from zalosync.compose.digests import joined, raw, split
from zalosync.plan.column import BLOCK_BYTES, Column
from zalosync.plan.decide import Action

WIDTHS = {"message": 16, "fingerprint": 16, "action": 1}


@dataclass(slots=True)
class PlannedMessages:
    """The messages of one campaign in a plan, appended in order, read in order."""

    count: int = 0
    actions: Counter[Action] = field(default_factory=Counter)
    _columns: dict[str, Column] = field(default_factory=lambda: {name: Column() for name in WIDTHS})
    _digests: dict[tuple[str, ...], str] = field(default_factory=dict, compare=False)  # asked for so far

    @property
    def to_send(self) -> int:
        """How many of them would be submitted."""
        return self.actions[Action.SEND] + self.actions[Action.RETRY]

    def append(self, decided: pl.DataFrame) -> None:
        """Add decided messages (`m0`, `m1`, `f0`, `f1`, `action`), which come sorted."""
        self._digests.clear()
        self._columns["message"].append(joined(decided["m0"], decided["m1"]))
        self._columns["fingerprint"].append(joined(decided["f0"], decided["f1"]))
        self._columns["action"].append(raw(decided["action"]))
        self.count += decided.height
        for action, count in decided["action"].value_counts().iter_rows():
            self.actions[Action(action)] += count

    def mark(self, places: Sequence[int], action: Action) -> None:
        """Change what is done about the messages at these places."""
        self._digests.clear()
        column = self._columns["action"]
        for place in places:
            self.actions[Action(column.read(place, 1)[0])] -= 1
            column.put(place, bytes([action]))
        self.actions[action] += len(places)

    def digest(self, *columns: str) -> str:
        """SHA-256 (hex) over whole columns: equal for equal messages, however they were cut."""
        if columns not in self._digests:
            digest = hashlib.sha256(self.count.to_bytes(8, "big"))
            for name in columns:
                for block in self.blocks(name):
                    digest.update(block)
            self._digests[columns] = digest.hexdigest()
        return self._digests[columns]

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of one column, in order."""
        return self._columns[name].blocks()

    @classmethod
    def read(cls, stream: IO[bytes], count: int) -> "PlannedMessages":
        """The messages of a sealed plan.

        Args:
            stream: stands at the campaign's first column.
            count: messages, as the plan says.

        Raises:
            ValueError: there are fewer bytes than that, or an action that is none.
        """
        planned = cls(count)
        for name, width in WIDTHS.items():
            left = count * width
            while left:
                block = stream.read(min(left, BLOCK_BYTES))
                if not block:
                    raise ValueError("the messages are cut short")
                planned._columns[name].append(block)
                left -= len(block)
                if name == "action":
                    for action, found in Counter(block).items():
                        planned.actions[Action(action)] += found
        return planned

    def cursor(self) -> "Slices":
        """Read the messages in order, as many at a time as asked."""
        return Slices(self._columns, self.count)


class Slices:
    """A place in a plan's messages."""

    def __init__(self, columns: dict[str, Column], count: int) -> None:
        self._columns = columns
        self._count = count
        self._at = 0

    def take(self, count: int) -> pl.DataFrame:
        """The next `count` messages (fewer at the end) as `m0`, `m1`, `f0`, `f1`, `action`."""
        count = min(count, self._count - self._at)
        part = {
            name: self._columns[name].read(self._at * width, count * width) for name, width in WIDTHS.items()
        }
        self._at += count
        return pl.DataFrame(
            {
                **split(part["message"], "m"),
                **split(part["fingerprint"], "f"),
                "action": pl.Series(list(part["action"]), dtype=pl.UInt8),
            }
        )

    @property
    def left(self) -> int:
        """How many messages are still to be read."""
        return self._count - self._at
