"""Frozen records of what happened. The core emits them, only `console` shows them.

An event holds counts, codes, names of campaigns and message ids, never anything personal.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A piece of work began; `total` is its size in `unit`, or None where that is not known yet."""

    phase: str
    total: int | None = None
    unit: str = "messages"


@dataclass(frozen=True, slots=True)
class PhaseAdvanced:
    """`done` units of the phase are done, in all."""

    phase: str
    done: int


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """The phase is over; `note` is a short result for people."""

    phase: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """An apply run owns the ledger from now on."""

    run_id: str
    to_send: int


@dataclass(frozen=True, slots=True)
class BatchAnswered:
    """One request came back, or did not, and its outcome is durable. Counts are of this batch."""

    accepted: int
    rejected: int
    unknown: int
    released: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is sent for `seconds`, for the reason given."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """Nothing new is started; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Evidence was looked for: how many unknown messages it answered, and how many stay unknown."""

    found: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know and that stops nothing. `code` is known to `explain`."""

    code: str
    message: str


Event = (
    PhaseStarted
    | PhaseAdvanced
    | PhaseEnded
    | RunStarted
    | BatchAnswered
    | Waiting
    | Stopping
    | Settled
    | Warned
)
Emit = Callable[[Event], None]
