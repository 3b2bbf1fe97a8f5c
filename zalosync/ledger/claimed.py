"""Claims in the forms they are written in: rows to insert or to take up again, commitments, tallies. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from zalosync.ledger.chain import SALT_BYTES, commitment
from zalosync.ledger.records import Claim, Recorded
from zalosync.ledger.told import Cell, cell_of, price_of


class Claimed:
    """Claims of one change, with the row of each.

    Args:
        claims: what is taken.
        first: the first row that is free.
        salts: as many bytes for each claim as a salt has.
        run: that takes them.
        at: Unix seconds of the change.

    Attributes:
        records: the attempts as they stand from then on.
        new: the parameters of `insert_attempt`.
        again: those of `reclaim_attempt`.
        ended: those of `close_attempt`, of attempts whose message gets a new one.
        commitments: to what lasts of each.
        cells: how many more, or fewer, attempts stand where.
        prices: what these cost.
    """

    def __init__(self, claims: Sequence[Claim], *, first: int, salts: bytes, run: int, at: int) -> None:
        self._free = first
        self._run = run
        self._at = at
        self.records: list[Recorded] = []
        self.new: list[tuple[Any, ...]] = []
        self.again: list[tuple[Any, ...]] = []
        self.ended: list[tuple[int, int]] = []
        self.commitments: list[bytes] = []
        self.cells: Counter[Cell] = Counter()
        self.prices: Counter[Cell] = Counter()
        for place, entry in enumerate(claims):
            self._take(entry, salts[place * SALT_BYTES : (place + 1) * SALT_BYTES])

    def _take(self, entry: Claim, salt: bytes) -> None:
        message, message_id, campaign, occurrence, attempt, fingerprint, recipient, failover, *_ = entry
        run, at, state, sms = self._run, self._at, int(entry.state), int(failover)
        before = entry.before
        if before is not None and entry.continues:
            row = before.row
            after = (state, run, fingerprint, recipient, salt, sms, at, at)
            self.again.append((*after, row, int(before.state)))
            was = before.known
            self.cells[cell_of(was)] -= 1
            self.prices[cell_of(was)] -= price_of(was)
        else:
            row, self._free = self._free, self._free + 1
            lasting = (row, message, message_id, campaign, occurrence, attempt, fingerprint, recipient)
            self.new.append((*lasting, salt, run, state, at, at, sms))
            if before is not None:
                self.ended.append((before.row, int(before.state)))
        self.commitments.append(
            commitment(
                salt=salt,
                row=row,
                message=message,
                message_id=message_id,
                campaign=campaign,
                occurrence=occurrence,
                attempt=attempt,
                fingerprint=fingerprint,
                recipient=recipient,
                failover=sms,
            )
        )
        self.cells[campaign, occurrence, state, 0, 0, 0, 0, 0, 0] += 1
        self.records.append(
            Recorded(
                *(row, message, message_id, campaign, occurrence, attempt, fingerprint, run, entry.state),
                created_at=at,
                changed_at=at,
                recipient=recipient,
                failover=failover,
            )
        )
