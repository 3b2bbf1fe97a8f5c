"""One apply run: intents durable, one POST, outcomes durable, batch after batch, until done or stopped.

The main thread runs this loop and owns the ledger, the clock and the pacing. Commits are shared: the
outcomes of what landed and the intents of what starts next go into one transaction, so that a batch
costs at most two durable commits. A batch's bytes leave only after the transaction with its intents.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from zalosync.apply.batch import Batch
from zalosync.apply.breaker import Breaker, Decision
from zalosync.apply.classify import After, Verdict
from zalosync.apply.landing import Flying, duplicates, interrupted, judge, moves, released
from zalosync.apply.line import Line, Ready
from zalosync.apply.ports import REQUEST_SECONDS, Limits, Ports
from zalosync.apply.recorder import Recorder
from zalosync.apply.seal import Order
from zalosync.apply.totals import Result, Totals
from zalosync.clock import SKEW_SECONDS
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
from zalosync.events import BatchAnswered, Stopping, Waiting, Warned
from zalosync.ledger.records import Move
from zalosync.provider import Exchange

INTENT_SECONDS = 60.0  # how long an intent may wait for its first byte, and for its answer
LINGER_SECONDS = 0.02  # the longest that an answer waits for others to share its commit
NAP_SECONDS = 0.2  # how often the loop looks up while nothing lands


@dataclass(slots=True)
class _State:
    """What the loop remembers between two looks."""

    flying: dict[int, Flying] = field(default_factory=dict)
    tickets: int = 0
    proven: bool = False  # the canary's answer was well-formed
    skew_told: bool = False
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
        totals: with the messages the plan names for sending, and those held already.
    """

    def __init__(self, ports: Ports, number: int, limits: Limits, totals: Totals) -> None:
        self._ports = ports
        self._number = number
        self._limits = limits
        self._breaker = Breaker()
        self._recorder = Recorder(ports.ledger, ports.clock, ports.emit, number, ports.rescue)
        self._line = Line(ports.sealer, ports.clock)
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
        if not state.flying and not starting and not (self._stopping or self._line.drained):
            self._wait()
        return not state.flying and (self._stopping or self._line.drained)

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
        return campaign in self._line.later

    @property
    def _stopping(self) -> bool:
        return bool(self._state.codes)

    def _look_up(self, batches: Iterator[Batch[Order]]) -> None:
        """Hear signals, and keep enough bodies in the making."""
        state, ports = self._state, self._ports
        if ports.stop.is_set() and state.signalled_at is None:
            state.signalled_at = ports.clock.monotonic()
            self._stop(ExitCode.INTERRUPTED, "a signal asked to stop")
        self._line.leave()
        ahead = self._limits.width + 2 * ports.sealer.workers
        if not state.proven:  # how many go into the next request depends on the answer to this one
            ahead = 0 if state.flying or self._line.repeats else 1
        if not self._stopping:
            self._line.fill(batches, ahead)

    def _startable(self) -> list[Ready]:
        """The batches that may start now."""
        state = self._state
        if self._stopping or state.settle_due or self._ports.clock.monotonic() < state.not_before:
            return []
        room = (self._limits.width if state.proven else 1) - len(state.flying)
        paused = self._ports.paused() if self._line.waits else ()
        return self._line.start(room, paused, idle=not state.flying)

    def _commit(self, landed: list[tuple[int, Exchange | None]], starting: list[Ready]) -> list[Decision]:
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
            self._line.again(batch, flown.body, decision.tries)
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
        if (slot := self._line.next_slot) is not None:
            pause = max(pause, (slot - self._ports.clock.now()).total_seconds())
        if pause > 0:
            self._ports.clock.sleep(min(pause, NAP_SECONDS), self._ports.stop)

    def _told_waiting(self) -> None:
        """What waits for a slot that is far off: held in the ledger it is in nobody's way."""
        totals, state = self.totals, self._state
        later = sorted(self._line.later.items())
        each = ", ".join(f"{name} from {at:%Y-%m-%dT%H:%MZ} on" for name, at in later)
        if self._limits.held and not state.codes:
            totals.held += totals.not_sent
            state.reasons.append(f"the next slot is later: `zalosync apply --due` sends {each}")
        else:
            self._stop(ExitCode.STOPPED, f"the next slot is later: apply again to send {each}")

    def _result(self) -> Result:
        totals, state, line = self.totals, self._state, self._line
        if totals.not_sent < 0:
            raise InternalError(f"{-totals.not_sent} more messages were answered than were to be sent")
        if line.paused:
            ways = ", ".join(f"`zalosync unpause {name}`" for name in sorted(line.paused))
            self._stop(ExitCode.LEDGER, f"paused; {ways} lets it go on")
        if line.expired:
            names = ", ".join(sorted(line.expired))
            self._stop(ExitCode.STOPPED, f"expiresAt has passed: {names}; nothing more of it is sent")
        if line.later:
            self._told_waiting()
        codes = list(state.codes)
        waiting = self._ports.ledger.waiting()
        if any(count for (_, status), (count, _) in waiting.items() if status is Status.UNKNOWN):
            codes.append(ExitCode.UNKNOWN)
        if totals.not_sent and not codes:
            codes.append(ExitCode.STOPPED)
        return Result(totals, first_of(*codes), "; ".join(dict.fromkeys(state.reasons)))
