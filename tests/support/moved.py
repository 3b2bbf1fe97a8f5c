"""A clock for rehearsals over days: the sandbox's time, which jumps where a command would wait."""

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from zalosync.clock import Wake

_MOST_S = 60.0  # that one of the sandbox's own calls may take


def control(base_url: str, method: str, path: str, body: object = None) -> Any:
    """One of the sandbox's own calls; by the plainest client there is, since commands are timed in it."""
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_MOST_S)
    try:
        connection.request(method, f"/sandbox/{path}", None if body is None else json.dumps(body))
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == http.client.OK, said
        return json.loads(said)
    finally:
        connection.close()


class MovedClock:
    """The time of a sandbox. Whoever sleeps by it moves that time on, for everybody.

    It is asked for once: a process that lives on while another one moves the time is behind, as a machine
    with a wrong clock is.

    Args:
        base_url: of the sandbox.
        wrong: seconds that this clock is ahead of it.
    """

    def __init__(self, base_url: str, wrong: int = 0) -> None:
        self._base_url = base_url
        self._wrong = timedelta(seconds=wrong)
        self._slept = 0.0
        self._heard(control(base_url, "GET", "clock"))

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        """Seconds that never go back, those slept included."""
        return time.monotonic() + self._slept

    def sleep(self, seconds: float, wake: Wake | None = None) -> bool:
        """Move the time; True where somebody wants to wake the sleeper."""
        if wake is not None and wake.is_set():
            return True
        self._slept += seconds
        self._heard(control(self._base_url, "POST", "clock", {"advance_ms": int(seconds * 1000) + 1}))
        return False

    def jitter(self) -> float:
        """No spread."""
        return 0.0

    def _heard(self, said: dict[str, Any]) -> None:
        ahead = datetime.fromtimestamp(said["now"] / 1000, UTC) - datetime.now(UTC)
        self._ahead = max(ahead, timedelta()) + self._wrong
