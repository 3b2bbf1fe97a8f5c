"""One run from its record to its end, whatever it sends."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from zalosync.apply.flight import Submit
from zalosync.apply.totals import Result, Totals, reasons, totals_document
from zalosync.clock import Clock, Wake
from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode, LedgerError, ZalosyncError
from zalosync.events import Emit, RunStarted, Settled, Warned
from zalosync.ledger.records import Kind, Move, Standing
from zalosync.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports of a run, as the command line wires them.

    Attributes:
        interruptible: while nothing is in the air, a signal may end what is done at once, by `Interrupted`.
    """

    ledger: Ledger
    submit: Submit
    clock: Clock
    emit: Emit
    stop: Wake
    settle: Callable[[Ledger], Settled]
    interruptible: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: its id, its counts, how it ended."""

    run_id: str
    plan_digest: str
    totals: Totals
    code: ExitCode
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that is written down: its number in the ledger, its name, and what it has sent so far."""

    number: int
    run_id: str
    totals: Totals = field(default_factory=Totals)


def conduct(
    outside: Outside, digest: str, record: Mapping[str, Any], send: Callable[["Begun"], Result]
) -> Applied:
    """One run from its record to its end, whatever it sends.

    Args:
        outside: the ports.
        digest: of the plan.
        record: who runs what; written down first.
        send: sends, once everything that must come before is done.
    """
    clock, ledger = outside.clock, outside.ledger
    started = clock.monotonic()
    begun = start(ledger, clock, "apply", digest, record)
    outside.emit(RunStarted(begun.run_id, int(record["to_send"])))
    try:
        with outside.interruptible():
            orphans(ledger, clock, outside.emit)
            outside.emit(outside.settle(ledger))
        result = send(begun)
    except Exception as error:
        code = error.exit_code if isinstance(error, ZalosyncError) else ExitCode.INTERNAL
        totals = totals_document(begun.totals, clock.monotonic() - started)
        ended = {"exit_code": int(code), "reason": type(error).__name__, "totals": totals}
        with suppress(LedgerError):  # what went wrong first is what is told
            end(ledger, clock, begun.number, ended)
        raise
    seconds = clock.monotonic() - started
    end(
        ledger,
        clock,
        begun.number,
        {
            "exit_code": int(result.code),
            "reason": result.reason,
            "consumed": not result.totals.not_sent and not record.get("due", False),
            "totals": totals_document(result.totals, seconds),
            "shrunk": reasons(result.totals.shrunk),
            "stays_held": reasons(result.totals.stays),
        },
    )
    return Applied(begun.run_id, digest, result.totals, result.code, result.reason, seconds)


def start(ledger: Ledger, clock: Clock, command: str, digest: str, record: Mapping[str, Any]) -> Begun:
    """Write down that a command begins to apply a plan, and all that is to be known of it."""
    now = clock.now()
    with ledger.change(Kind.RUN, now) as change:
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{change.next_run()}"
        number = change.start_run(run_id, command, {**record, "plan_digest": digest})
    return Begun(number, run_id)


def end(ledger: Ledger, clock: Clock, number: int, ended: dict[str, Any]) -> None:
    """Write down how a run ended."""
    with ledger.change(Kind.END, clock.now(), run=number) as change:
        change.end_run(number, ended)


def orphans(ledger: Ledger, clock: Clock, emit: Emit) -> None:
    """Intents of runs that died may have been sent: they become unknown. The lock says that none lives."""
    found = 0
    for chunk in ledger.in_state(Status.INTENT):
        with ledger.change(Kind.ORPHAN, clock.now()) as change:
            change.move([Move(record, Standing(Status.UNKNOWN, Cause.ORPHANED)) for record in chunk])
        found += len(chunk)
    if found:
        emit(
            Warned("ZS653", f"{found:,} messages of a run that died may have been sent: they are unknown now")
        )
