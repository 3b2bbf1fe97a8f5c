"""What must hold after every step of S2's stories, against the sandbox's own count."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.sim.rehearsal import Rehearsal
from tests.sim.shop import MOST_A_DAY, PHONES
from tests.support.desk import KEYS
from zalosync.audit.verify import verify
from zalosync.compose.message import RANK, Identity, Status, message_id_text
from zalosync.ledger.alarms import Contradiction, open_alarms
from zalosync.ledger.chain import spread
from zalosync.ledger.dialect import SQLITE, Database
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.refresh.take import take

TAKEN = (Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED)
NOT_SENT = (Status.RELEASED, Status.HELD, Status.CANCELLED)
ENDED = (Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED)  # what may open the next attempt
DAY = 24 * 3600
IDENTITY = Identity(KEYS, "any", 1)  # message ids do not depend on the campaign's name but by the message
CANARIES = (*PHONES, *(f"84{phone[1:]}" for phone in PHONES))
# From unknown down to released: a person decided, or the rescue file of the run has the proof.
RELEASING = {Status.INTENT: set(Kind), Status.UNKNOWN: {Kind.RESOLVE, Kind.EVIDENCE}}


@dataclass(slots=True)
class Watch:
    """Reads every new event of a ledger, and knows where each attempt stands by them alone."""

    seen: int = 0
    heard: int = 0
    states: dict[int, Status] = field(default_factory=dict)

    def read(self, world: Rehearsal) -> Iterator[str]:
        """I6: no state ever falls but by proof or by a person."""
        rows = (
            world.ledger()
            ._driver.cursor()
            .execute("SELECT seq, kind, body FROM event WHERE seq > ? ORDER BY seq", (self.seen,))
        )
        for seq, kind, body in rows.fetchall():
            self.seen = seq
            said = orjson.loads(body)
            for row in spread(said.get("closed", [])):
                if self.states[row] not in ENDED:
                    yield f"I1: an attempt that is {self.states[row].word} was closed for the next one"
            for state, taken in said.get("claims", []):
                for row in spread(taken) if taken and isinstance(taken[0], list) else taken:
                    if self.states.get(row, Status.HELD) not in NOT_SENT:
                        yield f"I6: claimed again while {self.states[row].word}"
                    self.states[row] = Status(state)
            for group in said.get("moves", []):
                for row in spread(group[8]):
                    yield from self._moved(row, Status(group[0]), Kind(kind))

    def _moved(self, row: int, to: Status, kind: Kind) -> Iterator[str]:
        before, self.states[row] = self.states[row], to
        if RANK[to] >= RANK[before] and not (before is Status.RELEASED and to is Status.UNKNOWN):
            return
        if to is Status.RELEASED and kind in RELEASING.get(before, ()):
            return
        yield f"I6: {before.word} became {to.word} by {kind}"


def broken(world: Rehearsal, watch: Watch) -> Iterator[str]:
    """Everything that does not hold now."""
    ledger, truth = world.ledger(), world.truth()
    rows = list(ledger.attempts())
    yield from watch.read(world)
    yield from world.problems
    alarmed = any(alarm.what is Contradiction.DELIVERED for alarm in open_alarms(ledger.notes()))
    known = set()
    for row in rows:
        message_id = message_id_text(row[2])
        known.add(message_id)
        yield from _attempt(row, truth.get(message_id), lied=world.lied)
        if row[20] and (row[15], row[16]) == (3, 5) and not alarmed:
            yield "I5: refused in the answer, delivered, and no alarm"
    for message_id, entry in truth.items():
        if entry["accepted"] and message_id not in known:
            yield "unexpected: the provider has an id that the ledger does not know"
    if "E_UNEXPECTED_EVIDENCE" in world.warnings:
        yield "evidence for a message that the ledger took for not sent"
    open_ones = Counter(row[1] for row in rows if not row[11])
    if any(count > 1 for count in open_ones.values()):
        yield "I7: two open attempts of one message"
    if not world.jumped:
        yield from _caps(rows)
    consumed = Counter(
        run.started["plan_digest"]
        for run in ledger.runs()
        # Plans that send nothing are all alike, and change nothing.
        if run.started["to_send"] and run.ended and run.ended.get("consumed")
    )
    if any(count > 1 for count in consumed.values()):
        yield "I13: a plan was consumed twice"
    yield from (f"I11: {problem}" for problem in verify(ledger).problems)
    told = "".join(map(repr, world.events[watch.heard :]))
    watch.heard = len(world.events)
    if any(canary in told for canary in CANARIES):
        yield "I14: a phone was told to people"


def _attempt(row: tuple[Any, ...], entry: dict[str, Any] | None, *, lied: bool) -> Iterator[str]:
    state, taken = Status(row[10]), entry["accepted"] if entry else 0
    if taken > 1:
        yield f"I1: {taken} acceptances of one attempt"
    if state in NOT_SENT and taken:
        yield f"I3: the ledger says {state.word}, the provider took it"
    if state in TAKEN and not taken:
        yield f"I4: the ledger says {state.word}, the provider never had it"
    if state is Status.REJECTED and entry and entry["deliveries"] and not lied:
        yield "I5: rejected by an honest provider, and delivered"
    if state is Status.DELIVERED and entry and not entry["deliveries"]:
        yield "the ledger says delivered, the provider did not deliver"
    if row[2] != IDENTITY.message_id(row[1], row[5]):
        yield "I8: another id for the same message and attempt"


def _caps(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    """I15: whoever may have got something got no more than the cap lets him."""
    times: dict[bytes, list[int]] = {}
    for row in rows:
        if Status(row[10]) not in (Status.REJECTED, *NOT_SENT):
            times.setdefault(row[7], []).append(row[12])
    for found in times.values():
        found.sort()
        for first, last in zip(found, found[MOST_A_DAY:], strict=False):
            if last - first < DAY:
                yield "I15: more messages to one person in a day than the cap allows"


def at_the_end(world: Rehearsal, rng: random.Random) -> Iterator[str]:
    """What must hold after quiet and one recovery."""
    for row in world.ledger().attempts():
        if Status(row[10]) is Status.INTENT:
            yield "I17: an intent is left after recovery"
    yield from _order(world, rng)
    image = _connection(world).serialize()
    if any(canary.encode() in image for canary in CANARIES):
        yield "I14: a phone is in the ledger"


def _order(world: Rehearsal, rng: random.Random) -> Iterator[str]:
    """I12: every report that ever came, once more, in two other orders, leaves the same."""
    if not world.told:
        return
    image = _connection(world).serialize()
    ends = []
    for _ in range(2):
        rng.shuffle(world.told)
        ledger = _copy(image)
        for at in range(0, len(world.told), 3):
            take(ledger, world.told[at : at + 3], world.now, lambda _: None)
        ends.append([(*row[:13], *row[14:]) for row in ledger.attempts()])
        ledger.close()
    if ends[0] != ends[1]:
        yield "I12: the order of reports decides where messages stand"


def _copy(image: bytes) -> Ledger:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.deserialize(image)
    return Ledger(Database(lambda: raw), SQLITE, "copy")


def _connection(world: Rehearsal) -> sqlite3.Connection:
    found = world.database.connection
    assert isinstance(found, sqlite3.Connection)
    return found
