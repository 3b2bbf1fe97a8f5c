"""The sandbox's clock: real, faster, or moved by hand; it never goes back, not even over a `kill -9`."""

import time
from collections.abc import Callable
from typing import Final

from zalosync.sandbox.store import Store

_LEASE_MS: Final = 250  # of the machine's clock


def real_ms() -> int:
    """Milliseconds since 1970 by the machine's clock."""
    return time.time_ns() // 1_000_000


class Clock:
    """Gives the time of the sandbox and keeps how far it is ahead of the machine's clock.

    Where it runs faster than the machine's, what is kept is always a little ahead of what was told: a killed
    sandbox goes on from there, and nobody who saw a time sees an earlier one.
    """

    def __init__(self, store: Store, *, speed: float = 1.0, machine: Callable[[], int] = real_ms) -> None:
        self._store = store
        self._machine = machine
        self.speed = speed
        self._real = machine()
        self._base = max(
            self._real + int(store.get_meta("clock_ahead_ms", 0)), int(store.get_meta("clock_ms", 0))
        )
        self._floor = self._base
        self._leased = self._base

    def now(self) -> int:
        """The present moment of the sandbox."""
        moment = self._base + int((self._machine() - self._real) * self.speed)
        self._floor = max(self._floor, moment)
        if self.speed != 1 and self._floor > self._leased:
            self._keep(self._floor + int(_LEASE_MS * self.speed))
        return self._floor

    def move(self, milliseconds: int) -> int:
        """Moves the clock forward; the new moment. A negative move is refused with ValueError."""
        if milliseconds < 0:
            raise ValueError("the sandbox's clock moves forward only")
        self._base += milliseconds
        moment = self.now()
        self._keep(max(moment, self._leased))
        return moment

    def keep(self) -> None:
        """Writes down how far ahead the clock is, so that an orderly restart goes on from here."""
        self._keep(self.now())

    def _keep(self, moment: int) -> None:
        self._leased = moment
        with self._store.write():
            self._store.set_meta("clock_ahead_ms", max(0, moment - self._machine()))
            self._store.set_meta("clock_ms", moment if moment > self._machine() else 0)
