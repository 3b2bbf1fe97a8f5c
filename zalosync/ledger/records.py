"""The shapes that go into and come out of the ledger."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

from zalosync.compose.message import DIGEST_BYTES, Cause, Status
from zalosync.provider import STATUSES


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


TAKEN_BYTES = 2 * DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Standings:
    """What a plan needs of the open attempts of some messages; of others between them it may say the same.

    Attributes:
        taken: message and fingerprint, 16 bytes each, of every first attempt that was accepted or delivered:
            nearly all there is, and about these nothing else is asked.
        others: of each other one (message, fingerprint, state, attempt, status group, status id, Unix seconds
            of the last change, whether the provider refused it with this status in its very answer, whether
            an SMS was to take its place, that SMS's status group and id).
    """

    taken: bytes = b""
    others: Sequence[tuple[Any, ...]] = ()

    def known(self) -> set[bytes]:
        """The messages that may not be claimed again as they are: all but those proven not sent."""
        starts = range(0, len(self.taken), TAKEN_BYTES)
        taken = (self.taken[start : start + DIGEST_BYTES] for start in starts)
        return {*taken, *(row[0] for row in self.others if row[2] != Status.RELEASED)}


class Recorded(NamedTuple):
    """One attempt as the ledger knows it. Times are Unix seconds; `done_at` is in milliseconds.

    `created_at` is when it was last claimed: from then on it may have been sent. A tuple, as there is one for
    each message that is sent.
    """

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
    done_at: int | None = None
    price: int | None = None
    refused: int = 0
    sms_group: int = 0
    sms_id: int = 0
    sms_error: int = 0
    sms_done_at: int | None = None
    sms_price: int | None = None
    created_at: int = 0
    changed_at: int = 0
    absent_at: int | None = None
    recipient: bytes = b""
    failover: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Recorded":
        """From a row of `sql/attempts.sql`, in the order of its columns."""
        return cls(*(*values[:8], Status(values[8]), Cause(values[9]), *values[10:-1], bool(values[-1])))

    @property
    def known(self) -> "Known":
        """Where it stands, and little more."""
        return Known(*_before_state(self), int(self.state), int(self.cause), *_after_cause(self))


# Of a `Recorded`, what its `Known` begins and ends with.
_before_state: Callable[[Recorded], tuple[bytes, int, int, int]] = itemgetter(2, 0, 3, 4)
_after_cause: Callable[[Recorded], tuple[Any, ...]] = itemgetter(slice(10, 21))


class Claim(NamedTuple):
    """One message to be taken: a new attempt, or the same attempt again after a release or a hold.

    `before` is the open attempt that the ledger has of this message, if any: RELEASED and HELD are taken
    up again under the same id; an attempt that ended (refused, undeliverable, expired) is closed for good
    and this claim opens the next one. `failover` says whether an SMS is to take its place, or may be.
    """

    message: bytes
    message_id: bytes
    campaign: int
    occurrence: int
    attempt: int
    fingerprint: bytes
    recipient: bytes
    failover: bool
    before: Recorded | None = None
    state: Status = Status.INTENT

    @property
    def continues(self) -> bool:
        """Whether it takes up the same attempt again, rather than open one."""
        return self.before is not None and self.before.state in (Status.RELEASED, Status.HELD)


class Standing(NamedTuple):
    """Where a message stands, and what said so.

    Zalo's outcome and that of the SMS which took its place are kept apart; `state` follows from both. Prices
    are in millionths, `done_at` in milliseconds. `evidence` is the beginning of a keyed digest of what said
    so: the event keeps it, the attempt's row does not.

    Attributes:
        refused: the status id of a refusal in the answer to the request itself, else 0.
    """

    state: Status
    cause: Cause = Cause.NONE
    status_group: int = 0
    status_id: int = 0
    error_id: int = 0
    done_at: int | None = None
    price: int | None = None
    evidence: bytes | None = None
    refused: int = 0
    sms_group: int = 0
    sms_id: int = 0
    sms_error: int = 0
    sms_done_at: int | None = None
    sms_price: int | None = None
    sms_evidence: bytes | None = None


class Known(NamedTuple):
    """The little of an attempt that evidence is merged with, as `evidenced` in `sql/` gives it.

    `state` and `cause` are numbers here: there are millions of these.
    """

    message_id: bytes
    row: int
    campaign: int
    occurrence: int
    state: int
    cause: int = 0
    status_group: int = 0
    status_id: int = 0
    error_id: int = 0
    done_at: int | None = None
    price: int | None = None
    refused: int = 0
    sms_group: int = 0
    sms_id: int = 0
    sms_error: int = 0
    sms_done_at: int | None = None
    sms_price: int | None = None


class Step(NamedTuple):
    """One attempt's move: from where the ledger says it stands, to where it goes."""

    before: Known
    to: Standing


@dataclass(frozen=True, slots=True)
class Alike:
    """Moves of attempts that stood alike, and that end alike but for the time and the digest of what said so.

    Nothing changes of their SMS, nor of whether the answer to the request refused them.

    Attributes:
        before: one of them.
        to: where that one goes.
        told: each one's row, `done_at` and digest, in order of rows.
    """

    before: Known
    to: Standing
    told: list[tuple[int, int, bytes]]


class Move(NamedTuple):
    """From where the ledger says a message stands, to where it goes."""

    before: Recorded
    to: Standing

    @property
    def step(self) -> Step:
        """The same, with no more than what is written."""
        return Step(self.before.known, self.to)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: what an anchor outside the ledger remembers."""

    seq: int
    at: int
    intent_serial: int
    status_serial: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Some:
    """How many attempts were found, whether there are more of them, and the oldest's Unix seconds."""

    count: int
    more: bool
    oldest: int


@dataclass(frozen=True, slots=True)
class SmsOpen:
    """Attempts that failed on Zalo, and of whose SMS no end is known.

    Attributes:
        counts: by state, status group, status id, error id, and the SMS's group, id and error.
        oldest: when the oldest was claimed, in Unix seconds.
    """

    counts: Mapping[tuple[int, int, int, int, int, int, int], int]
    oldest: int

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Tally:
    """How many attempts of a campaign stand alike. `price` is in millionths, both channels summed."""

    campaign: int
    name: str
    occurrence: int
    state: Status
    status_group: int
    status_id: int
    error_id: int
    sms_group: int
    sms_id: int
    sms_error: int
    count: int
    price: int

    @property
    def ends(self) -> tuple[int, int, int, int, int, int, int]:
        """What `SmsOpen` counts by."""
        sms = self.sms_group, self.sms_id, self.sms_error
        return int(self.state), self.status_group, self.status_id, self.error_id, *sms

    @property
    def channel(self) -> int:
        """Which channel had the last word: 0 Zalo, 1 the SMS that took its place."""
        zalo = STATUSES.get((self.status_group, self.status_id))
        return int(bool(self.sms_id) and zalo is not Status.DELIVERED)

    @property
    def last(self) -> tuple[int, int, int]:
        """Status group, status id and error id of that word."""
        if self.channel:
            return self.sms_group, self.sms_id, self.sms_error
        return self.status_group, self.status_id, self.error_id


def ended(tallies: Iterable[Tally], awaited: Iterable[SmsOpen | None]) -> Iterator[tuple[Tally, int]]:
    """Each tally with how many it counts when those whose SMS has no known end are left out."""
    left: Counter[tuple[int, ...]] = Counter()
    for some in awaited:
        left.update(some.counts if some is not None else {})
    for tally in tallies:
        out = min(tally.count, left[tally.ends])
        left[tally.ends] -= out
        yield tally, tally.count - out


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
