"""Stored evidence into the ledger: the one way for reports, logs and webhooks alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zalosync.compose.message import Status, message_id_bytes
from zalosync.events import Emit, Warned
from zalosync.ledger.records import Kind, Standing, Step
from zalosync.ledger.store import Ledger
from zalosync.provider import Report
from zalosync.refresh.merge import joined, standing_of

UNEXPECTED = "E_UNEXPECTED_EVIDENCE"
Made = Callable[[bytes], bool]


@dataclass(slots=True)
class Taken:
    """What evidence did, in counts of attempts (and of reports for the last two)."""

    moved: int = 0
    settled: int = 0  # that were unknown
    unexpected: int = 0
    foreign: int = 0  # reports of messages that are not ours
    rogue: int = 0  # reports of ids of ours that the ledger does not know

    def add(self, other: "Taken") -> None:
        """Count both."""
        self.moved += other.moved
        self.settled += other.settled
        self.unexpected += other.unexpected
        self.foreign += other.foreign
        self.rogue += other.rogue

    @property
    def alarming(self) -> int:
        """Messages of ours that this ledger did not send."""
        return self.unexpected + self.rogue


def anybodys(_message_id: bytes) -> bool:
    """Every well-formed id counts as ours: for callers that have no key."""
    return True


def take(
    ledger: Ledger, reports: Sequence[Report], now: datetime, emit: Emit, made: Made = anybodys
) -> Taken:
    """Merge reports into the ledger, in one transaction.

    Args:
        ledger: under its lock.
        reports: of anybody's messages, in any order, any of them more than once.
        now: when.
        emit: hears of evidence that should not be.
        made: tells ids of this project's key from those of others.
    """
    told: dict[bytes, list[Standing]] = {}
    foreign = 0
    for report in reports:
        message_id = message_id_bytes(report.message_id)
        if message_id is None:
            foreign += 1
        else:
            told.setdefault(message_id, []).append(standing_of(report))
    taken = take_told(ledger, told, now, emit, made)
    taken.foreign += foreign
    return taken


def take_told(
    ledger: Ledger, told: Mapping[bytes, Iterable[Standing]], now: datetime, emit: Emit, made: Made
) -> Taken:
    """The same for what reports prove by themselves, by message id."""
    known = ledger.evidenced(sorted(told))
    taken = Taken()
    steps: list[Step] = []
    for message_id, found in told.items():
        before = known.get(message_id)
        if before is None:
            if made(message_id):
                taken.rogue += 1
            else:
                taken.foreign += 1
            continue
        merged = joined(before, found)
        if merged is not None:
            steps.append(Step(before, merged.to))
            taken.settled += before.standing.state is Status.UNKNOWN
            taken.unexpected += merged.unexpected
    taken.moved = len(steps)
    if steps:
        with ledger.change(Kind.EVIDENCE, now) as change:
            change.tell(steps)
    if taken.alarming:
        emit(Warned(UNEXPECTED, unexpected(taken.alarming)))
    return taken


def unexpected(count: int) -> str:
    """The alarm in words."""
    return (
        f"the provider knows {count:,} messages of ours that this ledger did not send:"
        " another ledger or tool sends with this project's key, or the ledger is an older copy"
    )
