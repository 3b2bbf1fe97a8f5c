"""What a campaign wants, held against what the ledger has of it, part by part."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import polars as pl

from zalosync.compose.digests import Digests, raw
from zalosync.compose.recipe import DESTINATION
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted, Warned
from zalosync.ledger.records import Standings
from zalosync.plan.decide import Action, decide, recorded_frame
from zalosync.plan.history import History
from zalosync.plan.shape import CampaignPlan

_SENDING = (int(Action.SEND), int(Action.RETRY))


def compare(
    campaign: CampaignPlan,
    reader: History,
    now: datetime,
    emit: Emit,
    hold: Sequence[Callable[[pl.DataFrame], None]],
    bind: Callable[[bytes], None],
) -> None:
    """Read, compose and decide about each message of a campaign.

    Args:
        campaign: its messages, and what is counted of them, are put into it.
        reader: the ledger.
        now: aware.
        emit: hears of the progress.
        hold: hear of all decisions, in order, part by part.
        bind: hears of their phones.

    Raises:
        SpecError: a file is broken or too large; names the line.
    """
    phase = f"read {campaign.name}"
    emit(PhaseStarted(phase, None, "rows"))
    desired = campaign.prepared.desired
    desired.gather(_advance(emit, phase))
    emit(PhaseEnded(phase, f"{desired.waterfall.audience:,} rows"))
    for note in campaign.prepared.notes():
        emit(Warned("ZS324", note))
    rule = campaign.retry
    for messages, recorded in _with_recorded(desired.messages(), reader):
        decided = decide(messages, recorded, rule, int(now.timestamp()))
        sending = decided.filter(pl.col("action").is_in(_SENDING))
        campaign.segments += int(sending["segments"].cast(pl.Int64).sum())
        campaign.fresh += int((~sending["known"]).sum())
        for hear in hold:
            hear(decided)
        bind(raw(messages[DESTINATION]))
        campaign.messages.append(decided)
    campaign.suppressed = campaign.messages.actions[Action.SUPPRESSED]


def _with_recorded(
    parts: Iterator[pl.DataFrame], reader: History
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Each part of the messages with what the ledger has of it, which a thread reads one part ahead."""
    pool = ThreadPoolExecutor(1, "zalosync-recorded")
    ahead: deque[tuple[pl.DataFrame, Future[Standings]]] = deque()
    try:
        for messages in parts:
            digests = Digests(messages["m0"], messages["m1"])
            ahead.append((messages, pool.submit(reader.standings, digests)))
            if len(ahead) > 1:
                before, standings = ahead.popleft()
                yield before, recorded_frame(standings.result())
        for messages, standings in ahead:
            yield messages, recorded_frame(standings.result())
    finally:
        pool.shutdown(cancel_futures=True)  # before the ledger is closed


def _advance(emit: Emit, phase: str) -> Callable[[int], None]:
    return lambda done: emit(PhaseAdvanced(phase, done))
