"""Pulled reports: each page is stored before it is used, since it is handed out only once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from zalosync.clock import Clock
from zalosync.compose.message import Maker
from zalosync.errors import LedgerError, ProviderRefused, StoppedEarly
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted, Waiting, Warned
from zalosync.infobip.evidence import Page
from zalosync.ledger.store import Ledger
from zalosync.refresh.inbox import LIMIT, Inbox
from zalosync.refresh.sift import Aside, sift
from zalosync.refresh.take import Taken, take_evidence

PAGE = 1000  # the most that one call hands out
# Reports merged in one transaction. They come in any order, so that each transaction touches most pages of
# the ledger: the more reports share it, the less each page is written. Some 150 MB at a time.
CHUNK = 200_000
DRAIN_FROM = CHUNK  # reports that may wait while more are pulled: they are on the disk already
REASON = "the provider allows no more calls for reports"


class HandsOut(Protocol):
    """The provider's call that hands out each report once."""

    def reports(self, limit: int) -> Page:
        """Reports that nobody has pulled yet."""
        ...


def pull(
    source: HandsOut,
    inbox: Inbox,
    ledger: Ledger,
    maker: Maker,
    clock: Clock,
    emit: Emit,
    taken: Taken | None = None,
) -> Taken:
    """Pull until nothing is left, and merge what came. Reports left by an earlier crash come first.

    A page that does not arrive is lost for good, with the reports in it: the logs still have them. Until they
    were asked, `Inbox.broke_off` stays set, also over the death of this process.

    Args:
        source: the provider.
        inbox: where a page lies before it is used.
        ledger: under its lock.
        maker: knows this project's ids and proofs.
        clock: for times and waiting.
        emit: hears of the progress.
        taken: counts what the reports did, also where the pull breaks off.

    Raises:
        StoppedEarly: a page did not arrive; those before it are merged.
        LedgerError: a page could not be stored, or the inbox is full.
    """
    taken = Taken() if taken is None else taken
    taken.add(drain(inbox, ledger, maker, clock, emit))
    emit(PhaseStarted("reports", None, "reports"))
    pulled, aside, before = 0, 0, None
    lost = inbox.broke_off
    inbox.broke_off = True
    try:
        while True:
            _check_room(inbox)
            page = source.reports(PAGE)
            if page.throttled is not None:
                emit(Waiting(page.throttled, REASON))
                clock.sleep(page.throttled)
                continue
            sifted = sift(page.rows, maker, trusted=True)
            inbox.add(sifted, _seconds(clock))
            taken.foreign += sum(why is Aside.FOREIGN for why, _ in sifted.aside)
            aside += len(sifted.aside)
            count = len(page.rows) + page.left_out
            pulled += count
            emit(PhaseAdvanced("reports", pulled))
            if inbox.size >= DRAIN_FROM:
                taken.add(drain(inbox, ledger, maker, clock, emit))
            # Nobody says that a page is as long as it may be: only a shorter one than the last is the end.
            if not count or (page.complete and before is not None and count < before):
                break
            before = count
    except StoppedEarly:
        emit(Warned("ZS661", "a page of reports may be lost: the logs are asked about its messages"))
        taken.add(drain(inbox, ledger, maker, clock, emit))
        raise
    except ProviderRefused:
        inbox.broke_off = lost  # it said no: nothing was handed out
        raise
    if not lost:
        inbox.broke_off = False
    taken.add(drain(inbox, ledger, maker, clock, emit))
    words = f"{pulled:,} pulled" + (f", {aside:,} of them not ours and put aside" if aside else "")
    emit(PhaseEnded("reports", words))
    return taken


def drain(inbox: Inbox, ledger: Ledger, maker: Maker, clock: Clock, emit: Emit, chunk: int = CHUNK) -> Taken:
    """Merge everything that is stored and not merged yet. A crash in between merges some again: no harm."""
    total = Taken()
    with _no_cycles():
        while waiting := inbox.waiting(chunk):
            taken = take_evidence(ledger, waiting.evidence, clock.now(), emit, maker.made)
            inbox.done(waiting, taken.rogues, _seconds(clock))
            total.add(taken)
    if total.moved:
        inbox.shrink()
    return total


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Do not look for cycles: tens of thousands of tuples hold none, and looking costs a quarter more."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


def _check_room(inbox: Inbox) -> None:
    """Nothing is pulled that could not be kept.

    Raises:
        LedgerError: the inbox is full, by pushes that come faster than they are merged.
    """
    if inbox.size > LIMIT + DRAIN_FROM:
        raise LedgerError(
            f"the inbox of reports holds {inbox.size:,}, more than it may",
            fix="run `zalosync refresh` again: it merges them",
            code="ZS664",
        )


def _seconds(clock: Clock) -> int:
    return int(clock.now().timestamp())
