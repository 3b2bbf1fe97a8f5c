"""How often a call may be made: so many in a span, sliding or fixed, as the contract prints it for each."""

from collections import deque

import orjson

from zalosync.sandbox.store import Store


class Throttle:
    """Counts calls by (caller, call); a refused call does not count. `kept` ones outlive the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._times: dict[tuple[str, str], deque[int]] = {}

    def take(
        self,
        caller: str,
        call: str,
        now: int,
        *,
        limit: int,
        span_ms: int,
        kept: bool = False,
        fixed: bool = False,
    ) -> int:
        """0 when the call may go on, else the milliseconds until the next may; `fixed` spans do not slide."""
        times = self._times.get((caller, call))
        if times is None:
            stored = self._store.get_meta(f"throttle {call} {caller}") if kept else None
            times = self._times[(caller, call)] = deque(orjson.loads(stored) if stored else ())
        begun = now - now % span_ms if fixed else now - span_ms + 1
        while times and times[0] < begun:
            times.popleft()
        if len(times) >= limit:
            return (begun if fixed else times[0]) + span_ms - now
        times.append(now)
        if kept:
            with self._store.write():
                self._store.set_meta(f"throttle {call} {caller}", orjson.dumps(list(times)))
        return 0
