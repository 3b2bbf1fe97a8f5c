"""The shapes that go into and come out of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zalosync.compose.message import Cause, Status


class Kind(StrEnum):
    """What one event of the chain did."""

    INIT = "init"
    RUN = "run"
    END = "end"
    CLAIM = "claim"
    OUTCOME = "outcome"
    ORPHAN = "orphan"
    EVIDENCE = "evidence"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    NOTE = "note"
    ADOPT = "adopt"


# A plan is bound to the number of these. Evidence about what was sent does not make it stale, nor do
# intents of a dead run that become unknown: either way a plan does not send them.
AFFECTS_SENDING = frozenset({Kind.CLAIM, Kind.OUTCOME, Kind.RESOLVE, Kind.CANCEL, Kind.ADOPT})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One attempt as the ledger knows it. Times are Unix seconds; `done_at` is in milliseconds."""

    row: int
    message: bytes
    message_id: bytes
    campaign: int
    occurrence: int
    attempt: int
    fingerprint: bytes
    run: int
    state: Status
    cause: Cause = Cause.NONE
    status_group: int = 0
    status_id: int = 0
    error_id: int = 0
    channel: int = 0
    done_at: int | None = None
    price: int | None = None
    evidence: bytes | None = None
    created_at: int = 0
    changed_at: int = 0

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Recorded":
        """From a row of `sql/attempts.sql`, in the order of its columns."""
        return cls(*(*values[:8], Status(values[8]), Cause(values[9]), *values[10:]))


@dataclass(frozen=True, slots=True)
class Claim:
    """One message to be taken: a new attempt, or the same attempt again after a release or a hold.

    `before` is the open attempt that the ledger has of this message, if any: RELEASED and HELD are taken
    up again under the same id; an attempt that ended (refused, undeliverable, expired) is closed for good
    and this claim opens the next one.
    """

    message: bytes
    message_id: bytes
    campaign: int
    occurrence: int
    attempt: int
    fingerprint: bytes
    recipient: bytes
    before: Recorded | None = None
    state: Status = Status.INTENT


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message goes, and what said so."""

    state: Status
    cause: Cause = Cause.NONE
    status_group: int = 0
    status_id: int = 0
    error_id: int = 0
    channel: int = 0
    done_at: int | None = None
    price: int | None = None
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """From where the ledger says a message stands, to where it goes."""

    before: Recorded
    to: Standing


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: what an anchor outside the ledger remembers."""

    seq: int
    at: int
    intent_serial: int
    status_serial: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """How many attempts of a campaign stand alike. `price` is in millionths of the currency."""

    campaign: int
    name: str
    occurrence: int
    state: Status
    channel: int
    status_group: int
    status_id: int
    error_id: int
    count: int
    price: int


@dataclass(frozen=True, slots=True)
class Run:
    """One process life that wrote: who, when, what, with which result. The dicts are as they were written."""

    id: int
    run_id: str
    command: str
    started_at: int
    started: dict[str, Any]
    ended_at: int | None
    ended: dict[str, Any] | None
