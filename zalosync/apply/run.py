"""One apply run: intents durable, one POST, outcomes durable, batch after batch, until done or stopped.

The main thread runs this loop and owns the ledger, the clock and the pacing. Commits are shared: the
outcomes of what landed and the intents of what starts next go into one transaction, so that a batch
costs at most two durable commits. A batch's bytes leave only after the transaction with its intents.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from zalosync.apply.batch import Batch
from zalosync.apply.breaker import Breaker, Decision
from zalosync.apply.classify import After, Outcome, Verdict, classify
from zalosync.apply.flight import Flight
from zalosync.apply.seal import Order
from zalosync.clock import Clock
from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode, InternalError, LedgerError, ProviderRefused, StoppedEarly, first_of
from zalosync.events import BatchAnswered, Emit, Settled, Stopping, Waiting, Warned
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.rescue import write_rescue
from zalosync.ledger.store import Ledger
from zalosync.provider import Exchange

REQUEST_SECONDS = 30.0  # the longest a POST takes, by the client's own total time-out
INTENT_SECONDS = 60.0  # how long an intent may wait for its first byte, and for its answer
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
    """

    width: int = 4
    grace: float = REQUEST_SECONDS


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside that a run touches."""

    ledger: Ledger
    flight: Flight
    sealer: Seals
    clock: Clock
    emit: Emit
    stop: threading.Event
    settle: Callable[[], Settled]
    paused: Callable[[], bool]
    rescue: Path


@dataclass(slots=True)
class Totals:
    """What became of the messages a run was to send."""

    to_send: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    requests: int = 0
    retries: int = 0

    @property
    def not_sent(self) -> int:
        """Proven not sent, or never tried."""
        return self.to_send - self.accepted - self.rejected - self.unknown


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    totals: Totals
    code: ExitCode
    reason: str


@dataclass(slots=True)
class _Flying:
    """One request in the air."""

    batch: Batch[Order]
    body: bytes
    records: list[Recorded]


@dataclass(slots=True)
class _State:
    """What the loop remembers between two looks."""

    sealing: deque[tuple[Batch[Order], Future[bytes]]] = field(default_factory=deque)
    again: deque[tuple[Batch[Order], bytes]] = field(default_factory=deque)
    flying: dict[int, _Flying] = field(default_factory=dict)
    tickets: int = 0
    exhausted: bool = False
    proven: bool = False  # the canary's answer was well-formed
    not_before: float = 0.0  # monotonic: nothing starts earlier
    settle_due: bool = False
    codes: list[ExitCode] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    signalled_at: float | None = None


class Run:
    """One process life that sends.

    Args:
        ports: the outside.
        number: of the run, as the ledger gave it.
        limits: what bounds it.
        to_send: how many messages the plan names for sending.
    """

    def __init__(self, ports: Ports, number: int, limits: Limits, to_send: int) -> None:
        self._ports = ports
        self._number = number
        self._limits = limits
        self._breaker = Breaker()
        self._state = _State()
        self.totals = Totals(to_send=to_send)

    def execute(self, batches: Iterator[Batch[Order]]) -> Result:
        """Send the batches in order. Ends when all are answered, or with the reason why not."""
        state = self._state
        while True:
            self._look_up(batches)
            starting = self._startable()
            landed = self._ports.flight.landed(0.0 if starting else NAP_SECONDS)
            decisions = self._commit(landed, starting)
            for decision in decisions:
                self._follow(decision)
            if state.settle_due and not state.flying:
                self._settle()
            if not state.flying and (self._stopping or self._drained):
                return self._result()
            if not state.flying and not starting:
                self._wait()

    @property
    def _stopping(self) -> bool:
        return bool(self._state.codes)

    @property
    def _drained(self) -> bool:
        return self._state.exhausted and not self._state.sealing and not self._state.again

    def _look_up(self, batches: Iterator[Batch[Order]]) -> None:
        """Hear signals and pauses, and keep enough bodies in the making."""
        state, ports = self._state, self._ports
        if ports.stop.is_set() and state.signalled_at is None:
            state.signalled_at = ports.clock.monotonic()
            self._stop(ExitCode.INTERRUPTED, "a signal asked to stop")
        if not self._stopping and ports.paused():
            self._stop(ExitCode.LEDGER, "the campaign is paused; `zalosync unpause` lets it go on")
        if self._stopping:
            return
        ahead = self._limits.width + 2 * ports.sealer.workers
        while not state.exhausted and len(state.sealing) < ahead:
            batch = next(batches, None)
            if batch is None:
                state.exhausted = True
            else:
                state.sealing.append((batch, ports.sealer.seal(batch)))

    def _startable(self) -> list[tuple[Batch[Order], bytes]]:
        """The batches that may start now, with their bodies."""
        state = self._state
        if self._stopping or state.settle_due or self._ports.clock.monotonic() < state.not_before:
            return []
        width = self._limits.width if state.proven else 1
        starting: list[tuple[Batch[Order], bytes]] = []
        while len(state.flying) + len(starting) < width:
            if state.again:
                starting.append(state.again.popleft())
            elif state.sealing and (state.sealing[0][1].done() or not (state.flying or starting)):
                batch, body = state.sealing.popleft()
                starting.append((batch, body.result()))
            else:
                break
        return starting

    def _commit(
        self, landed: list[tuple[int, Exchange | None]], starting: list[tuple[Batch[Order], bytes]]
    ) -> list[Decision]:
        """Write outcomes and intents in one transaction, then let the new batches fly."""
        state = self._state
        verdicts = [(state.flying.pop(ticket), exchange) for ticket, exchange in landed]
        judged = [(flown, _judge(flown, exchange)) for flown, exchange in verdicts]
        if self._grace_is_over():
            judged += [(flown, _interrupted(flown)) for flown in state.flying.values()]
            state.flying.clear()
        moves = [move for flown, verdict in judged for move in _moves(flown, verdict)]
        records = self._write(moves, [batch for batch, _ in starting]) if moves or starting else []
        for (batch, body), taken in zip(starting, records, strict=True):
            self._fly(batch, body, taken)
        return [self._count(flown, verdict) for flown, verdict in judged]

    def _write(self, moves: list[Move], batches: list[Batch[Order]]) -> list[list[Recorded]]:
        ledger, now = self._ports.ledger, self._ports.clock.now()
        try:
            with ledger.change(Kind.CLAIM if batches else Kind.OUTCOME, now, run=self._number) as change:
                change.move(moves, own=True)
                return [change.claim(batch.claims) for batch in batches]
        except LedgerError:
            if moves:
                self._rescue(moves)
            raise

    def _rescue(self, moves: list[Move]) -> None:
        """The answers are known and the ledger will not take them: keep them beside it."""
        path = self._ports.rescue
        try:
            write_rescue(path, moves)
        except OSError:
            self._ports.emit(
                Warned("ZS651", f"{len(moves)} outcomes could not be stored anywhere: they stay unknown")
            )
            return
        self._ports.emit(
            Warned(
                "ZS650",
                f"{len(moves)} outcomes are in {path.name}, beside the ledger; `zalosync refresh` merges it",
            )
        )

    def _fly(self, batch: Batch[Order], body: bytes, taken: list[Recorded]) -> None:
        state, clock = self._state, self._ports.clock
        deadline = clock.monotonic() + INTENT_SECONDS
        ticket = state.tickets
        state.tickets += 1
        state.flying[ticket] = _Flying(batch, body, taken)
        self.totals.requests += 1
        owned = self._ports.ledger.owns(self._number, [record.row for record in taken])
        self._ports.flight.post(
            ticket, body, lambda: owned and clock.monotonic() + REQUEST_SECONDS <= deadline
        )

    def _grace_is_over(self) -> bool:
        at = self._state.signalled_at
        return at is not None and self._ports.clock.monotonic() > at + self._limits.grace

    def _count(self, flown: _Flying, verdict: Verdict) -> Decision:
        """Add a verdict to the totals, and ask the breaker what follows."""
        states = [outcome.state for outcome in verdict.outcomes]
        unknown, released = states.count(Status.UNKNOWN), states.count(Status.RELEASED)
        rejected = states.count(Status.REJECTED)
        accepted = len(states) - unknown - released - rejected
        self.totals.accepted += accepted
        self.totals.rejected += rejected
        self.totals.unknown += unknown
        state = self._state
        if verdict.after in (After.GO_ON, After.WARN):
            state.proven = True
        if verdict.after is After.WARN:
            self._ports.emit(Warned("ZS652", verdict.reason))
        self._ports.emit(BatchAnswered(accepted, rejected, unknown, released, len(state.flying)))
        decision = self._breaker.decide(verdict, self._ports.clock.jitter())
        if decision.again_after is not None and not self._stopping:
            closed = [
                _released(record, outcome)
                for record, outcome in zip(flown.records, verdict.outcomes, strict=True)
            ]
            state.again.append((flown.batch.again(closed), flown.body))
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

    def _wait(self) -> None:
        pause = self._state.not_before - self._ports.clock.monotonic()
        if pause > 0:
            self._ports.clock.sleep(min(pause, NAP_SECONDS), self._ports.stop)

    def _result(self) -> Result:
        totals = self.totals
        if totals.not_sent < 0:
            raise InternalError(f"{-totals.not_sent} more messages were answered than were to be sent")
        codes = list(self._state.codes)
        if any(
            count
            for (_, state), (count, _) in self._ports.ledger.waiting().items()
            if state is Status.UNKNOWN
        ):
            codes.append(ExitCode.UNKNOWN)
        if totals.not_sent and not codes:
            codes.append(ExitCode.STOPPED)
        return Result(totals, first_of(*codes), "; ".join(dict.fromkeys(self._state.reasons)))


def _judge(flown: _Flying, exchange: Exchange | None) -> Verdict:
    if exchange is None:  # O19: the fence refused, nothing left this machine
        outcomes = (Outcome(Status.RELEASED, Cause.FENCED),) * len(flown.records)
        return Verdict(
            outcomes, After.STOP, ExitCode.STOPPED, "this process was held up too long to send safely"
        )
    return classify(flown.batch.sent, exchange)


def _interrupted(flown: _Flying) -> Verdict:
    outcomes = (Outcome(Status.UNKNOWN, Cause.INTERRUPTED),) * len(flown.records)
    return Verdict(
        outcomes, After.STOP, ExitCode.INTERRUPTED, "no answer came before this process had to end"
    )


def _moves(flown: _Flying, verdict: Verdict) -> list[Move]:
    return [
        Move(record, _standing(outcome))
        for record, outcome in zip(flown.records, verdict.outcomes, strict=True)
    ]


def _standing(outcome: Outcome) -> Standing:
    status = outcome.status
    return Standing(
        outcome.state, outcome.cause, status.group_id if status else 0, status.id if status else 0
    )


def _released(record: Recorded, outcome: Outcome) -> Recorded:
    return Recorded(
        record.row,
        record.message,
        record.message_id,
        record.campaign,
        record.occurrence,
        record.attempt,
        record.fingerprint,
        record.run,
        outcome.state,
        outcome.cause,
    )
