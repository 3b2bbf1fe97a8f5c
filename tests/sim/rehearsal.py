"""S2's world: the real client on the sandbox's model, in one process, with faults where a story wants them.

Time is the world's, the ledger is the real one in memory, and every call through a port is a step at which
the process may end. What is on the wire are real bodies; what is counted as delivered is what the sandbox
says.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.sim.world import Crash, SimClock, SimLedger, World
from tests.support.desk import KEYS
from zalosync.clock import milliseconds
from zalosync.events import Event, Warned
from zalosync.infobip.client import Sender
from zalosync.infobip.evidence import Page
from zalosync.infobip.exchange import Answer, decoded, http_date, retry_after
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.infobip.transport import Unreached
from zalosync.ledger.records import Kind, Move
from zalosync.ledger.rescue import write_rescue
from zalosync.provider import Failure, Malformed, Report
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.throttle import LogThrottle
from zalosync.sandbox import oracle
from zalosync.sandbox.answers import Reply, Wire
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.faults import parse
from zalosync.sandbox.model import Model
from zalosync.sandbox.routes import Request
from zalosync.sandbox.settings import Settings as Switches
from zalosync.spec.secret import Secret

TIMEOUT = 30.0  # of a request, as the client's
TIMES = {"lag_ms": 40_000, "delay_ms": 31_000}  # of faults that take a while: longer than a request waits


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong in one life of a process. None: it does not.

    Attributes:
        faults: of the sandbox, for one request after another; empty: an honest answer.
        crash_after: steps until the process is killed.
        held_up: seconds that it stands still right before the wire, at its second request.
        full_at: which of its writes the disk refuses.
        unclear_at: which of its commits succeeds and says that it failed.
        signal_at: at which look for answers it is asked to stop.
        order: decides which answers come first.
    """

    faults: tuple[str, ...] = ()
    crash_after: int | None = None
    held_up: float | None = None
    full_at: int | None = None
    unclear_at: int | None = None
    signal_at: int | None = None
    order: int = 0


CALM = Trouble()


class Rehearsal(World):
    """Everything outside of a process, and what a story has seen so far.

    Attributes:
        requests, writes, commits: of the present life.
        skew: seconds by which this machine's wall clock is wrong; `jumped` once it ever was.
        lied: whether the provider ever called a message refused that it took.
        run: number of the run that sends, or None.
    """

    trouble = CALM
    requests = writes = commits = 0
    skew = 0.0
    jumped = lied = False
    run: int | None = None
    model: Model | None = None

    def __init__(self, switches: Switches) -> None:
        super().__init__(switches.seed, messages=1)
        self.faults, self.disk_fails = False, 1.0
        self.folder = tempfile.TemporaryDirectory(prefix="zalosync-s2-")
        self.root = Path(self.folder.name)
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.model = Model(self.connection, switches, (), milliseconds(self.now))
        self.reports = MemoryInbox()
        self.throttle = LogThrottle(self.root / "throttle", 10)
        self.client = client_of(self)
        self.events: list[Event] = []
        self.told: list[Report] = []  # every report and log row that ever arrived
        with self.ledger().change(Kind.NOTE, self.now) as change:
            change.note("key", KEYS.fingerprint)

    def close(self) -> None:
        """Give everything back."""
        self.database.close()
        self.connection.close()
        self.reports.end()
        self.folder.cleanup()

    def ledger(self) -> "RehearsalLedger":
        """The ledger, as a process opens it."""
        return RehearsalLedger(self)

    @contextmanager
    def life(self, trouble: Trouble) -> Iterator[None]:
        """One life of a process, under these troubles; a kill ends it and nothing else."""
        self.trouble, self.crash_at = trouble, trouble.crash_after
        self.requests = self.writes = self.commits = self.steps = 0
        self.rng.seed(trouble.order)
        try:
            with suppress(Crash):
                yield
        finally:
            self.crash_at, self.dead, self.trouble, self.run = None, False, CALM, None

    def pass_time(self, seconds: float) -> None:
        """The clocks go on, here and at the provider."""
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds
        if self.model is not None:
            self.model.advance(milliseconds(self.now))

    def chance(self, share: float) -> bool:
        """Whether the disk refuses this write."""
        self.writes += 1
        return bool(share) and self.writes == self.trouble.full_at

    def emit(self, event: Event) -> None:
        """What a process tells people."""
        self.events.append(event)
        if isinstance(event, Warned):
            self.warnings.append(event.code)

    def clock(self) -> "RehearsalClock":
        """The clock of the machine, which may be wrong."""
        return RehearsalClock(self)

    def rescue(self, path: Path, moves: list[Move]) -> None:
        """In place of `write_rescue`: a killed process writes nothing."""
        self.step("rescue")
        write_rescue(path, moves)

    def truth(self) -> dict[str, dict[str, Any]]:
        """What the sandbox counted, by message id."""
        found = oracle.messages(self.connection, milliseconds(self.now))
        return {entry["messageId"]: entry for entry in found}

    @property
    def under_way(self) -> int:
        """Requests that the network still holds."""
        count: int = self.connection.execute("SELECT count(*) FROM late").fetchone()[0]
        return count


class RehearsalClock(SimClock):
    """The world's time, with the error of this machine's wall clock."""

    def __init__(self, world: Rehearsal) -> None:
        super().__init__(world)
        self._here = world

    def now(self) -> datetime:
        """Wall time, as this machine has it."""
        return self._here.now + timedelta(seconds=self._here.skew)


class RehearsalLedger(SimLedger):
    """The real ledger; a commit may be done and say that it failed."""

    def __init__(self, world: Rehearsal) -> None:
        super().__init__(world)
        self._here = world

    def _commit(self, cursor: Any) -> None:
        super()._commit(cursor)
        self._here.commits += 1
        if self._here.commits == self._here.trouble.unclear_at:
            raise sqlite3.OperationalError("disk I/O error")


class MemoryInbox(Inbox):
    """The inbox in memory: what was stored outlives a process, and nothing else does."""

    def __init__(self) -> None:
        self._path = Path("inbox")
        self._newest = {}
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._make()

    def close(self) -> None:
        """A process ends; the file stays, and what it remembers besides does not."""
        self._newest.clear()

    def end(self) -> None:
        """The story ends."""
        self._connection.close()


class Client(Sender):
    """The real client; keeps what it was told."""

    world: Rehearsal

    def logs(self, **filters: Any) -> Page:
        """Log rows."""
        page = super().logs(**filters)
        self.world.told.extend(page.rows)
        return page

    def reports(self, limit: int = 1000) -> Page:
        """Reports; one that is lost after this was never told."""
        page = super().reports(limit)
        self.world.step("answer read")
        self.world.told.extend(page.rows)
        return page


def client_of(world: Rehearsal) -> Client:
    """The client, whose connections lead into the sandbox's model."""
    settings = Settings("http://127.0.0.1:1", authorization_header(Secret("sandbox")), "/zalo/1/reports")
    client = Client(
        settings,
        digest=KEYS.evidence_digest,
        pseudonym=world.identity.recipient,
        monotonic=world.clock().monotonic,
    )
    client.close()
    client._http, client.world = Door(world), world  # type: ignore[assignment]
    return client


@dataclass(slots=True)
class Door:
    """In place of the transport: one request, as its client would feel it."""

    world: Rehearsal
    date: datetime | None = field(default=None)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        fresh: bool,
    ) -> Answer:
        """Ask the model, under the fault that is next."""
        assert fresh, "nothing here is repeated by the client itself"
        world = self.world
        assert world.model is not None
        self._next_fault(world.model)
        now = milliseconds(world.now)
        if world.model.connected(now) is not None:
            raise Unreached(Failure.CONNECT, "reset", may_have_left=False)
        headers = {"authorization": "App sandbox", "content-type": "application/json"}
        request = Request(method, path, urlencode(params or {}), headers, body or b"")
        reply = world.model.head(request, now)
        early = reply is not None
        if reply is None:
            reply = world.model.handle(request, now)
        world.step("answered")
        self._feel(reply.wire, Failure.WRITE if early else Failure.READ)
        answer = _read(reply)
        self.date = answer.date or self.date
        return answer

    def _next_fault(self, model: Model) -> None:
        script, faults = model.script, self.world.trouble.faults
        script.clear()
        if self.world.requests < len(faults) and faults[self.world.requests]:
            name = faults[self.world.requests]
            self.world.lied = self.world.lied or name == "said-rejected"
            given = {each: TIMES[each] for each in BEHAVIOURS[name].takes if each in TIMES}
            script.add(parse([{"do": name, "with": given}]), milliseconds(self.world.now))
        self.world.requests += 1

    def _feel(self, wire: Wire, failure: Failure) -> None:
        slow = wire.delay_ms >= 1000 * TIMEOUT
        if wire.action == "hang" or slow:
            self.world.pass_time(TIMEOUT)
        if wire.action != "answer" or slow:
            raise Unreached(failure, wire.action, may_have_left=True)


def _read(reply: Reply) -> Answer:
    headers = dict(reply.headers)
    body = decoded(reply.body, headers.get("content-encoding", ""))
    date = http_date(headers.get("date", ""))
    return Answer(
        status=reply.status,
        content_type=headers.get("content-type", ""),
        body=b"" if isinstance(body, Malformed) else body,
        malformed=body if isinstance(body, Malformed) else None,
        retry_after=retry_after(headers.get("retry-after", ""), date),
        date=date,
    )
