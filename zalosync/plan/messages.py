"""A plan's messages, outside of memory: per message its identity, its fingerprint and what is to be done.

Three columns of fixed width, sorted by message: 33 bytes a message, nothing personal, the same bytes for
the same messages on any machine and with any version of a library.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import polars as pl

from zalosync.compose.recipe import halves, whole
from zalosync.plan.decide import Action

MEMORY_BYTES = 16 * 2**20  # per column; above, it goes to a file without a name
WIDTHS = {"message": 16, "fingerprint": 16, "action": 1}


def _spool() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="zalosync-")


@dataclass(slots=True)
class PlannedMessages:
    """The messages of one campaign in a plan, appended in order, read in order."""

    count: int = 0
    actions: Counter[Action] = field(default_factory=Counter)
    _columns: dict[str, IO[bytes]] = field(default_factory=lambda: {name: _spool() for name in WIDTHS})

    def append(self, decided: pl.DataFrame) -> None:
        """Add decided messages (`m0`, `m1`, `f0`, `f1`, `action`), which come sorted."""
        messages = b"".join(whole(decided["m0"], decided["m1"]))
        fingerprints = b"".join(whole(decided["f0"], decided["f1"]))
        actions = bytes(decided["action"].to_list())
        self._columns["message"].write(messages)
        self._columns["fingerprint"].write(fingerprints)
        self._columns["action"].write(actions)
        self.count += decided.height
        for action, count in decided["action"].value_counts().iter_rows():
            self.actions[Action(action)] += count

    def digest(self, *columns: str) -> str:
        """SHA-256 (hex) over whole columns: equal for equal messages, however they were cut."""
        digest = hashlib.sha256(self.count.to_bytes(8, "big"))
        for name in columns:
            for block in self.blocks(name):
                digest.update(block)
        return digest.hexdigest()

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of one column, in order."""
        column = self._columns[name]
        column.seek(0)
        while block := column.read(2**20):
            yield block

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
                block = stream.read(min(left, 2**20))
                if not block:
                    raise ValueError("the messages are cut short")
                planned._columns[name].write(block)
                left -= len(block)
                if name == "action":
                    planned.actions.update(Action(action) for action in block)
        return planned

    def cursor(self) -> "Slices":
        """Read the messages in order, as many at a time as asked."""
        return Slices(self._columns, self.count)


class Slices:
    """A place in a plan's messages."""

    def __init__(self, columns: dict[str, IO[bytes]], count: int) -> None:
        self._columns = columns
        self._count = count
        self._at = 0

    def take(self, count: int) -> pl.DataFrame:
        """The next `count` messages (fewer at the end) as `m0`, `m1`, `f0`, `f1`, `action`."""
        count = min(count, self._count - self._at)
        parts = {}
        for name, width in WIDTHS.items():
            column = self._columns[name]
            column.seek(self._at * width)
            parts[name] = column.read(count * width)
        self._at += count
        return pl.DataFrame(
            {
                **halves("m", _split(parts["message"])),
                **halves("f", _split(parts["fingerprint"])),
                "action": pl.Series(list(parts["action"]), dtype=pl.UInt8),
            }
        )

    @property
    def left(self) -> int:
        """How many messages are still to be read."""
        return self._count - self._at


def _split(data: bytes) -> list[bytes]:
    return [data[start : start + 16] for start in range(0, len(data), 16)]
