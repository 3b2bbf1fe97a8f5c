"""Pulled reports: each page is stored before it is used, since it is handed out only once."""

from typing import Protocol

from zalosync.clock import Clock
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted
from zalosync.infobip.evidence import Page
from zalosync.ledger.store import Ledger
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.take import Taken, take

PAGE = 1000  # the most that one call hands out
CHUNK = 10_000  # reports merged in one transaction


class HandsOut(Protocol):
    """The provider's call that hands out each report once."""

    def reports(self, limit: int) -> Page:
        """Reports that nobody has pulled yet."""
        ...


def pull(source: HandsOut, inbox: Inbox, ledger: Ledger, clock: Clock, emit: Emit) -> Taken:
    """Pull until a page is not full, and merge what came. Reports left by an earlier crash come first."""
    taken = drain(inbox, ledger, clock, emit)
    emit(PhaseStarted("reports", None, "reports"))
    pulled = 0
    while True:
        page = source.reports(PAGE)
        if page.throttled is not None:
            clock.sleep(page.throttled)
            continue
        inbox.add(page.rows, "pull")
        pulled += len(page.rows) + page.left_out
        emit(PhaseAdvanced("reports", pulled))
        if pulled % CHUNK < PAGE or page.complete:
            taken.add(drain(inbox, ledger, clock, emit))
        if page.complete:
            emit(PhaseEnded("reports", f"{pulled:,} pulled"))
            return taken


def drain(inbox: Inbox, ledger: Ledger, clock: Clock, emit: Emit) -> Taken:
    """Merge everything that is stored and not merged yet. A crash in between merges some again: no harm."""
    total = Taken()
    while waiting := inbox.waiting(CHUNK):
        total.add(take(ledger, [report for _, report in waiting], clock.now(), emit))
        inbox.done([number for number, _ in waiting])
    return total
