"""Whatever comes from wherever, in any order and number: pulled, pushed, from logs, from rescued answers.

The same outcomes go through the product's own readers, inbox and real SQL, twice: as they come, and in
another order, again and again, cut into other pages, by other ways. Both ledgers must say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.world import fresh_database
from tests.support.books import IDENTITY, KEYS, Book, started
from tests.support.hook import JSON, XML, body, ids, row
from tests.support.reports import MAKER
from tests.support.scripted import JumpingClock
from zalosync.compose.message import Cause, Status, message_id_text
from zalosync.infobip.evidence import Rows, read_logs, read_reports
from zalosync.ledger.dialect import SQLITE
from zalosync.ledger.records import Move, Recorded, Standing
from zalosync.ledger.rescue import rescue_path, write_rescue
from zalosync.ledger.store import Ledger
from zalosync.provider import STATUSES
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.pushed import read_push
from zalosync.refresh.reports import drain
from zalosync.refresh.rescue import merge_rescues
from zalosync.refresh.sift import sift
from zalosync.refresh.take import take

MESSAGES = 3
# What the answer to the request itself was: nothing known, taken, refused, taken before.
ANSWERS = (
    None,
    Standing(Status.UNKNOWN, Cause.NOANSWER),
    Standing(Status.ACCEPTED, Cause.NONE, 1, 7),
    Standing(Status.REJECTED, Cause.NONE, 5, 12, refused=12),
    Standing(Status.ACCEPTED, Cause.DUPLICATE, 5, 23),
)
GROUPS = ("PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED")
TIMES = (
    *(None, "2026-11-23T12:00:05.120+0000", "2026-11-23T12:00:05.121+0000", "2026-11-23T19:00:05.120+0700"),
    *("0001-01-01T00:00:00.000+0000", "1970-01-01T00:00:00.000+0000", "9999-12-31T23:59:59.999+0000"),
)
PRICES = (None, 0.0, 0.01, 999_999.0, 9_000_000_000_000.0)  # the last one is none
ENDS = (-(2**31), 2**31 - 1)  # of what a code may be


class Way(Enum):
    """How an outcome reaches us."""

    PULLED = auto()
    JSON = auto()
    XML = auto()
    LOGGED = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one report or log row says."""

    message: int
    sms: bool
    status: tuple[int, int] | None
    error: int
    done_at: str | None
    price: float | None

    def written(self) -> dict[str, Any]:
        """As the provider writes it."""
        (message_id,) = ids(1, first=self.message)
        fields: dict[str, Any] = {"doneAt": self.done_at, "status": None, "price": None}
        fields["error"] = {"id": self.error, "name": "ERROR"}
        if self.status is not None:
            group, number = self.status
            name = GROUPS[group - 1] if 0 < group <= len(GROUPS) else "OTHER"
            fields["status"] = {"groupId": group, "groupName": name, "id": number, "name": "NAME"}
        if self.price is not None:
            fields["price"] = {"pricePerMessage": self.price, "currency": "EUR"}
        whole = row(message_id, sms=self.sms) | fields
        return {name: value for name, value in whole.items() if value is not None}


outcomes = st.builds(
    Outcome,
    message=st.integers(0, MESSAGES - 1),
    sms=st.booleans(),
    status=st.none()
    | st.sampled_from(sorted(STATUSES))
    | st.tuples(st.integers(0, 6) | st.sampled_from(ENDS), st.integers(-2, 999) | st.sampled_from(ENDS)),
    error=st.sampled_from((0, 7002, *ENDS)),
    done_at=st.sampled_from(TIMES),
    price=st.sampled_from(PRICES),
)


@dataclass(slots=True)
class Side:
    """One ledger, and what brings evidence into it."""

    folder: Path
    inbox: Inbox = field(init=False)
    book: Book = field(init=False)
    records: list[Recorded] = field(init=False)

    def __post_init__(self) -> None:
        # One of its own: an inbox knows again what it was given before, though another ledger has it.
        self.inbox = Inbox(self.folder / "sources.inbox.db")
        self.inbox._run("PRAGMA synchronous = OFF")
        database = fresh_database()
        self.book = started(Book(lambda: Ledger(database, SQLITE, "ledger")))
        claimed = self.book.claim(range(MESSAGES), failover=True)
        by_id = {each.message_id: each for each in claimed}
        self.records = [by_id[message_id] for message_id in ids(MESSAGES)]

    def answered(self, answers: Sequence[Standing | None]) -> None:
        """The answers to the requests, as far as there were any."""
        for place, answer in enumerate(answers):
            if answer is not None:
                (self.records[place],) = self.book.move([self.records[place]], answer)

    def rescued(self, answers: Sequence[Standing | None]) -> None:
        """The same answers once more, by the file of a run that could not store them."""
        moves = [
            Move(record, answer)
            for record, answer in zip(self.records, answers, strict=True)
            if answer is not None
        ]
        if moves:
            write_rescue(rescue_path(self.folder, "run-1"), moves)
        merge_rescues(self.folder, self.book.ledger, self.book.tick(), lambda _: None)

    def page(self, way: Way, found: Sequence[Outcome]) -> None:
        """One page, or one push, through what reads and keeps it."""
        rows = [each.written() for each in found]
        clock = JumpingClock(self.book.tick())
        if way is Way.LOGGED:
            logged = read_logs(orjson.dumps({"results": rows}), IDENTITY.recipient, KEYS.evidence_digest)
            assert isinstance(logged, Rows)
            take(self.book.ledger, logged.reports, clock.now(), lambda _: None, MAKER.made)
            return
        read: object = read_reports(body(rows), IDENTITY.recipient, KEYS.evidence_digest)
        if way is not Way.PULLED:
            kind = XML if way is Way.XML else JSON
            read = read_push(body(rows, kind), kind, IDENTITY.recipient, KEYS.evidence_digest)
        assert isinstance(read, Rows)
        sifted = sift(read.reports, MAKER, trusted=way is Way.PULLED)
        assert len(sifted.ours) == len(rows)
        self.inbox.add(sifted, int(clock.now().timestamp()))
        drain(self.inbox, self.book.ledger, MAKER, clock, lambda _: None)

    def end(self) -> list[tuple[Any, ...]]:
        """Where each message stands, in everything that is kept but when it was written."""
        now = self.book.again(self.records)
        assert self.book.verified()
        assert self.inbox.size == 0
        self.inbox.close()
        self.book.ledger.close()
        return [(message_id_text(each.message_id), *each[7:21]) for each in now]


def way_of(outcome: Outcome, drawn: Way) -> Way:
    """Logs tell of Zalo only: an SMS's outcome comes by a report."""
    return Way.PULLED if outcome.sms and drawn is Way.LOGGED else drawn


@settings(max_examples=100)
@given(
    st.tuples(*[st.sampled_from(ANSWERS)] * MESSAGES),
    st.lists(outcomes, min_size=1, max_size=6),
    st.data(),
)
def test_the_same_ledger(
    tmp_path_factory: pytest.TempPathFactory,
    answers: tuple[Standing | None, ...],
    arrived: list[Outcome],
    data: st.DataObject,
) -> None:
    """Other order, ways and pages, repetitions, a rescued answer in between: the same ledger."""
    plain = Side(tmp_path_factory.getbasetemp())
    plain.answered(answers)
    for outcome in arrived:
        plain.page(Way.PULLED, [outcome])
    other = Side(tmp_path_factory.getbasetemp())
    other.answered(answers)
    order = data.draw(st.permutations(arrived + data.draw(st.lists(st.sampled_from(arrived), max_size=6))))
    while order:
        size = data.draw(st.integers(1, len(order)))
        together, order = order[:size], order[size:]
        drawn = data.draw(st.sampled_from(Way))
        for way in Way:
            of_way = [each for each in together if way_of(each, drawn) is way]
            if of_way:
                other.page(way, of_way)
        if data.draw(st.booleans()):
            other.rescued(answers)
    assert other.end() == plain.end()
