"""The join of evidence: of what the ledger knows and what a report says, the stronger stands. Pure.

Commutative, associative and idempotent: any order and repetition of reports ends in the same standing.
Zalo's outcome and that of the SMS which took its place are joined each for itself, and where a message
stands follows from both. On each channel the rank decides; ties go to the later `doneAt`, then the higher
status id, then to what says more. Reports that say the same leave the same, whichever came first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from zalosync.clock import milliseconds
from zalosync.compose.message import RANK, Cause, Status
from zalosync.ledger.chain import EVIDENCE_BYTES
from zalosync.ledger.records import Alike, Known, Standing, Step
from zalosync.provider import (
    DUPLICATE_MESSAGE_ID,
    GROUP_BY_ID,
    HANDED_OVER,
    NO_GROUP,
    Channel,
    ProviderStatus,
    Report,
    evidence_of,
    group_of,
)

CHANNELS = {Channel.ZALO: 0, Channel.SMS: 1}
# Nothing may ever arrive for these: evidence says that somebody else sends, or that we are wrong.
UNEXPECTED = frozenset({Status.HELD, Status.CANCELLED, Status.RELEASED})

# What a report says beside its time, the same tuple for all that say the same:
# status id, state, error id, price (-1: none), status group, cause.
What = tuple[int, Status, int, int, int, Cause]
# What a report says of one channel, a plain tuple since there are millions; the stronger is the larger:
# rank, doneAt (0: none), what, digest.
Told = tuple[int, int, What, bytes]
_NO_ID = -(2**31) - 1  # below every status id that a provider may invent, negative ones too
NOTHING: Told = (0, 0, (_NO_ID, Status.INTENT, 0, -1, 0, Cause.NONE), b"")
_NO_SMS = (0, 0, 0, None, None)  # the SMS's columns of an attempt without one
_KNOWN = b"\xff" * (EVIDENCE_BYTES + 1)  # above any digest: who says what is known already says nothing new
_RANKS = [0, *(RANK[Status(number)] for number in range(1, len(Status) + 1))]  # by a state's number
_GROUP, _DONE_AT, _SMS_DONE_AT = map(Known._fields.index, ("status_group", "done_at", "sms_done_at"))
_EVIDENCED = RANK[Status.ACCEPTED]  # what has less was never told of by the provider


@dataclass(slots=True)
class Evidence:
    """What reports say, the strongest of each message and channel; adding to it is the join.

    Attributes:
        zalo: by message id.
        sms: likewise, of the SMS that took its place.
        currencies: of the prices.
    """

    zalo: dict[bytes, Told] = field(default_factory=dict)
    sms: dict[bytes, Told] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)

    @property
    def message_ids(self) -> list[bytes]:
        """Of whom anything is said, sorted: what lies together is looked up together."""
        return sorted(self.zalo.keys() | self.sms.keys() if self.sms else self.zalo)

    def add(self, message_id: bytes, told: Told, *, sms: int) -> None:
        """Join one report."""
        channel = self.sms if sms else self.zalo
        before = channel.get(message_id)
        channel[message_id] = told if before is None else stronger(before, told)


def stronger(one: Told, other: Told) -> Told:
    """The join of what two reports say of one channel."""
    return max(one, other)


def told_by(report: Report) -> Told:
    """What one report proves by itself: at least that the provider has the message."""
    status, done_at = report.status, report.done_at
    return tell(
        NO_GROUP if status is None else status.group_id,
        0 if status is None else status.id,
        report.error_id,
        0 if done_at is None else milliseconds(done_at),
        -1 if report.price is None else report.price,
        report.digest[:EVIDENCE_BYTES],
    )


def tell(group: int, status_id: int, error_id: int, done_at: int, price: int, digest: bytes) -> Told:
    """The same from a report's parts; 0 where it names no status or time, -1 where no price."""
    rank, what = what_of(group, status_id, error_id, price)
    return (rank, done_at, what, digest)


@lru_cache(maxsize=4096)
def what_of(group: int, status_id: int, error_id: int, price: int) -> tuple[int, What]:
    """The rank of what a report says, and what it says beside its time."""
    rank, state, group, cause = _proven(group, status_id)
    return rank, (status_id or _NO_ID, state, error_id, price, group, cause)


@lru_cache(maxsize=1024)
def _proven(group: int, status_id: int) -> tuple[int, Status, int, Cause]:
    """What a status proves: rank, state, the status's group by number, cause."""
    status = ProviderStatus(group, "", status_id, "")
    state, found = evidence_of(status), group_of(status)
    found = found if found in GROUP_BY_ID else 0
    if state is None:
        return _EVIDENCED, Status.ACCEPTED, found, Cause.RAW
    cause = Cause.NONE
    if status_id == DUPLICATE_MESSAGE_ID:
        cause = Cause.DUPLICATE
    elif status_id == HANDED_OVER:
        cause = Cause.HANDED_OVER
    return RANK[state], state, found, cause


def joined(known: Known, zalo: Told | None, sms: Told | None) -> Standing | None:
    """Join all that is known of one attempt with what reports say of it; None where nothing changes."""
    state, cause, group, status_id, error_id, done_at, price, refused = known[4:12]
    rank = _RANKS[state]
    if rank < _EVIDENCED:
        before = NOTHING  # what an answer said that proved nothing is no evidence
    elif done_at is None and price is None and not error_id:
        before = _answered(group, status_id)
    else:
        before = _known(group, status_id, error_id, done_at, price)
    before_sms = NOTHING if known[12:] == _NO_SMS else _known(*known[12:])
    after = before if zalo is None else stronger(before, zalo)
    after_sms = before_sms if sms is None else stronger(before_sms, sms)
    if after is before and after_sms is before_sms:
        return None
    # Of two that prove the same, the one that names a status: a report without one leaves nothing behind, and
    # would otherwise count if it came last and not if it came first.
    named, sms_named = after[2][0] != _NO_ID, after_sms[2][0] != _NO_ID
    best = after if (after[0], named) >= (after_sms[0], sms_named) else after_sms
    stands, why = (best[2][1], best[2][5]) if best[0] >= rank else (Status(state), Cause(cause))
    if after_sms is NOTHING:
        to = Standing(stands, why, *_columns(after), refused)
    else:
        to = Standing(stands, why, *_columns(after), refused, *_columns(after_sms))
    if named and (after_sms is NOTHING or sms_named):
        return to
    # A report without a status may leave nothing behind to know it by.
    return to if _lasting(to) != known[4:] else None


def moves(attempts: Iterable[tuple[Any, ...]], evidence: Evidence) -> tuple[list[Step], list[Alike]]:
    """Join evidence with many attempts: what moves by itself, and what moves alike.

    Where what is said is stronger than what is known, whatever their times, attempts that stood alike and of
    which the same is said end alike, but for the time and the digest: one of them is joined for all.

    Args:
        attempts: as `Known` has them, in order of rows; plain tuples will do.
        evidence: on any of them.
    """
    zalo, sms = evidence.zalo, evidence.sms
    steps: list[Step] = []
    found: dict[tuple[Any, ...], Alike | None] = {}
    for before in attempts:
        message_id = before[0]
        said, by_sms = zalo.get(message_id), sms.get(message_id)
        like = None if said is None or by_sms is not None else _like(before, said)
        if said is not None and like is not None:
            if like not in found:
                first = Known._make(before)
                to = joined(first, said, None)
                found[like] = None if to is None else Alike(first, to, [])
            alike = found[like]
            if alike is not None:
                alike.told.append((before[1], said[1], said[3]))
        else:
            known = Known._make(before)
            to = joined(known, said, by_sms)
            if to is not None:
                steps.append(Step(known, to))
    return steps, [alike for alike in found.values() if alike is not None]


def _like(before: tuple[Any, ...], said: Told) -> tuple[Any, ...] | None:
    """What attempts have in common that end alike; None where their times may decide."""
    if not said[1] or before[_SMS_DONE_AT] is not None:
        return None
    if before[_DONE_AT] is None:
        return before[2:], said[2]
    group, status_id = before[_GROUP : _GROUP + 2]
    if said[0] <= _proven(group, status_id)[0]:
        return None
    return before[2:_DONE_AT], before[_DONE_AT + 1 :], said[2]


def _lasting(to: Standing) -> tuple[object, ...]:
    """What of a standing the attempt's row keeps."""
    return (*to[:7], *to[8:14])


@lru_cache(maxsize=1024)
def _answered(group: int, status_id: int) -> Told:
    """What the answer to a request said: a status and no more, or nothing at all."""
    return tell(group, status_id, 0, 0, -1, _KNOWN) if status_id or group else NOTHING


def _known(group: int, status_id: int, error_id: int, done_at: int | None, price: int | None) -> Told:
    return tell(group, status_id, error_id, done_at or 0, -1 if price is None else price, _KNOWN)


def _columns(told: Told) -> tuple[int, int, int, int | None, int | None, bytes | None]:
    _, done_at, (status_id, _, error_id, price, group, _), digest = told
    status_id = 0 if status_id == _NO_ID else status_id
    return group, status_id, error_id, done_at or None, None if price < 0 else price, _said(digest)


def _said(digest: bytes) -> bytes | None:
    """The digest of what is new."""
    return None if digest is _KNOWN else digest or None


def gathered(reports: Iterable[tuple[bytes, Report]]) -> Evidence:
    """The evidence of reports, each with its message id."""
    found = Evidence()
    for message_id, report in reports:
        found.add(message_id, told_by(report), sms=report.channel is Channel.SMS)
        if report.currency is not None:
            found.currencies.add(report.currency)
    return found
