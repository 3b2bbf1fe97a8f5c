"""The logs gone through by time: for many messages at once, and for messages that we do not know of.

A page holds a thousand rows and there is no cursor: a slice of time whose page is full is halved and asked
again. Rows that come twice are merged once. A slice too thin to be halved may hold more than a page, such as
the messages of one `sendAt`: those are asked for by their ids.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from zalosync.clock import Clock
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted
from zalosync.infobip.slices import FINEST, LOOK_BACK, Slice, id_lists
from zalosync.ledger.store import Ledger
from zalosync.refresh.asking import Logs, id_texts
from zalosync.refresh.take import Made, Taken, take

LAG: Final = timedelta(minutes=15)  # how late a log row may come
ROWS: Final = 1000  # of a page, at most
TOLD: Final = timedelta(seconds=1)  # a clock told in whole seconds may be ahead of what it tells
SPARSE: Final = 400  # rows of a page after which the next slice may be longer
IDS_A_QUERY: Final = 48


@dataclass(frozen=True, slots=True)
class Awaited:
    """Messages of a campaign that were accepted between two moments (Unix seconds) and should have ended."""

    campaign: int
    since: int
    before: int


def compare(logs: Logs, ledger: Ledger, made: Made, clock: Clock, emit: Emit) -> Taken:
    """Hold the logs against the ledger, from where the last time ended: they may know more of us than we do.

    Whatever the limit allows is asked; the next time goes on from there. What the provider's clock has not
    reached yet is not gone through, whatever ours says: the next time begins before it.
    """
    until = (logs.ask_date() or clock.now()) + TOLD
    earliest = until - LOOK_BACK
    swept = logs.throttle.swept_until
    since = earliest if swept is None else max(earliest, min(swept - LAG, until - LAG))

    def mark(done: datetime) -> None:
        logs.throttle.swept_until = min(done, logs.date or done)

    return sweep(logs, ledger, made, clock, emit, Slice(since, until), mark)


def sweep(
    logs: Logs,
    ledger: Ledger,
    made: Made,
    clock: Clock,
    emit: Emit,
    whole: Slice,
    done: Callable[[datetime], None] = lambda _: None,
    cut_off: Callable[[Slice], None] = lambda _: None,
) -> Taken:
    """Take every row of a stretch of time, oldest first.

    Args:
        logs: the provider's, under its limit.
        ledger: under its lock.
        made: tells ids of this project's key from those of others.
        clock: for times.
        emit: hears of the progress.
        whole: the stretch.
        done: hears up to when all was asked for.
        cut_off: hears of slices that hold more than a page and cannot be halved.
    """
    taken = Taken()
    start, length = whole.since, whole.until - whole.since
    span = max(1, int(length.total_seconds()))
    emit(PhaseStarted("log times", span, "seconds"))
    while start < whole.until:
        one = Slice(start, min(whole.until, start + length))
        left = int((whole.until - start) / length) if length else 0
        page = logs.page(left=left, since=one.since, until=one.until, limit=ROWS)
        if page is None:
            break
        taken.add(take(ledger, page.rows, clock.now(), emit, made))
        halves = None if page.complete else one.halves()
        if halves is not None:
            length = halves[0].until - halves[0].since
            continue
        if not page.complete:
            cut_off(one)
        done(one.until)
        emit(PhaseAdvanced("log times", min(span, int((one.until - whole.since).total_seconds()))))
        # Whether bounds are inclusive is not documented: slices overlap.
        start = one.until if one.until == whole.until else max(one.until - FINEST, one.since + FINEST)
        if len(page.rows) < SPARSE:
            length = max(length * 2, 4 * FINEST)
    emit(PhaseEnded("log times", f"{taken.moved:,} messages stand elsewhere now" if taken.moved else ""))
    return taken


def heal(
    logs: Logs, ledger: Ledger, made: Made, clock: Clock, emit: Emit, awaited: Sequence[Awaited]
) -> tuple[Taken, bool]:
    """Ask for outcomes whose reports should have come: a page of reports that is lost is lost for good.

    Returns:
        What the rows did, and whether all was asked; else the account's limit was reached.
    """
    taken = Taken()
    found = [(each, ledger.accepted_before(each.campaign, each.before)) for each in awaited]
    counted = [(each, *waiting) for each, waiting in found if waiting is not None]
    total = sum(count for _, count, _ in counted)
    if not total:
        return taken, True
    earliest = int((logs.ask_date() or clock.now()).timestamp() - LOOK_BACK.total_seconds())
    oldest = max(earliest, min(since for _, _, since in counted))
    newest = max(each.before for each, _, _ in counted)
    if total / IDS_A_QUERY > 2 * _sent_since(ledger, oldest) / ROWS + 1:
        whole = Slice(datetime.fromtimestamp(oldest, UTC) - LAG, datetime.fromtimestamp(newest, UTC) + LAG)
        ended: list[datetime] = []
        cut: list[Slice] = []
        taken = sweep(logs, ledger, made, clock, emit, whole, ended.append, cut.append)
        to_the_end = bool(ended) and ended[-1] >= whole.until
        if not cut or not to_the_end:
            return taken, to_the_end
        total = max(0, total - taken.moved)
    by_ids, whole_asked = _by_ids(
        logs, ledger, made, clock, emit, [each for each, _, _ in counted], earliest, total
    )
    taken.add(by_ids)
    return taken, whole_asked


def _by_ids(
    logs: Logs,
    ledger: Ledger,
    made: Made,
    clock: Clock,
    emit: Emit,
    awaited: Sequence[Awaited],
    earliest: int,
    total: int,
) -> tuple[Taken, bool]:
    """Ask for messages that are accepted and no more, in lists of their ids; what `heal` gives."""
    taken, asked, whole = Taken(), 0, True
    emit(PhaseStarted("late", total))
    for group in _groups(ledger, logs, awaited, earliest):
        page = logs.page(left=max(0, -(-(total - asked) // IDS_A_QUERY) - 1), message_ids=list(group))
        if page is None:
            whole = False
            break
        taken.add(take(ledger, page.rows, clock.now(), emit, made))
        asked += len(group)
        emit(PhaseAdvanced("late", asked))
    emit(PhaseEnded("late", f"{taken.moved:,} outcomes found in the logs" if taken.moved else ""))
    return taken, whole


def _groups(
    ledger: Ledger, logs: Logs, awaited: Sequence[Awaited], earliest: int
) -> Iterator[tuple[str, ...]]:
    for each in awaited:
        for chunk in ledger.late(each.campaign, max(each.since, earliest), each.before):
            yield from id_lists(id_texts(chunk), room=logs.room)


def _sent_since(ledger: Ledger, moment: int) -> int:
    """How many messages runs were to send since a moment (Unix seconds): rows that slices would meet."""
    return sum(
        int(run.started.get("to_send", 0)) for run in ledger.runs() if run.started_at >= moment * 1000 - 1000
    )
