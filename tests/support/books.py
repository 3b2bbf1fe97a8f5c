"""Ledgers for tests: the real SQL on a real database, and short ways to fill them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from zalosync.audit.verify import verify
from zalosync.compose.message import Cause, Identity, Keys, Status
from zalosync.ledger import migrate
from zalosync.ledger.dialect import SQLITE, Database, sqlite_database
from zalosync.ledger.records import Claim, Kind, Move, Recorded, Standing
from zalosync.ledger.store import Ledger

KEYS = Keys(bytes(range(32)))
CAMPAIGN = "order-shipped"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDENTITY = Identity(KEYS, CAMPAIGN, 1)

# How a message gets to each state, from nothing.
WAYS: dict[Status, tuple[Status, ...]] = {
    Status.INTENT: (Status.INTENT,),
    Status.HELD: (Status.HELD,),
    Status.CANCELLED: (Status.HELD, Status.CANCELLED),
    Status.RELEASED: (Status.INTENT, Status.RELEASED),
    Status.UNKNOWN: (Status.INTENT, Status.UNKNOWN),
    Status.ABANDONED: (Status.INTENT, Status.UNKNOWN, Status.ABANDONED),
    Status.ACCEPTED: (Status.INTENT, Status.ACCEPTED),
    Status.REJECTED: (Status.INTENT, Status.REJECTED),
    Status.UNDELIVERABLE: (Status.INTENT, Status.ACCEPTED, Status.UNDELIVERABLE),
    Status.EXPIRED: (Status.INTENT, Status.ACCEPTED, Status.EXPIRED),
    Status.DELIVERED: (Status.INTENT, Status.ACCEPTED, Status.DELIVERED),
}


@dataclass(slots=True)
class Book:
    """A ledger with one run and one campaign, and a clock that goes on by a second a change.

    Attributes:
        connect: opens the same database once more, beside the first: another process, as it were.
    """

    connect: Callable[[], Ledger]
    ledger: Ledger = field(init=False)
    run: int = 0
    campaign: int = 0
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.ledger = self.connect()

    def tick(self) -> datetime:
        """The next moment."""
        self.now += timedelta(seconds=1)
        return self.now

    def begin(self, run_id: str = "run-1") -> int:
        """Start a run; from here on claims are its."""
        with self.ledger.change(Kind.RUN, self.tick()) as change:
            self.run = change.start_run(run_id, "apply", {"actor": "test"})
            self.campaign = change.campaign(CAMPAIGN)
        return self.run

    def claims(
        self, keys: Iterable[int | str], state: Status = Status.INTENT, *, failover: bool = False
    ) -> list[Claim]:
        """Claims of first attempts, sorted by message as a run makes them."""
        found = [claim_of(self.campaign, str(key), state=state, failover=failover) for key in keys]
        return sorted(found, key=lambda claim: claim.message)

    def claim(
        self, keys: Iterable[int | str], state: Status = Status.INTENT, *, failover: bool = False
    ) -> list[Recorded]:
        """Take messages; with `failover` an SMS is to take the place of each."""
        with self.ledger.change(Kind.CLAIM, self.tick(), run=self.run) as change:
            return change.claim(self.claims(keys, state, failover=failover))

    def move(self, records: Sequence[Recorded], to: Standing, kind: Kind = Kind.OUTCOME) -> list[Recorded]:
        """Move messages, and give them as the ledger has them now."""
        with self.ledger.change(kind, self.tick(), run=self.run) as change:
            change.move([Move(record, to) for record in records])
        return self.again(records)

    def again(self, records: Sequence[Recorded]) -> list[Recorded]:
        """The same attempts as the ledger has them now."""
        found = self.ledger.by_message_ids([record.message_id for record in records])
        return [found[record.message_id] for record in records]

    def put(self, key: int | str, state: Status) -> Recorded:
        """One message in a state, by the shortest legal way."""
        first, *steps = WAYS[state]
        (record,) = self.claim([key], first)
        for step in steps:
            (record,) = self.move([record], standing(step))
        return record

    def verified(self) -> bool:
        """Whether the history fits the tables."""
        return verify(self.ledger).problems == ()


def counts(book: Book) -> Counter[Status]:
    """How many messages stand where."""
    found: Counter[Status] = Counter()
    for tally in book.ledger.tallies():
        found[tally.state] += tally.count
    return +found


def standing(state: Status) -> Standing:
    """A plain standing in a state."""
    pairs = {
        Status.ACCEPTED: (1, 7),
        Status.REJECTED: (5, 8),
        Status.UNDELIVERABLE: (2, 9),
        Status.EXPIRED: (4, 15),
        Status.DELIVERED: (3, 5),
    }
    group, number = pairs.get(state, (0, 0))
    return Standing(state, Cause.NONE, group, number)


def claim_of(
    campaign: int,
    key: str,
    *,
    attempt: int = 1,
    state: Status = Status.INTENT,
    before: Recorded | None = None,
    failover: bool = False,
) -> Claim:
    """A claim of one message."""
    message = IDENTITY.message(key)
    return Claim(
        message,
        IDENTITY.message_id(message, attempt),
        campaign,
        1,
        attempt,
        IDENTITY.fingerprint(1, {"name": key}, None),
        IDENTITY.recipient(key),
        failover,
        before,
        state,
    )


def counting() -> Callable[[int], bytes]:
    """Entropy that counts: the same salts in the same order."""
    given = 0

    def entropy(size: int) -> bytes:
        nonlocal given
        given += 1
        return given.to_bytes(size, "big")

    return entropy


def memory_database() -> Database:
    """An empty ledger in memory."""
    database = sqlite_database(None)
    migrate.upgrade(database)
    return database


def memory_book() -> Book:
    """A ledger in memory; only one connection."""
    database = memory_database()
    return started(Book(lambda: Ledger(database, SQLITE, "ledger", counting())))


def file_book(path: Path) -> Book:
    """A ledger in a file; as many connections as asked for."""
    path.touch(mode=0o600)
    database = sqlite_database(path)
    migrate.upgrade(database)
    database.close()
    return started(Book(lambda: Ledger(sqlite_database(path), SQLITE, path.name, counting())))


def started(book: Book) -> Book:
    """The book with its lineage and its first run."""
    with book.ledger.change(Kind.INIT, book.tick()) as change:
        change.note("lineage", "f" * 32)
        change.note("key", KEYS.fingerprint)
    book.begin()
    return book
