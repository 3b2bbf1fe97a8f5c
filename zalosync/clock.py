"""Time as a port: every use of the wall clock, of waiting and of jitter goes through one object.

A lint rule forbids `time` and `random` elsewhere, so that the simulator can own all nondeterminism.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SKEW_SECONDS = 300.0  # between the provider's clock and ours: more, and schedules may go out wrong
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)  # whole ones: in floats some moments would lose one each time


class Clock(Protocol):
    """What the core knows of time."""

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines within this process only."""
        ...

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Wait, or less if `wake` is set meanwhile. True when woken."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1) to spread retries."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Wait, or less if `wake` is set meanwhile."""
        if wake is None:
            time.sleep(seconds)
            return False
        return wake.wait(seconds)

    def jitter(self) -> float:
        """The sub-microsecond digits of the monotonic clock: spread enough, and no random source."""
        return (time.monotonic_ns() % 9973) / 9973


def milliseconds(moment: datetime) -> int:
    """Unix time in milliseconds, as the ledger stores moments."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds_: int) -> datetime:
    """The aware UTC moment of a stored number."""
    return _EPOCH + milliseconds_ * _MILLISECOND
