"""Unknown messages asked for in the provider's logs, by their ids. Absence is evidence, not proof.

Found: merged. Absent: noted with the time, where that says anything: the page was complete, the message
had time to get into the logs, and the logs still remember its time, all by the provider's own clock. After
47 hours nothing more can come: the message stays unknown, or is given up where its campaign says so.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from zalosync.clock import Clock
from zalosync.compose.message import Status
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted, Settled
from zalosync.infobip.evidence import Page
from zalosync.infobip.slices import id_lists
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.store import Ledger
from zalosync.refresh.asking import Logs, id_texts
from zalosync.refresh.take import Made, Taken, take

INTENT_SECONDS: Final = 90  # an intent's deadline, and the request's own time-out after it
SETTLE_SECONDS: Final = 15 * 60  # how late a log row may come
EVIDENCE_SECONDS: Final = 47 * 3600  # the logs forget after 48 hours; the last one is not trusted
ID_CHARACTERS: Final = 36 + len("%2C")


def settle(
    logs: Logs,
    ledger: Ledger,
    made: Made,
    clock: Clock,
    emit: Emit,
    *,
    giving_up: Collection[int] = (),
    again_after: float = 0,
) -> tuple[Settled, Taken]:
    """Look for evidence about every unknown message, as far as the account's limit allows.

    Args:
        logs: the provider's, under its limit.
        ledger: under its lock; what is found is merged into it.
        made: tells ids of this project's key from those of others.
        clock: for times.
        emit: hears of the progress.
        giving_up: numbers of the campaigns whose `onUnknown` is `abandon`.
        again_after: seconds before a message that was absent is asked for again.

    Returns:
        How many were found and how many remain, and what their evidence did.
    """
    taken = Taken()
    unknown = count_unknown(ledger)
    if not unknown:
        return Settled(0, 0), taken
    emit(PhaseStarted("logs", unknown))
    lists = -(-unknown * ID_CHARACTERS // logs.room)
    done = 0
    for group in _groups(ledger, logs, again_after):
        page = logs.page(left=max(0, lists - logs.asked), message_ids=id_texts(group))
        if page is None:
            break
        taken.add(take(ledger, page.rows, clock.now(), emit, made))
        _note_absent(ledger, group, page, clock.now())
        done += len(group)
        emit(PhaseAdvanced("logs", done))
    given_up = _give_up(ledger, logs.date, giving_up, clock.now())
    remaining = count_unknown(ledger)
    words = f"{taken.settled:,} found, {remaining:,} stay unknown"
    emit(PhaseEnded("logs", f"{words}, {given_up:,} are given up" if given_up else words))
    return Settled(taken.settled, remaining), taken


def count_unknown(ledger: Ledger) -> int:
    """How many messages are unknown."""
    return sum(count for (_, state), (count, _) in ledger.waiting().items() if state is Status.UNKNOWN)


def _groups(ledger: Ledger, logs: Logs, again_after: float) -> Iterator[list[Recorded]]:
    """Unknown messages that the logs may tell of, oldest first, in lists that fit one query."""
    for chunk in ledger.in_state(Status.UNKNOWN):
        asking = [record for record in chunk if _worth_asking(record, logs.date, again_after)]
        by_text = dict(zip(id_texts(asking), asking, strict=True))
        for texts in id_lists(list(by_text), room=logs.room):
            yield [by_text[text] for text in texts]


def _worth_asking(record: Recorded, date: datetime | None, again_after: float) -> bool:
    """Before the provider has told its time, everything is: this machine's clock decides nothing."""
    if date is None:
        return True
    if record.absent_at is not None and date.timestamp() - record.absent_at < again_after:
        return False
    return age(record, date) < EVIDENCE_SECONDS + SETTLE_SECONDS


def age(record: Recorded, date: datetime) -> float:
    """Seconds since an attempt was written down, by the provider's clock."""
    return date.timestamp() - record.created_at


def _note_absent(ledger: Ledger, group: Sequence[Recorded], page: Page, now: datetime) -> None:
    date = page.date
    if date is None or not page.complete:
        return
    found = {report.message_id for report in page.rows}
    absent = [
        record.row
        for record, text in zip(group, id_texts(group), strict=True)
        if text not in found and INTENT_SECONDS + SETTLE_SECONDS <= age(record, date) < EVIDENCE_SECONDS
    ]
    if absent:
        with ledger.change(Kind.EVIDENCE, now) as change:
            change.absent(sorted(absent), int(date.timestamp()))


def _give_up(ledger: Ledger, date: datetime | None, campaigns: Collection[int], now: datetime) -> int:
    """Close what nothing can be learned of any more, in campaigns that say so; the cause stays."""
    if date is None or not campaigns:
        return 0
    given_up = 0
    for chunk in ledger.in_state(Status.UNKNOWN):
        old = [each for each in chunk if each.campaign in campaigns and age(each, date) >= EVIDENCE_SECONDS]
        if old:
            with ledger.change(Kind.EVIDENCE, now) as change:
                change.say("given_up", "onUnknown: abandon")
                change.move([Move(each, Standing(Status.ABANDONED, each.cause)) for each in old])
        given_up += len(old)
    return given_up
