"""Asks the provider's logs, no faster than the account allows, and says how long it will take."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from zalosync.clock import Clock
from zalosync.compose.spelling import message_id_texts
from zalosync.events import Emit, Waiting
from zalosync.infobip.evidence import Page
from zalosync.ledger.records import Recorded
from zalosync.refresh.throttle import WINDOW_SECONDS, LogThrottle

ROOM = 1_900  # characters that a list of message ids may take in a URL


def id_texts(records: Sequence[Recorded]) -> list[str]:
    """The ids of attempts, as the provider is asked by them."""
    return message_id_texts([record.message_id for record in records])


class HasLogs(Protocol):
    """The provider's logs."""

    def logs(
        self,
        *,
        message_ids: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> Page:
        """Rows of these messages, or of this stretch of time."""
        ...


class Logs:
    """The logs under the account's limit.

    Args:
        source: the provider.
        throttle: the limit, shared with other processes.
        clock: for waiting.
        emit: hears of waiting.
        wait: whether to wait where the limit is reached.
        room: characters that a list of message ids may take.

    Attributes:
        date: the provider's clock in its last answer: it decides how old evidence is. None before the first.
        asked: queries so far.
    """

    def __init__(
        self,
        source: HasLogs,
        throttle: LogThrottle,
        clock: Clock,
        emit: Emit,
        *,
        wait: bool,
        room: int = ROOM,
    ) -> None:
        self._source = source
        self.throttle = throttle
        self._clock = clock
        self._emit = emit
        self._wait = wait
        self.room = room
        self.date: datetime | None = None
        self.asked = 0

    def page(self, *, left: int = 0, **filters: Any) -> Page | None:
        """One page; None where the limit is reached and nobody waits.

        Args:
            left: queries that will follow, so that a person hears how long it takes.
            filters: as `HasLogs.logs` takes them.

        Raises:
            StoppedEarly: the provider did not answer.
            ProviderRefused: it will not have the query.
        """
        while True:
            pause = self.throttle.take(self._clock.now())
            if not pause:
                page = self._source.logs(**filters)
                self.date = page.date or self.date
                if page.throttled is None:
                    self.asked += 1
                    return page
                pause = page.throttled
            if not self._wait:
                return None
            self._emit(Waiting(pause, self._reason(left)))
            self._clock.sleep(pause)

    def ask_date(self) -> datetime | None:
        """The provider's clock: asked for where it has not been told, and None where the limit is reached."""
        if self.date is None:
            self.page(limit=1)
        return self.date

    def _reason(self, left: int) -> str:
        per_minute = self.throttle.per_minute
        reason = f"the provider allows {per_minute} log queries a minute"
        if not left:
            return reason
        minutes = left * WINDOW_SECONDS / per_minute / 60
        return f"{reason}; {left:,} are left: about {max(1, round(minutes))} min"
