"""Stored evidence into the ledger: the one way for reports, logs and webhooks alike."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from zalosync.compose.message import Status, message_id_bytes, message_id_text
from zalosync.errors import LedgerError
from zalosync.events import Emit, Warned
from zalosync.ledger.records import Kind, Step
from zalosync.ledger.store import Ledger
from zalosync.provider import Report
from zalosync.refresh.merge import UNEXPECTED as UNEXPECTED_STATES
from zalosync.refresh.merge import Evidence, gathered, joined

UNEXPECTED = "E_UNEXPECTED_EVIDENCE"
ALARM_NOTE = "alarm:unexpected-evidence"
CURRENCY_NOTE = "currency"
MOST_NAMED = 20  # ids in the event that tells of an alarm
Made = Callable[[bytes], bool]
_BY_ROW = itemgetter(1)  # of a `Known`: rows that lie together are written together


@dataclass(slots=True)
class Taken:
    """What evidence did, in counts of attempts.

    Attributes:
        moved: attempts that stand elsewhere now, or better proven.
        settled: of these, such as were unknown.
        unexpected: of these, such as were never sent by what we knew.
        foreign: messages reported on that are not ours.
        rogues: ids of ours that the ledger does not know.
    """

    moved: int = 0
    settled: int = 0
    unexpected: int = 0
    foreign: int = 0
    rogues: list[bytes] = field(default_factory=list)

    def add(self, other: "Taken") -> None:
        """Count both."""
        self.moved += other.moved
        self.settled += other.settled
        self.unexpected += other.unexpected
        self.foreign += other.foreign
        self.rogues += other.rogues

    @property
    def alarming(self) -> int:
        """Messages of ours that this ledger did not send."""
        return self.unexpected + len(self.rogues)

    def check(self) -> None:
        """Stop where evidence says that somebody else sends with our key.

        Raises:
            LedgerError: it does; all that it says is in the ledger already.
        """
        if self.alarming:
            raise LedgerError(
                unexpected(self.alarming),
                fix="find out who sent them (`zalosync logs`) before sending more, then"
                " `zalosync resolve --alarm --reason …`",
                code=UNEXPECTED,
            )


def anybodys(_message_id: bytes) -> bool:
    """Every well-formed id counts as ours: for callers that have no key."""
    return True


def take(
    ledger: Ledger, reports: Iterable[Report], now: datetime, emit: Emit, made: Made = anybodys
) -> Taken:
    """Merge reports into the ledger, in one transaction.

    Args:
        ledger: under its lock.
        reports: of anybody's messages, in any order, any of them more than once.
        now: when.
        emit: hears of evidence that should not be.
        made: tells ids of this project's key from those of others.
    """
    named = [(message_id_bytes(report.message_id), report) for report in reports]
    evidence = gathered((message_id, report) for message_id, report in named if message_id is not None)
    taken = take_evidence(ledger, evidence, now, emit, made)
    taken.foreign += sum(message_id is None for message_id, _ in named)
    return taken


def take_evidence(ledger: Ledger, evidence: Evidence, now: datetime, emit: Emit, made: Made) -> Taken:
    """The same for what reports say, gathered by message."""
    zalo, sms = evidence.zalo, evidence.sms
    message_ids = sorted(zalo.keys() | sms.keys() if sms else zalo)
    known = ledger.evidenced(message_ids)
    taken = Taken()
    steps: list[Step] = []
    strange: list[bytes] = []
    for before in sorted(known.values(), key=_BY_ROW):
        message_id = before.message_id
        to = joined(before, zalo.get(message_id), sms.get(message_id))
        if to is not None:
            steps.append(Step(before, to))
            taken.settled += before.state == Status.UNKNOWN
            if before.state in UNEXPECTED_STATES:
                strange.append(message_id)
    if len(known) < len(message_ids):
        unknown = [message_id for message_id in message_ids if message_id not in known]
        taken.rogues = [message_id for message_id in unknown if made(message_id)]
        taken.foreign = len(unknown) - len(taken.rogues)
    taken.moved, taken.unexpected = len(steps), len(strange)
    _write(ledger, steps, sorted(strange + taken.rogues), evidence.currencies, now, emit)
    return taken


def _write(
    ledger: Ledger,
    steps: Sequence[Step],
    alarming: Sequence[bytes],
    currencies: Collection[str],
    now: datetime,
    emit: Emit,
) -> None:
    currency = _currency(ledger, currencies, emit) if currencies and steps else None
    if steps or alarming:
        with ledger.change(Kind.EVIDENCE, now) as change:
            change.tell(steps)
            if currency is not None:
                change.note(CURRENCY_NOTE, currency)
            if alarming:
                change.say("unexpected", [message_id_text(each) for each in alarming[:MOST_NAMED]])
                said = {"count": len(alarming), "at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
                change.note(ALARM_NOTE, json.dumps(said))
    if alarming:
        emit(Warned(UNEXPECTED, unexpected(len(alarming))))


def _currency(ledger: Ledger, currencies: Collection[str], emit: Emit) -> str | None:
    """The currency to note, where none is yet. An account has one: sums of two would mean nothing."""
    noted = ledger.notes().get(CURRENCY_NOTE)
    found = sorted(currencies)
    if len({*found, noted or found[0]}) > 1:
        names = ", ".join(sorted({*found, *([noted] if noted else [])}))
        emit(
            Warned("ZS662", f"reports name prices in several currencies ({names}): sums of them mean nothing")
        )
    return found[0] if noted is None else None


def unexpected(count: int) -> str:
    """The alarm in words."""
    return (
        f"the provider knows {count:,} messages of ours that this ledger did not send:"
        " another ledger or tool sends with this project's key, or the ledger is an older copy"
    )
