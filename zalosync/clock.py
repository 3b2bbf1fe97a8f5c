"""Time as a port: every use of the wall clock, of waiting and of jitter goes through one object.

A lint rule forbids `time` and `random` elsewhere, so that the simulator can own all nondeterminism.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SKEW_SECONDS = 300.0  # between the provider's clock and ours: more, and schedules may go out wrong
_LOOK_SECONDS = 0.05  # how often a sleeper looks whether it is wanted
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)  # whole ones: in floats some moments would lose one each time


class Wake(Protocol):
    """Something that may ask to wake up, and keeps asking."""

    def is_set(self) -> bool:
        """Whether it asks."""
        ...


class Stop:
    """A wish to stop, for signal handlers to set.

    Not `threading.Event`: to set that takes its lock, and a handler that meets the main thread while this
    holds the lock would wait for ever.
    """

    __slots__ = ("_wished",)

    def __init__(self) -> None:
        self._wished = False

    def set(self) -> None:
        """Wish it, for good."""
        self._wished = True

    def is_set(self) -> bool:
        """Whether it is wished."""
        return self._wished


class Clock(Protocol):
    """What the core knows of time."""

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines within this process only."""
        ...

    def sleep(self, seconds: float, wake: Wake | None = None) -> bool:
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

    def sleep(self, seconds: float, wake: Wake | None = None) -> bool:
        """Wait, or less if `wake` is set meanwhile."""
        until = time.monotonic() + seconds
        while not (woken := wake is not None and wake.is_set()) and (left := until - time.monotonic()) > 0:
            time.sleep(left if wake is None else min(left, _LOOK_SECONDS))
        return woken

    def jitter(self) -> float:
        """The sub-microsecond digits of the monotonic clock: spread enough, and no random source."""
        return (time.monotonic_ns() % 9973) / 9973


def milliseconds(moment: datetime) -> int:
    """Unix time in milliseconds, as the ledger stores moments."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds_: int) -> datetime:
    """The aware UTC moment of a stored number."""
    return _EPOCH + milliseconds_ * _MILLISECOND
