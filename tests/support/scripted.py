"""A run without a network and without waiting: a clock that jumps, answers from a script, the real ledger."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.books import CAMPAIGN, NOON, Book, claim_of
from zalosync.apply.batch import Batch, Letter
from zalosync.apply.flight import Fence
from zalosync.apply.ports import Limits, Ports
from zalosync.apply.run import Run
from zalosync.apply.seal import Order
from zalosync.apply.totals import Result, Totals
from zalosync.clock import Wake
from zalosync.compose.message import bulk_id, message_id_bytes, message_id_text
from zalosync.events import Event, Settled
from zalosync.infobip.wire import Envelope
from zalosync.provider import AnswerRow, Exchange, ProviderStatus

PENDING = ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")
ORDER = Order(CAMPAIGN, CAMPAIGN, Envelope(sender="4097700000000000001", template=322307))


class JumpingClock:
    """Time that goes on only where somebody waits."""

    def __init__(self, start: datetime = NOON) -> None:
        self.start = start
        self.seconds = 0.0

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.seconds

    def sleep(self, seconds: float, wake: Wake | None = None) -> bool:
        """Jump; True where somebody wants to wake the sleeper."""
        if wake is not None and wake.is_set():
            return True
        self.seconds += seconds
        return False

    def jitter(self) -> float:
        """No spread."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of one POST, after some seconds; `exchange` None: nothing ever comes."""

    exchange: Exchange | None
    after: float = 0.1


# From the number of the POST (from 0) and the message ids in it to what comes of it.
Script = Callable[[int, list[str]], Answer]


class ScriptedFlight:
    """Answers by a script, in order of their time."""

    def __init__(
        self, clock: JumpingClock, script: Script, posted: Callable[[list[str]], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._posted = posted
        self._script = script
        self._due: list[tuple[float, int, Exchange | None]] = []
        self.sent: list[list[str]] = []  # what went over the wire, by POST
        self.most = 0  # how many were in the air at once
        self._air = 0
        self.before_fence: Callable[[], None] = lambda: None

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """Start one POST, if the fence still lets it."""
        self._air += 1
        self.most = max(self.most, self._air)
        self.before_fence()
        if not fence():
            self._due.append((self._clock.seconds, ticket, None))
            return
        ids = body.decode().split()
        self.sent.append(ids)
        self._posted(ids)
        answer = self._script(len(self.sent) - 1, ids)
        if answer.exchange is not None:
            self._due.append((self._clock.seconds + answer.after, ticket, answer.exchange))

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Jump to the next answer, or by `timeout` where none comes in time."""
        self._due.sort(key=lambda due: due[:2])
        until = self._clock.seconds + timeout
        if self._due and self._due[0][0] <= until:
            self._clock.seconds = max(self._clock.seconds, self._due[0][0])
        else:
            self._clock.seconds = until
        now = [due for due in self._due if due[0] <= self._clock.seconds]
        self._due = self._due[len(now) :]
        self._air -= len(now)
        return [(ticket, exchange) for _, ticket, exchange in now]


class PlainSealer:
    """Bodies that are the message ids, made at once."""

    workers = 0

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """The body."""
        made: Future[bytes] = Future()
        made.set_result(" ".join(message_id_text(claim.message_id) for claim in batch.claims).encode())
        return made


def accepted(ids: Sequence[str], status: ProviderStatus = PENDING, code: int = 200) -> Exchange:
    """An answer that takes every message."""
    return Exchange(http_status=code, rows=tuple(AnswerRow(each, None, status) for each in ids))


def always(exchange: Callable[[list[str]], Exchange] = accepted) -> Script:
    """The same for every POST."""
    return lambda _number, ids: Answer(exchange(ids))


@dataclass(slots=True)
class Stage:
    """A run on a ledger in memory, and everything that it touches.

    Attributes:
        heard: the events it emitted.
        settled: how often it looked for evidence.
        on_settle: what looking for evidence does.
    """

    book: Book
    script: Script
    rescue: Path = Path("/nowhere/rescue-run-1.jsonl")
    limits: Limits = field(default_factory=lambda: Limits(width=4, grace=30.0))
    clock: JumpingClock = field(default_factory=JumpingClock)
    stop: threading.Event = field(default_factory=threading.Event)
    paused: set[str] = field(default_factory=set)
    heard: list[Event] = field(default_factory=list)
    settled: int = 0
    on_settle: Callable[[], Settled] = lambda: Settled(0, 0)
    sealer: PlainSealer = field(default_factory=PlainSealer)
    flight: ScriptedFlight = field(init=False)
    posted: dict[str, datetime] = field(default_factory=dict)  # by bulk id, when it was last posted

    def __post_init__(self) -> None:
        self.flight = ScriptedFlight(self.clock, self.script, self._note)

    def _note(self, ids: list[str]) -> None:
        self.posted[bulk_id(message_id_bytes(each) or b"" for each in ids)] = self.clock.now()

    def batches(
        self, sizes: Sequence[int], *, order: Order = ORDER, first: int = 0
    ) -> Iterator[Batch[Order]]:
        """Batches of these sizes, of messages that the ledger does not know yet."""
        numbers = iter(range(first, first + sum(sizes)))
        for size in sizes:
            keys = [str(next(numbers)) for _ in range(size)]
            letters = (
                Letter(claim_of(self.book.campaign, key), f"8490{int(key):07d}", {"name": key})
                for key in keys
            )
            yield Batch(order, tuple(letters))

    def run(self, batches: Iterator[Batch[Order]], to_send: int) -> Result:
        """Run to the end."""
        ports = Ports(
            ledger=self.book.ledger,
            flight=self.flight,
            sealer=self.sealer,
            clock=self.clock,
            emit=self.heard.append,
            stop=self.stop,
            settle=self._settle,
            paused=lambda: self.paused,
            rescue=self.rescue,
        )
        return Run(ports, self.book.run, self.limits, Totals(to_send=to_send)).execute(batches)

    def send(self, sizes: Sequence[int]) -> Result:
        """Run batches of these sizes."""
        return self.run(self.batches(sizes), sum(sizes))

    def _settle(self) -> Settled:
        self.settled += 1
        return self.on_settle()


def in_turn(*answers: Callable[[list[str]], Answer]) -> Script:
    """One answer after another; the last one for all that follow."""
    left = deque(answers)

    def script(_number: int, ids: list[str]) -> Answer:
        return (left.popleft() if len(left) > 1 else left[0])(ids)

    return script
