"""The join of evidence: of what the ledger knows and what a report says, the stronger stands. Pure.

Commutative, associative and idempotent: any order and repetition of reports ends in the same standing.
Zalo's outcome and that of the SMS which took its place are joined each for itself, and where a message
stands follows from both. On each channel the rank decides; ties go to the later `doneAt`, then the higher
status id, then to what says more, then to the larger digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from zalosync.clock import milliseconds
from zalosync.compose.message import RANK, Cause, Status
from zalosync.ledger.chain import EVIDENCE_BYTES
from zalosync.ledger.records import Known, Recorded, Standing
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

_EVIDENCED = RANK[Status.ACCEPTED]  # what has less was never told of by the provider
# What a channel's report says, strongest first by comparison:
# rank, doneAt, status id, state, error id, price, digest, status group, cause.
_Told = tuple[int, int, int, Status, int, int, bytes, int, Cause]
_NOTHING: _Told = (0, 0, 0, Status.INTENT, 0, -1, b"", 0, Cause.NONE)


@dataclass(frozen=True, slots=True)
class Merged:
    """What evidence does to one attempt: where it stands now, and whether that was unexpected."""

    before: Known
    to: Standing
    unexpected: bool


def standing_of(report: Report) -> Standing:
    """What one report proves by itself: at least that the provider has the message."""
    status = report.status
    return evidence(
        sms=report.channel is Channel.SMS,
        group=NO_GROUP if status is None else status.group_id,
        status_id=0 if status is None else status.id,
        error_id=report.error_id,
        done_at=None if report.done_at is None else milliseconds(report.done_at),
        price=report.price,
        digest=report.digest,
    )


def evidence(
    *,
    sms: bool,
    group: int,
    status_id: int,
    error_id: int,
    done_at: int | None,
    price: int | None,
    digest: bytes,
) -> Standing:
    """The same from a report's parts; `status_id` 0 where it names none."""
    state, cause, group = _proven(group, status_id)
    if sms:
        parts = (group, status_id, error_id, done_at, price, digest[:EVIDENCE_BYTES])
        return Standing(state, cause, 0, 0, 0, None, None, None, 0, *parts)
    return Standing(state, cause, group, status_id, error_id, done_at, price, digest[:EVIDENCE_BYTES])


@lru_cache(maxsize=1024)
def _proven(group: int, status_id: int) -> tuple[Status, Cause, int]:
    """What a status proves, with which cause, and its group, by number."""
    status = ProviderStatus(group, "", status_id, "")
    state = evidence_of(status)
    found = group_of(status)
    found = found if found in GROUP_BY_ID else 0
    if state is None:
        return Status.ACCEPTED, Cause.RAW, found
    if status_id == DUPLICATE_MESSAGE_ID:
        return state, Cause.DUPLICATE, found
    return state, Cause.HANDED_OVER if status_id == HANDED_OVER else Cause.NONE, found


def stronger(one: Standing, other: Standing) -> Standing:
    """The join of two standings."""
    zalo, sms = max(_zalo(one), _zalo(other)), max(_sms(one), _sms(other))
    base = max(one, other, key=_base)
    best = zalo if zalo[0] >= sms[0] else sms
    state, cause = (best[3], best[8]) if best[0] >= max(RANK[base.state], _EVIDENCED) else base[:2]
    return Standing(
        state,
        cause,
        *_columns(zalo),
        max(one.refused, other.refused),
        *_columns(sms),
    )


def _base(standing: Standing) -> tuple[int, Status, Cause]:
    return RANK[standing.state], standing.state, standing.cause


def _zalo(standing: Standing) -> _Told:
    state, _, group, status_id, error_id, done_at, price, digest, *_ = standing
    # What an answer said that proved nothing is no evidence.
    if RANK[state] < _EVIDENCED or not (status_id or digest):
        return _NOTHING
    return _told(group, status_id, error_id, done_at, price, digest)


def _sms(standing: Standing) -> _Told:
    group, status_id, error_id, done_at, price, digest = standing[9:]
    return _told(group, status_id, error_id, done_at, price, digest) if status_id or digest else _NOTHING


def _told(
    group: int, status_id: int, error_id: int, done_at: int | None, price: int | None, digest: bytes | None
) -> _Told:
    state, cause, _ = _proven(group, status_id)
    return (
        RANK[state],
        done_at or 0,
        status_id,
        state,
        error_id,
        -1 if price is None else price,
        digest or b"",
        group,
        cause,
    )


def _columns(told: _Told) -> tuple[int, int, int, int | None, int | None, bytes | None]:
    _, done_at, status_id, _, error_id, price, digest, group, _ = told
    return group, status_id, error_id, done_at or None, None if price < 0 else price, digest or None


def merge(before: Recorded, reports: Iterable[Report]) -> Merged | None:
    """Join all that is known of one attempt with new reports; None where nothing changes."""
    known = Known(before.row, before.campaign, before.occurrence, before.standing)
    return joined(known, [standing_of(report) for report in reports])


def joined(known: Known, told: Iterable[Standing]) -> Merged | None:
    """The same for what reports prove by themselves."""
    present = known.standing
    result = present
    for found in told:
        result = stronger(result, found)
    if result == present:
        return None
    return Merged(known, result, present.state in UNEXPECTED)
