"""Stored evidence into the ledger: the one way for reports, logs and webhooks alike."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zalosync.compose.message import Status, message_id_bytes, message_id_text
from zalosync.errors import LedgerError
from zalosync.events import Emit, Warned
from zalosync.ledger import alarms
from zalosync.ledger.alarms import Contradiction
from zalosync.ledger.records import Alike, Kind, Known, Standing, Step
from zalosync.ledger.store import Ledger
from zalosync.provider import STATUSES, Report
from zalosync.refresh.merge import UNEXPECTED as UNEXPECTED_STATES
from zalosync.refresh.merge import Evidence, gathered, moves

UNEXPECTED = "E_UNEXPECTED_EVIDENCE"
ALARM_NOTE = "alarm:unexpected-evidence"
CURRENCY_NOTE = "currency"
Made = Callable[[bytes], bool]


@dataclass(slots=True)
class Taken:
    """What evidence did, in counts of attempts.

    Attributes:
        moved: attempts that stand elsewhere now, or better proven.
        settled: of these, such as were unknown.
        unexpected: of these, such as were never sent by what we knew.
        contradicted: of these, such as the provider had refused and now says it delivered.
        foreign: messages reported on that are not ours.
        rogues: ids of ours that the ledger does not know.
    """

    moved: int = 0
    settled: int = 0
    unexpected: int = 0
    foreign: int = 0
    rogues: list[bytes] = field(default_factory=list)
    contradicted: int = 0

    def add(self, other: "Taken") -> None:
        """Count both."""
        self.moved += other.moved
        self.settled += other.settled
        self.unexpected += other.unexpected
        self.foreign += other.foreign
        self.rogues += other.rogues
        self.contradicted += other.contradicted

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
    message_ids = evidence.message_ids
    known = ledger.evidenced(message_ids)
    steps, alike = moves(known, evidence)
    taken = Taken(
        moved=len(steps) + sum(len(each.told) for each in alike),
        settled=sum(step.before.state == Status.UNKNOWN for step in steps)
        + sum(len(each.told) for each in alike if each.before.state == Status.UNKNOWN),
    )
    if len(known) < len(message_ids):
        ours = {attempt[0] for attempt in known}
        unknown = [message_id for message_id in message_ids if message_id not in ours]
        taken.rogues = [message_id for message_id in unknown if made(message_id)]
        taken.foreign = len(unknown) - len(taken.rogues)
    strange = _those(known, steps, alike, lambda before, _: before.state in UNEXPECTED_STATES)
    refused = _those(known, steps, alike, _contradicts)
    taken.unexpected, taken.contradicted = len(strange), len(refused)
    alarming = sorted(strange + taken.rogues)
    _write(ledger, steps, alike, alarming, sorted(refused), evidence.currencies, now, emit)
    return taken


def _those(
    known: Sequence[tuple[Any, ...]],
    steps: Iterable[Step],
    alike: Iterable[Alike],
    which: Callable[[Known, Standing], bool],
) -> list[bytes]:
    """The ids of messages that moved so."""
    found = [step.before.message_id for step in steps if which(step.before, step.to)]
    rows = {row for each in alike if which(each.before, each.to) for row, _, _ in each.told}
    return found + [attempt[0] for attempt in known if attempt[1] in rows] if rows else found


def _contradicts(before: Known, to: Standing) -> bool:
    """Whether Zalo refused a message and delivered it (an SMS in its place contradicts nothing)."""
    was = STATUSES.get((before.status_group, before.status_id))
    return was is Status.REJECTED and STATUSES.get((to.status_group, to.status_id)) is Status.DELIVERED


def _write(
    ledger: Ledger,
    steps: Sequence[Step],
    alike: Sequence[Alike],
    alarming: Sequence[bytes],
    refused: Sequence[bytes],
    currencies: Collection[str],
    now: datetime,
    emit: Emit,
) -> None:
    currency = _currency(ledger, currencies, emit) if currencies and (steps or alike) else None
    alarm: alarms.Alarm | None = None
    if steps or alike or alarming:
        with ledger.change(Kind.EVIDENCE, now) as change:
            change.tell(steps, alike)
            if currency is not None:
                change.note(CURRENCY_NOTE, currency)
            if alarming:
                change.say("unexpected", [message_id_text(each) for each in alarming[: alarms.MOST_NAMED]])
                said = {"count": len(alarming), "at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
                change.note(ALARM_NOTE, json.dumps(said))
            if refused:
                noted = ledger.notes().get(alarms.NOTE)
                alarm = alarms.contradicted(change, noted, Contradiction.DELIVERED, refused, now)
    if alarm is not None:
        emit(Warned(alarms.CODE, alarm.words))
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
