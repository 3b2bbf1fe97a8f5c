"""The provider's limit on log queries, kept over processes: the times of recent ones, in a small file."""

import json
from datetime import datetime
from pathlib import Path

import filelock

WINDOW_SECONDS = 60.0


class LogThrottle:
    """Knows when the next log query may go out.

    Args:
        path: of the file, beside the ledger.
        per_minute: queries that the account allows.
    """

    def __init__(self, path: Path, per_minute: int) -> None:
        self._path = path
        self._per_minute = per_minute

    def take(self, now: datetime) -> float:
        """Seconds to wait before the next query; 0: it may go out now, and is counted."""
        with filelock.FileLock(f"{self._path}.lock", mode=0o600):
            at = now.timestamp()
            times = [time for time in self._read() if at - WINDOW_SECONDS < time <= at]
            if len(times) >= self._per_minute:
                return times[-self._per_minute] + WINDOW_SECONDS - at
            self._path.write_text(json.dumps([*times, at]), encoding="ascii")
            return 0.0

    def _read(self) -> list[float]:
        if not self._path.exists():
            return []
        try:
            return [float(time) for time in json.loads(self._path.read_text(encoding="ascii"))]
        except (ValueError, TypeError):
            return []  # cut short by a crash: at worst the provider says 429, which is honoured
