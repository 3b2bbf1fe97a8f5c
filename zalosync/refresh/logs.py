"""Unknown messages asked for in the provider's logs, by their ids. Absence is evidence, not proof."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from zalosync.clock import Clock
from zalosync.compose.message import Status, message_id_text
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted, Settled, Waiting
from zalosync.infobip.evidence import Page
from zalosync.ledger.records import Recorded
from zalosync.ledger.store import Ledger
from zalosync.refresh.take import Taken, take
from zalosync.refresh.throttle import LogThrottle

IDS_PER_QUERY = 50  # of 36 characters each, with commas: under 2,000 characters of URL


class HasLogs(Protocol):
    """The provider's logs."""

    def logs(self, *, message_ids: Sequence[str]) -> Page:
        """Rows of these messages."""
        ...


def settle(
    source: HasLogs,
    ledger: Ledger,
    throttle: LogThrottle,
    clock: Clock,
    emit: Emit,
    *,
    wait: bool,
) -> Settled:
    """Look for evidence about every unknown message.

    Args:
        source: the provider.
        ledger: with the unknown messages; what is found is merged into it.
        throttle: the limit on log queries.
        clock: for times and waiting.
        emit: hears of the progress.
        wait: whether to wait where the limit is reached, or leave the rest unknown.
    """
    if not _unknown(ledger):
        return Settled(0, 0)
    total = Taken()
    asked = 0
    emit(PhaseStarted("logs", _unknown(ledger)))
    for group in _groups(ledger):
        page = _page(source, throttle, clock, emit, group, wait=wait)
        if page is None:
            break
        total.add(take(ledger, page.rows, clock.now(), emit))
        asked += len(group)
        emit(PhaseAdvanced("logs", asked))
    remaining = _unknown(ledger)
    emit(PhaseEnded("logs", f"{total.settled:,} found, {remaining:,} stay unknown"))
    return Settled(total.settled, remaining)


def _unknown(ledger: Ledger) -> int:
    return sum(count for (_, state), (count, _) in ledger.waiting().items() if state is Status.UNKNOWN)


def _groups(ledger: Ledger) -> Iterator[list[Recorded]]:
    for chunk in ledger.in_state(Status.UNKNOWN):
        for start in range(0, len(chunk), IDS_PER_QUERY):
            yield chunk[start : start + IDS_PER_QUERY]


def _page(
    source: HasLogs,
    throttle: LogThrottle,
    clock: Clock,
    emit: Emit,
    group: Sequence[Recorded],
    *,
    wait: bool,
) -> Page | None:
    """One query, as soon as it may go out; None where that would mean waiting and nobody waits."""
    while True:
        pause = throttle.take(clock.now())
        if not pause:
            page = source.logs(message_ids=[message_id_text(record.message_id) for record in group])
            if page.throttled is None:
                return page
            pause = page.throttled
        if not wait:
            return None
        emit(Waiting(pause, "the provider allows only so many log queries a minute"))
        clock.sleep(pause)
