"""The simulated world: one seed decides its clock, its network, its crashes and its provider.

Every call through a port is a step: there the process may be killed, held up, or refused by its disk.
The ledger is the real one on an in-memory SQLite, where a crash rolls the open transaction back.
"""

import random
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tests.sim.provider import NEW_FINAL, Duplicates, Provider
from zalosync.apply.batch import Batch, Letter
from zalosync.apply.flight import Fence
from zalosync.apply.ports import REQUEST_SECONDS
from zalosync.apply.run import INTENT_SECONDS
from zalosync.apply.seal import Order
from zalosync.clock import Wake
from zalosync.compose.message import Identity, Keys, Status, message_id_text
from zalosync.errors import LedgerError
from zalosync.ledger import dialect, migrate
from zalosync.ledger.records import Claim, Kind
from zalosync.ledger.store import Change, Ledger
from zalosync.provider import AnswerRow, Exchange, Failure, Malformed, ProviderError

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
KEYS = Keys(b"k" * 32)
CAMPAIGN = "order-shipped"
ERROR = ProviderError("E400", "Request cannot be processed.")
MAX_STEPS = 20_000


Behaviour = Callable[["SimFlight", list[str]], Exchange]


class Crash(BaseException):
    """The process is gone: no handler of the product may do anything after it."""


class Endless(AssertionError):
    """A run did not end under finitely many faults (I18)."""


@cache
def _template() -> sqlite3.Connection:
    database = dialect.sqlite_database(None)
    migrate.upgrade(database)
    template = sqlite3.connect(":memory:", check_same_thread=False)
    database.connection.backup(template)
    return template


def fresh_database() -> dialect.Database:
    """An in-memory ledger of the present schema, copied from one that was migrated once."""
    raw = sqlite3.connect(":memory:", check_same_thread=False)
    _template().backup(raw)
    raw.isolation_level = None
    return dialect.Database(lambda: raw)


class _Kept(sqlite3.Connection):
    """A connection that outlives its ledgers: to prepare their statements takes longer than they do."""

    def close(self) -> None:
        """Stay open."""


@cache
def _kept() -> tuple[_Kept, tuple[str, ...]]:
    """One ledger for all worlds of a process, and the names of its tables."""
    raw = sqlite3.connect(":memory:", check_same_thread=False, factory=_Kept)
    _template().backup(raw)
    raw.isolation_level = None
    names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'")
    return raw, tuple(name for (name,) in names)


def emptied_database() -> dialect.Database:
    """An in-memory ledger without anything in it: what the world before has left, wiped."""
    raw, names = _kept()
    raw.rollback()  # of what a crash left open
    for name in names:
        raw.execute(f"DELETE FROM {name}")  # noqa: S608 - the schema's own names
    return dialect.Database(lambda: raw)


class World:
    """Everything outside of a process, and the process's fate."""

    def __init__(self, seed: int, *, messages: int | None = None) -> None:
        self.rng = rng = random.Random(seed)
        self.now = START
        self.ticks = 0.0
        self.steps = 0
        self.crash_at: int | None = None
        self.dead = False
        self.faults = rng.random() < 0.85
        self.database = emptied_database()
        self.identity = Identity(KEYS, CAMPAIGN, 1)
        self.count = messages or rng.randint(1, 12)
        self.messages = sorted(self.identity.message(f"order {n}") for n in range(self.count))
        self.provider = Provider(rng, rng.choice(list(Duplicates)))
        self.late: list[tuple[datetime, list[str]]] = []  # requests still in the network
        self.script: deque[Behaviour] = deque()  # what the next requests meet, before chance decides
        self.warnings: list[str] = []
        self.inbox: list[Any] = []
        self.posted: set[str] = set()
        self.intents: set[str] = set()
        self.problems: list[str] = []
        self.disk_fails = 0.06 if self.faults else 0.0
        with self.ledger().change(Kind.INIT, self.now) as change:
            change.note("lineage", "sim")
            change.campaign(CAMPAIGN)

    def ledger(self) -> "SimLedger":
        """The ledger, as a process opens it."""
        return SimLedger(self)

    def step(self, _where: str) -> None:
        """One call through a port: time goes on, and the process may end here."""
        if self.dead:
            raise Crash
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Endless(f"more than {MAX_STEPS} steps")
        self.pass_time(0.002)
        if self.crash_at is not None and self.steps >= self.crash_at:
            self.dead = True
            raise Crash

    def pass_time(self, seconds: float) -> None:
        """The clocks go on, and what was still in the network arrives."""
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds
        for due in [each for each in self.late if each[0] <= self.now]:
            self.late.remove(due)
            self.provider.accept(due[1], self.now)

    def chance(self, share: float) -> bool:
        """Whether a fault happens here."""
        return self.faults and self.rng.random() < share


class SimClock:
    """The world's clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """Wall time."""
        return self._world.now

    def monotonic(self) -> float:
        """Process time."""
        return self._world.ticks

    def sleep(self, seconds: float, wake: Wake | None = None) -> bool:
        """Time passes at once."""
        self._world.step("sleep")
        self._world.pass_time(seconds)
        return wake is not None and wake.is_set()

    def jitter(self) -> float:
        """From the seed."""
        return self._world.rng.random()


class SimLedger(Ledger):
    """The real ledger; its transactions may be cut by a crash, or refused by the disk."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, dialect.SQLITE, "sim", world.rng.randbytes)
        self._world = world

    @contextmanager
    def change(self, kind: Kind, now: datetime, *, run: int | None = None) -> Iterator[Change]:
        """One transaction with a step before it, before its commit, and after it."""
        world = self._world
        world.step("begin")
        full = kind in (Kind.CLAIM, Kind.OUTCOME, Kind.EVIDENCE) and world.chance(world.disk_fails)
        with super().change(kind, now, run=run) as change:
            yield change
            world.step("before commit")
            if full:
                raise LedgerError("database or disk is full; nothing of this step was stored")
        if kind is Kind.CLAIM:
            world.intents.update(_open_intents(self))
        world.step("after commit")


def _open_intents(ledger: Ledger) -> set[str]:
    return {message_id_text(each.message_id) for chunk in ledger.in_state(Status.INTENT) for each in chunk}


class SimSealer:
    """Bodies are the message ids."""

    workers = 0

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """At once."""
        done: Future[bytes] = Future()
        done.set_result("\n".join(sent.message_id for sent in batch.sent).encode())
        return done


class SimFlight:
    """The network between one process and the provider."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ready: list[tuple[int, Exchange | None]] = []
        self._proven = False

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """One POST; the process may be held up for any time right before the wire."""
        world = self._world
        claimed = world.ticks
        world.step("before fence")
        if world.chance(0.05):
            world.pass_time(world.rng.choice((1, 20, 29, 31, 45, 90, 7200)))
        if not fence():
            self._ready.append((ticket, None))
            return
        if world.ticks - claimed + REQUEST_SECONDS > INTENT_SECONDS + 1:
            world.problems.append("I10: a POST whose intent would not outlive it")
        if self._ready and not self._proven:
            world.problems.append("canary: a second request before the first answer was well-formed")
        message_ids = body.decode().split("\n")
        world.posted.update(message_ids)
        self._ready.append((ticket, self._exchange(message_ids)))

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Some of the answers, in any order, some time later."""
        world = self._world
        world.step("landed")
        world.pass_time(timeout)
        count = world.rng.randint(0 if len(self._ready) > 1 else 1, len(self._ready)) if self._ready else 0
        world.rng.shuffle(self._ready)
        some, self._ready = self._ready[:count], self._ready[count:]
        self._proven = self._proven or any(found and found.rows for _, found in some)
        return some

    def _exchange(self, ids: list[str]) -> Exchange:
        world, rng = self._world, self._world.rng
        if world.script:
            return world.script.popleft()(self, ids)
        if not world.faults or rng.random() < 0.55:
            return self._honest(ids, 0.0)
        return rng.choice(BEHAVIOURS)(self, ids)

    def _honest(self, ids: list[str], reject: float) -> Exchange:
        world = self._world
        rows = world.provider.accept(ids, world.now, reject=reject)
        return Exchange(http_status=200, rows=tuple(rows), date=world.now)

    def _maybe_taken(self, ids: list[str]) -> None:
        """The provider takes it now, later, or never."""
        world, fate = self._world, self._world.rng.random()
        if fate < 0.4:
            world.provider.accept(ids, world.now)
        elif fate < 0.6:
            world.late.append((world.now + timedelta(seconds=world.rng.choice((0.5, 5, 20, 29))), ids))

    def honest(self, ids: list[str]) -> Exchange:
        """O5: all taken, and said so."""
        return self._honest(ids, 0.0)

    def rejects(self, ids: list[str]) -> Exchange:
        """O6: some messages refused."""
        return self._honest(ids, 0.3)

    def not_connected(self, _ids: list[str]) -> Exchange:
        """O1: nothing left this machine."""
        return Exchange(failure=Failure.CONNECT, may_have_left=False)

    def unclear_connect(self, ids: list[str]) -> Exchange:
        """O2: a connection failure without proof."""
        self._maybe_taken(ids)
        return Exchange(failure=Failure.CONNECT)

    def write_error(self, ids: list[str]) -> Exchange:
        """O3."""
        self._maybe_taken(ids)
        return Exchange(failure=Failure.WRITE)

    def no_answer(self, ids: list[str]) -> Exchange:
        """O4."""
        self._maybe_taken(ids)
        self._world.pass_time(30)
        return Exchange(failure=Failure.READ)

    def refused(self, _ids: list[str]) -> Exchange:
        """O12: the whole request, in the provider's words."""
        return Exchange(http_status=self._world.rng.choice((400, 401, 403, 413, 422)), error=ERROR)

    def throttled(self, _ids: list[str]) -> Exchange:
        """O13."""
        return Exchange(http_status=429, error=ERROR, retry_after=self._world.rng.choice((None, 1.0, 60.0)))

    def intermediary(self, ids: list[str]) -> Exchange:
        """O14: a 4xx that is not in the provider's words."""
        self._maybe_taken(ids)
        return Exchange(http_status=self._world.rng.choice((400, 403, 404, 429)))

    def server_error(self, ids: list[str]) -> Exchange:
        """O15, whatever the body says."""
        self._maybe_taken(ids)
        code = self._world.rng.choice((500, 502, 503, 504, 408, 409, 307, 418))
        return Exchange(http_status=code, error=self._world.rng.choice((None, ERROR)))

    def malformed(self, ids: list[str]) -> Exchange:
        """O11: a success that is no answer."""
        self._maybe_taken(ids)
        return Exchange(http_status=200, malformed=self._world.rng.choice(list(Malformed)), digest=b"d" * 16)

    def repeated(self, ids: list[str]) -> Exchange:
        """O7: something between us sent the request twice, and the second answer is the one we get."""
        if self._world.provider.duplicates is not Duplicates.ACCEPT_TWICE:
            self._world.provider.accept(ids, self._world.now)
        return self._honest(ids, 0.0)

    def missing(self, ids: list[str]) -> Exchange:
        """O10: all are taken, some are left out of the answer."""
        rows = list(self._honest(ids, 0.0).rows or ())
        del rows[self._world.rng.randrange(len(rows))]
        return Exchange(http_status=200, rows=tuple(rows))

    def foreign(self, ids: list[str]) -> Exchange:
        """O11: taken, and answered with somebody else's id."""
        rows = list(self._honest(ids, 0.0).rows or ())
        rows[0] = AnswerRow("somebody-else", None, rows[0].status)
        return Exchange(http_status=200, rows=tuple(rows))

    def unrecognised(self, ids: list[str]) -> Exchange:
        """O9: a status of a final group that is in no table."""
        rows = list(self._honest(ids, 0.0).rows or ())
        rows[0] = AnswerRow(rows[0].message_id, None, NEW_FINAL)
        return Exchange(http_status=200, rows=tuple(rows))


BEHAVIOURS = (
    SimFlight.rejects,
    SimFlight.not_connected,
    SimFlight.unclear_connect,
    SimFlight.write_error,
    SimFlight.no_answer,
    SimFlight.no_answer,
    SimFlight.refused,
    SimFlight.throttled,
    SimFlight.intermediary,
    SimFlight.server_error,
    SimFlight.server_error,
    SimFlight.malformed,
    SimFlight.repeated,
    SimFlight.missing,
    SimFlight.foreign,
    SimFlight.unrecognised,
)


def letter(world: World, message: bytes, attempt: int, before: Any) -> Letter:
    """One message as a process would claim it."""
    claim = Claim(
        message,
        world.identity.message_id(message, attempt),
        1,
        1,
        attempt,
        world.identity.fingerprint(1, {"order": message.hex()}, None),
        world.identity.recipient(message.hex()),
        False,
        before,
    )
    return Letter(claim, message.hex(), {"order": message.hex()})
