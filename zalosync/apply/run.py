"""One apply run: intents durable, one POST, outcomes durable, batch after batch, until done or stopped.

The main thread runs this loop and owns the ledger, the clock and the pacing. Commits are shared: the
outcomes of what landed and the intents of what starts next go into one transaction, so that a batch
costs at most two durable commits. A batch's bytes leave only after the transaction with its intents.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from zalosync.apply.batch import Batch
from zalosync.apply.breaker import FIRST, Breaker, Decision, Tries
from zalosync.apply.classify import After, Verdict
from zalosync.apply.flight import Flight
from zalosync.apply.landing import Flying, duplicates, interrupted, judge, moves, released
from zalosync.apply.recorder import Recorder
from zalosync.apply.seal import Order
from zalosync.clock import SKEW_SECONDS, Clock
from zalosync.compose.message import Status
from zalosync.errors import (
    ExitCode,
    InternalError,
    Interrupted,
    LedgerError,
    OutcomesAside,
    ProviderRefused,
    StoppedEarly,
    first_of,
)
from zalosync.events import BatchAnswered, Emit, Settled, Stopping, Waiting, Warned
from zalosync.ledger.records import Move
from zalosync.ledger.store import Ledger
from zalosync.provider import Exchange

REQUEST_SECONDS = 30.0  # the longest a POST takes, by the client's own total time-out
INTENT_SECONDS = 60.0  # how long an intent may wait for its first byte, and for its answer
LINGER_SECONDS = 0.02  # the longest that an answer waits for others to share its commit
LONGEST_WAIT = timedelta(minutes=15)  # for a slot, under the ledger's lock: refresh and others want it too
NAP_SECONDS = 0.2  # how often the loop looks up while nothing lands


class Seals(Protocol):
    """Makes bodies of batches, ahead of need."""

    workers: int

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """The body, now or later."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a run besides the plan.

    Attributes:
        width: requests in flight at once.
        grace: seconds to wait, after a signal, for what is in flight.
        held: whether the ledger holds what is to be sent, so that what cannot go out yet waits there.
    """

    width: int = 6
    grace: float = REQUEST_SECONDS
    held: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside that a run touches.

    Attributes:
        settle: looks for evidence about unknown messages.
        paused: the campaigns (by first name) that somebody paused.
        rescue: where outcomes go that the ledger cannot take.
    """

    ledger: Ledger
    flight: Flight
    sealer: Seals
    clock: Clock
    emit: Emit
    stop: threading.Event
    settle: Callable[[], Settled]
    paused: Callable[[], Collection[str]]
    rescue: Path


@dataclass(slots=True)
class Totals:
    """What became of the messages a run was to send.

    Attributes:
        cancelled: held ones, which this run was to cancel, or whose time was over.
        shrunk: planned, and left out by what lies outside of the plan: reason to count.
        stays: held ones that a run of what is due leaves held although their time has come, likewise.
    """

    to_send: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    held: int = 0
    cancelled: int = 0
    requests: int = 0
    retries: int = 0
    shrunk: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)

    @property
    def not_sent(self) -> int:
        """Proven not sent, or never tried."""
        settled = self.accepted + self.rejected + self.unknown + self.held + self.shrunk.total()
        return self.to_send - settled


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    totals: Totals
    code: ExitCode
    reason: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch that may start: its body is made."""

    batch: Batch[Order]
    body: bytes
    tries: Tries = FIRST


@dataclass(frozen=True, slots=True)
class _Sealing:
    """A batch whose body is being made, or is there and waits for its slot."""

    batch: Batch[Order]
    body: Future[bytes]
    tries: Tries = FIRST


@dataclass(slots=True)
class _State:
    """What the loop remembers between two looks."""

    sealing: deque[_Sealing] = field(default_factory=deque)
    again: deque[_Ready] = field(default_factory=deque)
    flying: dict[int, Flying] = field(default_factory=dict)
    tickets: int = 0
    exhausted: bool = False
    proven: bool = False  # the canary's answer was well-formed
    skew_told: bool = False
    not_before: float = 0.0  # monotonic: nothing starts earlier
    settle_due: bool = False
    codes: list[ExitCode] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    waiting: dict[str, datetime] = field(default_factory=dict)  # by campaign, when its next slot begins
    signalled_at: float | None = None


class Run:
    """One process life that sends.

    Args:
        ports: the outside.
        number: of the run, as the ledger gave it.
        limits: what bounds it.
        totals: with the messages the plan names for sending, and those held already.
    """

    def __init__(self, ports: Ports, number: int, limits: Limits, totals: Totals) -> None:
        self._ports = ports
        self._number = number
        self._limits = limits
        self._breaker = Breaker()
        self._recorder = Recorder(ports.ledger, ports.clock, ports.emit, number, ports.rescue)
        self._state = _State()
        self.totals = totals

    def execute(self, batches: Iterator[Batch[Order]]) -> Result:
        """Send the batches in order. Ends when all are answered, or with the reason why not."""
        try:
            while not self._step(batches):
                continue
        except BaseException as error:
            self._last_words()
            if isinstance(error, LedgerError) and self._recorder.aside:
                raise self._told_aside(error) from error
            raise
        return self._result()

    def _step(self, batches: Iterator[Batch[Order]]) -> bool:
        """One look at everything; True when nothing is left to do."""
        state = self._state
        self._look_up(batches)
        starting = self._startable()
        landed = self._landed(0.0 if starting else NAP_SECONDS)
        for decision in self._commit(landed, starting):
            self._follow(decision)
        if state.settle_due and not state.flying:
            self._settle()
        if not state.flying and not starting and not (self._stopping or self._drained):
            self._wait()
        return not state.flying and (self._stopping or self._drained)

    def _landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """What came back; once something has, others get as long to join it as a commit takes anyway.

        No more than half of them: what is still in the air keeps the provider busy while these are written.
        """
        state, clock, flight = self._state, self._ports.clock, self._ports.flight
        landed = flight.landed(timeout)
        until = clock.monotonic() + min(self._recorder.seconds, LINGER_SECONDS)
        while 0 < 2 * len(landed) < len(state.flying) and (left := until - clock.monotonic()) > 0:
            landed += flight.landed(left)
        return landed

    def _last_words(self) -> None:
        """The run breaks off (the ledger is gone): answers still to come are kept beside the ledger."""
        state, clock = self._state, self._ports.clock
        until = clock.monotonic() + self._limits.grace
        told: list[Move] = []
        while state.flying and clock.monotonic() < until:
            for ticket, exchange in self._ports.flight.landed(NAP_SECONDS):
                flown = state.flying.pop(ticket)
                told.extend(moves(flown, judge(flown, exchange), exchange.digest if exchange else None))
        if told:
            self._recorder.rescue(told)

    def _told_aside(self, error: LedgerError) -> OutcomesAside:
        """What broke the run off is told with what became of the answers (O18)."""
        text = f"{error.message}; {self._recorder.aside:,} answers are not in the ledger"
        fix = "make room on the disk, then run `zalosync refresh`: it merges what was kept beside the ledger"
        return OutcomesAside(text, fix=fix, code=error.code)

    @property
    def proven(self) -> bool:
        """Whether an answer was well-formed: until then requests are as small as a canary."""
        return self._state.proven

    def over(self, campaign: str) -> bool:
        """Whether nothing more of a campaign is sent by this run."""
        return campaign in self._state.waiting

    @property
    def _stopping(self) -> bool:
        return bool(self._state.codes)

    @property
    def _drained(self) -> bool:
        return self._state.exhausted and not self._state.sealing and not self._state.again

    def _look_up(self, batches: Iterator[Batch[Order]]) -> None:
        """Hear signals, and keep enough bodies in the making."""
        state, ports = self._state, self._ports
        if ports.stop.is_set() and state.signalled_at is None:
            state.signalled_at = ports.clock.monotonic()
            self._stop(ExitCode.INTERRUPTED, "a signal asked to stop")
        self._leave()
        ahead = self._limits.width + 2 * ports.sealer.workers
        if not state.proven:  # how many go into the next request depends on the answer to this one
            ahead = 0 if state.flying or state.again else 1
        while not self._stopping and not state.exhausted and len(state.sealing) < ahead:
            batch = next(batches, None)
            if batch is None:
                state.exhausted = True
            else:
                state.sealing.append(_Sealing(batch, ports.sealer.seal(batch)))

    def _leave(self) -> None:
        """Let go of a campaign whose next slot is far off: the night is not waited for under the lock."""
        state, now = self._state, self._ports.clock.now()
        head = state.sealing[0].batch if state.sealing else None
        if head is None or head.earliest is None or head.earliest - now <= LONGEST_WAIT:
            return
        name = head.order.name
        state.waiting.setdefault(name, head.earliest)
        state.sealing = deque(each for each in state.sealing if each.batch.order.name != name)

    def _startable(self) -> list[_Ready]:
        """The batches that may start now."""
        state = self._state
        if self._stopping or state.settle_due or self._ports.clock.monotonic() < state.not_before:
            return []
        width = self._limits.width if state.proven else 1
        paused = self._ports.paused() if state.again or state.sealing else ()
        starting: list[_Ready] = []
        while len(state.flying) + len(starting) < width:
            if state.again:
                ready = state.again.popleft()
            elif state.sealing and not self._too_early(state.sealing[0].batch):
                if not state.sealing[0].body.done() and (state.flying or starting):
                    break
                sealed = state.sealing.popleft()
                ready = _Ready(sealed.batch, sealed.body.result(), sealed.tries)
            else:
                break
            if ready.batch.missed(self._ports.clock.now()):
                self._put_off(ready)
                continue
            order = ready.batch.order
            if order.first_name in paused:
                state.paused.add(order.name)
            elif order.expires_at is not None and order.expires_at <= self._ports.clock.now():
                state.expired.add(order.name)
            else:
                starting.append(ready)
        return starting

    def _put_off(self, ready: _Ready) -> None:
        """Give a batch that missed its slot the next one: its campaign keeps its rate, window and end."""
        batch = ready.batch.put_off(self._ports.clock.now())
        if batch is None:
            self._state.expired.add(ready.batch.order.name)
            return
        body: Future[bytes] = Future()
        if batch.send_at == ready.batch.send_at:
            body.set_result(ready.body)
        else:
            body = self._ports.sealer.seal(batch)
        self._state.sealing.append(_Sealing(batch, body, ready.tries))

    def _too_early(self, batch: Batch[Order]) -> bool:
        """Whether a batch that we pace ourselves has to wait for its slot."""
        return batch.earliest is not None and batch.earliest > self._ports.clock.now()

    def _commit(self, landed: list[tuple[int, Exchange | None]], starting: list[_Ready]) -> list[Decision]:
        """Write outcomes and intents in one transaction, then let the new batches fly."""
        state = self._state
        judged = []
        told: list[Move] = []
        for ticket, exchange in landed:
            flown = state.flying.pop(ticket)
            verdict = judge(flown, exchange)
            judged.append((flown, verdict))
            self._recorder.duplicates.extend(duplicates(flown, verdict))
            told.extend(moves(flown, verdict, exchange.digest if exchange else None))
            self._compare_clocks(exchange)
        if self._grace_is_over():
            for flown in state.flying.values():
                verdict = interrupted(flown)
                judged.append((flown, verdict))
                told.extend(moves(flown, verdict, None))
            state.flying.clear()
        batches = [ready.batch for ready in starting]
        records = self._recorder.write(told, batches) if told or batches else []
        for ready, taken in zip(starting, records, strict=True):
            self._fly(Flying(ready.batch, ready.body, taken, ready.tries))
        return [self._count(flown, verdict) for flown, verdict in judged]

    def _fly(self, flying: Flying) -> None:
        state, clock = self._state, self._ports.clock
        deadline = clock.monotonic() + INTENT_SECONDS
        ticket = state.tickets
        state.tickets += 1
        state.flying[ticket] = flying
        self.totals.requests += 1
        owned = self._ports.ledger.owns(self._number, [record.row for record in flying.records])
        self._ports.flight.post(
            ticket, flying.body, lambda: owned and clock.monotonic() + REQUEST_SECONDS <= deadline
        )

    def _grace_is_over(self) -> bool:
        at = self._state.signalled_at
        return at is not None and self._ports.clock.monotonic() > at + self._limits.grace

    def _compare_clocks(self, exchange: Exchange | None) -> None:
        if exchange is None or exchange.date is None or self._state.skew_told:
            return
        skew = (self._ports.clock.now() - exchange.date).total_seconds()
        if abs(skew) > SKEW_SECONDS:
            self._state.skew_told = True
            text = f"this machine's clock is {skew:+,.0f} s off the provider's: schedules may go out wrong"
            self._ports.emit(Warned("ZS655", text))

    def _count(self, flown: Flying, verdict: Verdict) -> Decision:
        """Add a verdict to the totals, and ask the breaker what follows."""
        states = [outcome.state for outcome in verdict.outcomes]
        unknown, unsent = states.count(Status.UNKNOWN), states.count(Status.RELEASED)
        rejected = states.count(Status.REJECTED)
        accepted = len(states) - unknown - unsent - rejected
        self.totals.accepted += accepted
        self.totals.rejected += rejected
        self.totals.unknown += unknown
        state = self._state
        if verdict.after in (After.GO_ON, After.WARN):
            state.proven = True
        if verdict.after is After.WARN:
            self._ports.emit(Warned("ZS652", verdict.reason))
        self._ports.emit(BatchAnswered(accepted, rejected, unknown, unsent, len(state.flying)))
        campaign = flown.batch.order.name
        decision = self._breaker.decide(verdict, self._ports.clock.jitter(), flown.tries, campaign)
        if decision.again_after is not None and not self._stopping:
            batch = flown.batch.again(released(flown, verdict))
            state.again.append(_Ready(batch, flown.body, decision.tries))
            self.totals.retries += 1
        return decision

    def _follow(self, decision: Decision) -> None:
        state, clock = self._state, self._ports.clock
        if decision.settle:
            state.settle_due = True
        if decision.again_after is not None:
            state.not_before = max(state.not_before, clock.monotonic() + decision.again_after)
            self._ports.emit(Waiting(decision.again_after, decision.reason))
        if decision.stop is not None:
            self._stop(decision.stop, decision.reason)

    def _stop(self, code: ExitCode, reason: str) -> None:
        if not self._state.codes:
            self._ports.emit(Stopping(reason))
        self._state.codes.append(code)
        self._state.reasons.append(reason)

    def _settle(self) -> None:
        """Doubt came up: look for evidence before anything more is sent."""
        self._state.settle_due = False
        try:
            self._ports.emit(self._ports.settle())
        except (StoppedEarly, ProviderRefused) as error:
            self._stop(ExitCode.UNKNOWN, f"no evidence could be asked for: {error.message}")
        except Interrupted as error:
            self._stop(error.exit_code, "a signal asked to stop")

    def _wait(self) -> None:
        pause = self._state.not_before - self._ports.clock.monotonic()
        if self._state.sealing:
            earliest = self._state.sealing[0].batch.earliest
            if earliest is not None:
                pause = max(pause, (earliest - self._ports.clock.now()).total_seconds())
        if pause > 0:
            self._ports.clock.sleep(min(pause, NAP_SECONDS), self._ports.stop)

    def _told_waiting(self) -> None:
        """What waits for a slot that is far off: held in the ledger it is in nobody's way."""
        totals, state = self.totals, self._state
        each = ", ".join(f"{name} from {at:%Y-%m-%dT%H:%MZ} on" for name, at in sorted(state.waiting.items()))
        if self._limits.held and not state.codes:
            totals.held += totals.not_sent
            state.reasons.append(f"the next slot is later: `zalosync apply --due` sends {each}")
        else:
            self._stop(ExitCode.STOPPED, f"the next slot is later: apply again to send {each}")

    def _result(self) -> Result:
        totals, state = self.totals, self._state
        if totals.not_sent < 0:
            raise InternalError(f"{-totals.not_sent} more messages were answered than were to be sent")
        if state.paused:
            names = ", ".join(sorted(state.paused))
            self._stop(ExitCode.LEDGER, f"paused: {names}; `zalosync unpause` lets it go on")
        if state.expired:
            names = ", ".join(sorted(state.expired))
            self._stop(ExitCode.STOPPED, f"expiresAt has passed: {names}; nothing more of it is sent")
        if state.waiting:
            self._told_waiting()
        codes = list(state.codes)
        waiting = self._ports.ledger.waiting()
        if any(count for (_, status), (count, _) in waiting.items() if status is Status.UNKNOWN):
            codes.append(ExitCode.UNKNOWN)
        if totals.not_sent and not codes:
            codes.append(ExitCode.STOPPED)
        return Result(totals, first_of(*codes), "; ".join(dict.fromkeys(state.reasons)))
