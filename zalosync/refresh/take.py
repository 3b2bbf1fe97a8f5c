"""Stored evidence into the ledger: the one way for reports, logs and webhooks alike."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zalosync.compose.message import Status, message_id_bytes
from zalosync.events import Emit, Warned
from zalosync.ledger.records import Kind, Move
from zalosync.ledger.store import Ledger
from zalosync.provider import Report
from zalosync.refresh.merge import merge


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


def take(ledger: Ledger, reports: Sequence[Report], now: datetime, emit: Emit) -> Taken:
    """Merge reports into the ledger, in one transaction."""
    by_id: defaultdict[bytes, list[Report]] = defaultdict(list)
    taken = Taken()
    for report in reports:
        message_id = message_id_bytes(report.message_id)
        if message_id is None:
            taken.foreign += 1
        else:
            by_id[message_id].append(report)
    known = ledger.by_message_ids(sorted(by_id))
    taken.rogue = sum(len(found) for message_id, found in by_id.items() if message_id not in known)
    merged = [merge(known[message_id], found) for message_id, found in by_id.items() if message_id in known]
    changed = sorted((each for each in merged if each is not None), key=lambda each: each.before.row)
    if changed:
        with ledger.change(Kind.EVIDENCE, now) as change:
            change.move([Move(each.before, each.to) for each in changed])
    taken.moved = len(changed)
    taken.settled = sum(each.before.state is Status.UNKNOWN for each in changed)
    taken.unexpected = sum(each.unexpected for each in changed)
    if taken.unexpected or taken.rogue:
        emit(
            Warned(
                "E_UNEXPECTED_EVIDENCE",
                f"the provider knows {taken.unexpected + taken.rogue:,} messages of ours that this ledger"
                " did not send: another ledger or tool sends with this project's key",
            )
        )
    return taken
