"""Moves in the forms they are written in: rows to update, the event's groups, the tallies. Pure.

Moves that end alike share one entry of the event: a thousand deliveries are a few numbers, their times,
and eight bytes of digest each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from zalosync.compose.message import MOVES, Status
from zalosync.errors import InternalError
from zalosync.ledger.chain import NO_EVIDENCE, ranges, shortest
from zalosync.ledger.records import Alike, Known, Standing, Step

CELL = (
    "campaign",
    "occurrence",
    "state",
    "status_group",
    "status_id",
    "error_id",
    "sms_group",
    "sms_id",
    "sms_error",
)
Cell = tuple[int, int, int, int, int, int, int, int, int]

NO_TIME = -1
NO_PRICE = -1
_AT_ROW = 14  # where `values` have the row, and `spans` the first one
_AT_ROW_ALIKE = 8  # and `values_alike`
# What moves that are alike have in common: all but times and digests.
_common = itemgetter(0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 13)
# What an attempt is counted under, of a `Known`.
cell_of: Callable[[Known], Cell] = itemgetter(2, 3, 4, 6, 7, 8, 12, 13, 14)


def price_of(standing: Known | Standing) -> int:
    """What an attempt cost, over both channels."""
    return (standing.price or 0) + (standing.sms_price or 0)


# State, cause, group, id, error; price; refused, the SMS's group, id, error; its price; and who moves so.
_Alike = tuple[tuple[int, ...], int | None, tuple[int, ...], int | None, list[Step]]


class Told:
    """Moves of one change, gathered.

    Args:
        steps: moves, each by itself.
        alike: moves that are alike already.
        at: Unix seconds of the change.

    Raises:
        InternalError: a move that the table of legal moves does not have.
    """

    def __init__(self, steps: Iterable[Step], alikes: Sequence[Alike], at: int) -> None:
        self._at = at
        self._told = alikes
        self._alike: dict[tuple[Any, ...], list[Step]] = {}
        self.cells: Counter[Cell] = Counter()
        self.prices: Counter[Cell] = Counter()
        self.digests: list[bytes] = []
        alike = self._alike
        for step in sorted(steps, key=_row):
            common = _common(step[1])
            found = alike.get(common)
            if found is None:
                alike[common] = [step]
            else:
                found.append(step)
        for found in alike.values():
            self._count(found)
        for each in alikes:
            count = len(each.told)
            self._recount(cell_of(each.before), count, price_of(each.before) * count, each.to)

    def values(self) -> list[tuple[Any, ...]]:
        """The parameters of `move_attempt`, sorted by row."""
        at = self._at
        found = [
            (*numbers, to[5], price, *sms, to[12], sms_price, at, before[1], before[4])
            for numbers, price, sms, sms_price, steps in self._numbered()
            for before, to in steps
        ]
        found.sort(key=itemgetter(_AT_ROW))
        return found

    def spans(self, owner: int | None) -> list[tuple[Any, ...]]:
        """The parameters of `move_own_intents`, sorted by row: neighbours that move alike are one."""
        at = self._at
        found = []
        for numbers, price, sms, sms_price, steps in self._numbered():
            together: dict[tuple[int | None, int | None, int], list[int]] = {}
            for before, to in steps:
                together.setdefault((to[5], to[12], before[4]), []).append(before[1])
            for (done_at, sms_done_at, expected), rows in together.items():
                change = (*numbers, done_at, price, *sms, sms_done_at, sms_price, at)
                found += [(*change, row, row + count - 1, expected, owner) for row, count in ranges(rows)]
        found.sort(key=itemgetter(_AT_ROW))
        return found

    def values_alike(self) -> list[tuple[Any, ...]]:
        """The parameters of `move_alike`, sorted by row."""
        at = self._at
        found: list[tuple[Any, ...]] = []
        for each in self._told:
            state, cause, group, status, error, _, price, *_ = each.to
            numbers, expected = (int(state), int(cause), group, status, error), each.before.state
            found += [(*numbers, done_at, price, at, row, expected) for row, done_at, _ in each.told]
        found.sort(key=itemgetter(_AT_ROW_ALIKE))
        return found

    def _numbered(
        self,
    ) -> Iterator[tuple[tuple[int, ...], int | None, tuple[int, ...], int | None, list[Step]]]:
        for common, steps in self._alike.items():
            state, cause, group, status, error, price, refused, sms_group, sms, sms_error, sms_price = common
            numbers = (int(state), int(cause), group, status, error)
            yield numbers, price, (refused, sms_group, sms, sms_error), sms_price, steps

    def groups(self) -> Iterator[list[Any]]:
        """The event's entries.

        Gives:
            [state, cause, group, id, error, price, refused, sms, rows, times, SMS times, proven] each: `sms`
            is 0 or [group, id, error, price]; `rows` as `chain.shortest` writes them; times are the first one
            and the distances from it, or empty; `proven` has bit 1 where digests of Zalo's reports follow in
            the event, bit 2 where digests of the SMS's.
        """
        for numbers, price, (refused, *sms), sms_price, steps in self._numbered():
            zalo_digests = self._prove([to[7] for _, to in steps])
            # Also an SMS of which no status is known: what its columns keep must stand in the history.
            by_sms = any(sms) or sms_price is not None or any(to[12] or to[14] for _, to in steps)
            sms_digests = self._prove([to[14] for _, to in steps]) if by_sms else 0
            yield [
                *numbers,
                NO_PRICE if price is None else price,
                refused,
                [*sms, NO_PRICE if sms_price is None else sms_price] if by_sms else 0,
                shortest([before[1] for before, _ in steps]),
                distances([to[5] for _, to in steps]),
                distances([to[12] for _, to in steps]) if by_sms else [],
                zalo_digests + 2 * sms_digests,
            ]
        yield from map(self._group_alike, self._told)

    def _group_alike(self, alike: Alike) -> list[Any]:
        to = alike.to
        rows, times, digests = zip(*alike.told, strict=True)
        sms = to.sms_group, to.sms_id, to.sms_error, NO_PRICE if to.sms_price is None else to.sms_price
        by_sms = sms != (0, 0, 0, NO_PRICE)
        return [
            *(int(to.state), int(to.cause), *to[2:5]),
            NO_PRICE if to.price is None else to.price,
            to.refused,
            list(sms) if by_sms else 0,
            shortest(rows),
            distances(times),
            [],
            self._prove(digests),
        ]

    def _prove(self, digests: Sequence[bytes | None]) -> int:
        if not any(digests):
            return 0
        self.digests.extend(digest or NO_EVIDENCE for digest in digests)
        return 1

    def _count(self, steps: list[Step]) -> None:
        """Take moves that end alike out of where they were counted, and count them where they are."""
        to = steps[0].to
        moved = Counter(cell_of(before) for before, _ in steps)
        prices: Counter[Cell] = Counter()
        for before, _ in steps:
            price = price_of(before)
            if price:
                prices[cell_of(before)] += price
        for cell, count in moved.items():
            self._recount(cell, count, prices[cell], to)

    def _recount(self, cell: Cell, count: int, price: int, to: Standing) -> None:
        """So many that stood alike, and cost that together, go there."""
        state = Status(cell[2])
        if to.state is not state and to.state not in MOVES[state]:
            raise InternalError(f"no move leads from {state.word} to {to.state.word}")
        self.cells[cell] -= count
        self.prices[cell] -= price
        new = (*cell[:2], int(to.state), *to[2:5], *to[9:12])
        self.cells[new] += count
        self.prices[new] += price_of(to) * count


def _row(step: Step) -> int:
    return step[0][1]


def distances(moments: Sequence[int | None]) -> list[int]:
    """Moments as the earliest and each one's distance from it, short to write; empty where all are None."""
    known = [moment for moment in moments if moment is not None]
    if not known:
        return []
    first = min(known)
    if len(known) == len(moments):
        return [first, *[moment - first for moment in known]]
    return [first, *(NO_TIME if moment is None else moment - first for moment in moments)]


def moments(written: Sequence[int], count: int) -> list[int | None]:
    """What `distances` was given.

    Raises:
        ValueError: there are more or fewer than `count`.
    """
    if not written:
        return [None] * count
    if len(written) != count + 1:
        raise ValueError("times are missing")
    first = written[0]
    return [None if distance == NO_TIME else first + distance for distance in written[1:]]
