"""The provider's limit on log queries, kept over processes; and how far the logs were gone through.

A small file beside the ledger holds the times of recent queries. It is a courtesy, not a proof: whoever
loses it is told so by the provider (429), and waits.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock

from zalosync.clock import milliseconds, moment

WINDOW_SECONDS = 60.0


class LogThrottle:
    """Knows when the next log query may go out.

    Args:
        path: of the file, beside the ledger.
        per_minute: queries that the account allows.
    """

    def __init__(self, path: Path, per_minute: int) -> None:
        self._path = path
        self.per_minute = per_minute

    def take(self, now: datetime) -> float:
        """Seconds to wait before the next query; 0: it may go out now, and is counted."""
        with self._locked():
            known = self._read()
            at = now.timestamp()
            # A clock that was set back leaves times ahead of it: they are not waited for.
            times = [time for time in _numbers(known.get("times")) if at - WINDOW_SECONDS < time <= at]
            if len(times) >= self.per_minute:
                return times[-self.per_minute] + WINDOW_SECONDS - at
            self._write({**known, "times": [*times, at]})
            return 0.0

    @property
    def swept_until(self) -> datetime | None:
        """Up to when the logs were gone through from end to end, by the provider's clock."""
        with self._locked():
            found = self._read().get("swept")
        return moment(found) if isinstance(found, int) else None

    @swept_until.setter
    def swept_until(self, until: datetime) -> None:
        with self._locked():
            self._write({**self._read(), "swept": milliseconds(until)})

    def _locked(self) -> filelock.BaseFileLock:
        return filelock.FileLock(f"{self._path}.lock", mode=0o600)

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
        except ValueError:
            return {}  # cut short by a crash: at worst the provider says 429, which is honoured
        return found if isinstance(found, dict) else {}

    def _write(self, document: dict[str, Any]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(document, file)


def _numbers(found: object) -> list[float]:
    return [float(each) for each in found if isinstance(each, int | float)] if isinstance(found, list) else []
