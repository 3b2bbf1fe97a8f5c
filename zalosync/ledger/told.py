"""Moves in the forms they are written in: rows to update, the event's groups, the tallies. Pure.

Moves that are alike share one entry of the event: a thousand deliveries are a few numbers, their times,
and eight bytes of digest each.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from zalosync.compose.message import MOVES, Status
from zalosync.errors import InternalError
from zalosync.ledger.chain import NO_EVIDENCE, ranges
from zalosync.ledger.records import Standing, Step

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


def cell_of(campaign: int, occurrence: int, standing: Standing) -> Cell:
    """What an attempt is counted under."""
    state, _, group, status, error, _, _, _, _, sms_group, sms, sms_error, _, _, _ = standing
    return (campaign, occurrence, int(state), group, status, error, sms_group, sms, sms_error)


def price_of(standing: Standing) -> int:
    """What an attempt cost, over both channels."""
    return (standing.price or 0) + (standing.sms_price or 0)


class Told:
    """Moves of one change, gathered.

    Args:
        steps: the moves.
        at: Unix seconds of the change.

    Raises:
        InternalError: a move that the table of legal moves does not have.
    """

    def __init__(self, steps: Sequence[Step], at: int) -> None:
        self._at = at
        self._steps = sorted(steps, key=_row)
        self._alike = alike = dict[tuple[Any, ...], list[Step]]()
        self.cells: Counter[Cell] = Counter()
        self.prices: Counter[Cell] = Counter()
        self.digests: list[bytes] = []
        for step in self._steps:
            state, cause, group, status, error, _, price, _, refused, *sms = step.to
            # All but times and digests, which are each message's own.
            key = (state, cause, group, status, error, price, refused, *sms[:3], sms[4])
            found = alike.get(key)
            if found is None:
                alike[key] = [step]
            else:
                found.append(step)
        for found in alike.values():
            self._count(found)

    def values(self, owner: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The parameters of `move_attempt`, in its order; `owner` ends those of `move_own_intent`."""
        at = self._at
        return [
            (int(to[0]), int(to[1]), *to[2:], at, before.row, int(before.standing.state), *owner)
            for before, to in self._steps
        ]

    def groups(self) -> Iterator[list[Any]]:
        """The event's entries.

        Gives:
            [state, cause, group, id, error, price, refused, sms, rows, times, SMS times, proven] each: `sms`
            is 0 or [group, id, error, price]; `rows` are [first, count] pairs; times are the first one and
            the distances from it, or empty; `proven` has bit 1 where digests of Zalo's reports follow in
            the event, bit 2 where digests of the SMS's.
        """
        for key, steps in self._alike.items():
            state, cause, group, status, error, price, refused, sms_group, sms, sms_error, sms_price = key
            zalo_digests = self._prove(step.to.evidence for step in steps)
            sms_digests = self._prove(step.to.sms_evidence for step in steps) if sms else 0
            yield [
                int(state),
                int(cause),
                group,
                status,
                error,
                NO_PRICE if price is None else price,
                refused,
                [sms_group, sms, sms_error, NO_PRICE if sms_price is None else sms_price] if sms else 0,
                ranges(step.before.row for step in steps),
                distances([step.to.done_at for step in steps]),
                distances([step.to.sms_done_at for step in steps]) if sms else [],
                zalo_digests + 2 * sms_digests,
            ]

    def _prove(self, digests: Iterable[bytes | None]) -> int:
        found = list(digests)
        if not any(found):
            return 0
        self.digests.extend(digest or NO_EVIDENCE for digest in found)
        return 1

    def _count(self, steps: list[Step]) -> None:
        """Take moves that end alike out of where they were counted, and count them where they are."""
        to = steps[0].to
        moved: Counter[tuple[int, int, Status, Cell]] = Counter()
        for before, _ in steps:
            standing = before.standing
            cell = cell_of(before.campaign, before.occurrence, standing)
            moved[before.campaign, before.occurrence, standing.state, cell] += 1
            price = price_of(standing)
            if price:
                self.prices[cell] -= price
        price = price_of(to)
        for (campaign, occurrence, state, cell), count in moved.items():
            if to.state is not state and to.state not in MOVES[state]:
                raise InternalError(f"no move leads from {state.word} to {to.state.word}")
            self.cells[cell] -= count
            new = cell_of(campaign, occurrence, to)
            self.cells[new] += count
            if price:
                self.prices[new] += price * count


def _row(step: Step) -> int:
    return step.before.row


def distances(moments: Sequence[int | None]) -> list[int]:
    """Moments as the earliest and each one's distance from it, short to write; empty where all are None."""
    known = [moment for moment in moments if moment is not None]
    if not known:
        return []
    first = min(known)
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
