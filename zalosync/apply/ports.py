"""What a run touches outside of itself, and what bounds it."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zalosync.apply.batch import Batch
from zalosync.apply.flight import Flight
from zalosync.apply.seal import Order
from zalosync.clock import Clock, Wake
from zalosync.events import Emit, Settled
from zalosync.ledger.store import Ledger

REQUEST_SECONDS = 30.0  # the longest a POST takes, by the client's own total time-out


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
    stop: Wake
    settle: Callable[[], Settled]
    paused: Callable[[], Collection[str]]
    rescue: Path
