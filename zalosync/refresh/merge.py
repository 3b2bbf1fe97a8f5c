"""The join of evidence: of what the ledger knows and what a report says, the stronger stands. Pure.

Commutative, associative and idempotent: any order and repetition of reports ends in the same standing.
The rank decides; ties go to the later `doneAt`, then the higher status id, then the larger digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from zalosync.clock import milliseconds
from zalosync.compose.message import RANK, Cause, Status
from zalosync.ledger.chain import EVIDENCE_BYTES
from zalosync.ledger.records import Recorded, Standing
from zalosync.provider import DUPLICATE_MESSAGE_ID, HANDED_OVER, Channel, ProviderStatus, Report, evidence_of

CHANNELS = {Channel.ZALO: 0, Channel.SMS: 1}
# Nothing may ever arrive for these: evidence says that somebody else sends, or that we are wrong.
UNEXPECTED = frozenset({Status.HELD, Status.CANCELLED, Status.RELEASED})


@dataclass(frozen=True, slots=True)
class Merged:
    """What evidence does to one attempt: where it stands now, and whether that was unexpected."""

    before: Recorded
    to: Standing
    unexpected: bool


def standing_of(report: Report) -> Standing | None:
    """What one report proves by itself, or None where it names no status."""
    if report.status is None:
        return None
    proven = evidence_of(report.status)
    return Standing(
        Status.ACCEPTED if proven is None else proven,
        _cause(report.status, known=proven is not None),
        max(report.status.group_id, 0),
        report.status.id,
        report.error_id,
        CHANNELS[report.channel],
        None if report.done_at is None else milliseconds(report.done_at),
        report.price,
        report.digest[:EVIDENCE_BYTES],
    )


def _cause(status: ProviderStatus, *, known: bool) -> Cause:
    if not known:
        return Cause.RAW
    if status.id == DUPLICATE_MESSAGE_ID:
        return Cause.DUPLICATE
    return Cause.HANDED_OVER if status.id == HANDED_OVER else Cause.NONE


def stronger(one: Standing, other: Standing) -> Standing:
    """The join of two standings."""
    return max(one, other, key=_strength)


def _strength(standing: Standing) -> tuple[int, int, int, int, bytes]:
    return (
        RANK[standing.state],
        standing.done_at or 0,
        standing.status_id,
        int(standing.state),
        standing.evidence or b"",
    )


def merge(before: Recorded, reports: Iterable[Report]) -> Merged | None:
    """Join all that is known of one attempt with new reports; None where nothing changes."""
    present = Standing(
        before.state,
        before.cause,
        before.status_group,
        before.status_id,
        before.error_id,
        before.channel,
        before.done_at,
        before.price,
        before.evidence,
    )
    result = present
    for report in reports:
        found = standing_of(report)
        if found is not None:
            result = stronger(result, found)
    if result == present:
        return None
    return Merged(before, result, before.state in UNEXPECTED)
