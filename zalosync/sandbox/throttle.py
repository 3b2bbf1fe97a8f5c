"""How often a call may be made: so many in a sliding span, as the contract prints it for each call."""

from collections import deque


class Throttle:
    """Counts calls by (caller, call); a refused call does not count."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[int]] = {}

    def take(self, caller: str, call: str, now: int, *, limit: int, span_ms: int) -> int:
        """0 when the call may go on, else the milliseconds until the next may."""
        times = self._times.setdefault((caller, call), deque())
        while times and times[0] <= now - span_ms:
            times.popleft()
        if len(times) >= limit:
            return times[0] + span_ms - now
        times.append(now)
        return 0

    def dump(self) -> list[tuple[str, str, list[int]]]:
        """All that must outlive the process."""
        return [(caller, call, list(times)) for (caller, call), times in self._times.items()]

    def load(self, kept: list[tuple[str, str, list[int]]]) -> None:
        """What `dump` gave."""
        self._times = {(caller, call): deque(times) for caller, call, times in kept}
