"""What waits in the ledger under applied plans, held against the audience of now.

A held message goes out only as it was approved. Where its row is gone it never can: the plan proposes to
cancel it. Where it composes to another text, or to another phone, it stays held, and the plan says so.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from zalosync.compose.digests import halves
from zalosync.compose.message import Status
from zalosync.compose.recipe import DESTINATION
from zalosync.plan.decide import Action
from zalosync.plan.history import History
from zalosync.plan.messages import PlannedMessages

_KEY = ["m0", "m1"]
_SLICE = 100_000


@dataclass(slots=True)
class Waits:
    """The held messages of one campaign; meets the decided messages of its audience in their order.

    Attributes:
        gone: those that no row makes any more.
        changed: how many compose to another text or phone than was approved.
        suppressed: how many are for people who are on a suppression list by now.
    """

    gone: PlannedMessages = field(default_factory=PlannedMessages, repr=False)
    changed: int = 0
    suppressed: int = 0
    _left: pl.DataFrame = field(default_factory=lambda: _frame([]), repr=False)
    _recipient: Callable[[str], bytes] = field(default=str.encode, repr=False)

    @classmethod
    def read(cls, reader: History, number: int, recipient: Callable[[str], bytes]) -> "Waits":
        """Those of a campaign of this number in the ledger; `recipient` makes a phone's pseudonym."""
        parts = [_frame(chunk) for chunk in reader.held(number)]
        return cls(_left=pl.concat([_frame([]), *parts]).sort(_KEY), _recipient=recipient)

    def meet(self, decided: pl.DataFrame) -> None:
        """Take the next decided messages: what lies before their last one and is not among them is gone."""
        if not self._left.height or not decided.height:
            return
        high, low = decided.row(-1, named=True)["m0"], decided.row(-1, named=True)["m1"]
        within = (pl.col("m0") < high) | ((pl.col("m0") == high) & (pl.col("m1") <= low))
        mine, self._left = self._left.filter(within), self._left.filter(~within)
        now = decided.select(*_KEY, pl.col("f0", "f1").name.suffix("_now"), "action", DESTINATION)
        both = mine.join(now, on=_KEY, how="left", maintain_order="left")
        self._lose(both.filter(pl.col("action").is_null()))
        self.suppressed += both.filter(pl.col("action") == int(Action.SUPPRESSED)).height
        self.changed += self._differing(both.filter(pl.col("action") == int(Action.HELD)))

    def end(self) -> None:
        """The audience is at its end: what no row has met is gone."""
        self._lose(self._left)
        self._left = self._left.clear()

    def _differing(self, both: pl.DataFrame) -> int:
        """How many of these would be another text now, or go to another phone."""
        recipients = halves("p", [self._recipient(str(phone)) for phone in both[DESTINATION]])
        pairs = (("f0", "f0_now"), ("f1", "f1_now"), ("r0", "p0"), ("r1", "p1"))
        other = pl.any_horizontal(pl.col(then) != pl.col(now) for then, now in pairs)
        return both.with_columns(**recipients).filter(other).height

    def _lose(self, rows: pl.DataFrame) -> None:
        cancel = pl.lit(int(Action.CANCEL), pl.UInt8).alias("action")
        for part in rows.select(*_KEY, "f0", "f1", cancel).iter_slices(_SLICE):
            self.gone.append(part)


def waiting(reader: History) -> dict[int, int]:
    """How many messages are held, by their campaign's number in the ledger."""
    return {number: count for (number, state), (count, _) in reader.waiting().items() if state is Status.HELD}


def of_gone_campaigns(reader: History, present: Collection[str]) -> dict[str, PlannedMessages]:
    """The held messages of campaigns that are not among `present`, by first name.

    Args:
        reader: the ledger.
        present: first names of the project's campaigns.
    """
    held = waiting(reader)
    found = {}
    for name, number in sorted(reader.campaigns().items()):
        if name not in present and number in held:
            waits = Waits.read(reader, number, str.encode)
            waits.end()
            found[name] = waits.gone
    return found


def within(planned: PlannedMessages | None, now: PlannedMessages) -> PlannedMessages:
    """Those of the held messages of now that a sealed plan names for cancelling."""
    kept = PlannedMessages()
    if planned is None:
        return kept
    named = pl.concat(list(_slices(planned)) or [_none()])
    for part in _slices(now):
        kept.append(part.join(named, on=[*_KEY, "f0", "f1"], how="semi", maintain_order="left"))
    return kept


def _slices(messages: PlannedMessages) -> Iterator[pl.DataFrame]:
    cursor = messages.cursor()
    while cursor.left:
        yield cursor.take(_SLICE)


def _none() -> pl.DataFrame:
    return PlannedMessages().cursor().take(0)


def _frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    message, fingerprint, recipient = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"m": message, "f": fingerprint, "r": recipient}
    return pl.DataFrame(
        {
            name: series
            for key, digests in columns.items()
            for name, series in halves(key, list(digests)).items()
        }
    )
