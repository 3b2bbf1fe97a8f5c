"""Who would be messaged again: recipients of a plan who had a message of any campaign in the last 30 days."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from zalosync.clock import moment
from zalosync.compose.digests import Digests, halves, split
from zalosync.compose.recipe import DESTINATION
from zalosync.compose.spill import Spill
from zalosync.ledger.records import Run
from zalosync.plan.decide import Action
from zalosync.plan.history import History
from zalosync.plan.shape import CampaignPlan
from zalosync.spec.findings import Finding

DAYS: Final = 30
BYTES_PER_PART = 256 * 2**20  # of audience, as for caps
_KEY = ["r0", "r1"]


class Recontacts:
    """The first messages of a plan, held against who was messaged lately. A retry is no new message.

    Args:
        reader: the ledger.
        recipient: gives the ledger's pseudonym of a phone.
        now: aware.
        size: bytes of all audiences, to choose how much is kept in memory.
        stack: closes what is not.
    """

    def __init__(
        self, reader: History, recipient: Callable[[str], bytes], now: datetime, size: int, stack: ExitStack
    ) -> None:
        self._since = now - timedelta(days=DAYS)
        # Where nobody was messaged lately nothing is kept, and no pseudonym made.
        self._first = min((run.id for run in reader.runs() if self._is_recent(run)), default=None)
        self._recipient = recipient
        self._parts = 1 + size // BYTES_PER_PART if self._first is not None else 1
        self._mine = Spill(self._parts, "r0", stack)
        self._past = Spill(self._parts, "r0", stack)
        self._seen: Counter[int] = Counter()

    def _is_recent(self, run: Run) -> bool:
        return run.ended_at is None or moment(run.ended_at) >= self._since

    def add(self, number: int, decided: pl.DataFrame) -> None:
        """Take the decided messages of a campaign (by its place in the plan), in their order."""
        if self._first is None:
            return
        first = self._seen[number]
        self._seen[number] += decided.height
        sent = decided.select(
            DESTINATION,
            "action",
            pl.lit(number, pl.UInt16).alias("campaign"),
            pl.int_range(first, first + decided.height, dtype=pl.UInt32).alias("place"),
        ).filter(pl.col("action") == int(Action.SEND))
        pseudonyms = halves("r", [self._recipient(str(phone)) for phone in sent[DESTINATION]])
        self._mine.add(sent.select("campaign", "place").with_columns(**pseudonyms))

    def settle(self, campaigns: Sequence[CampaignPlan], reader: History) -> Iterator[Finding]:
        """Of each campaign, how many of its messages go to somebody who was messaged lately."""
        if self._first is None or not any(campaign.to_send for campaign in campaigns):
            return
        self._read(reader, self._first)
        counts: Counter[int] = Counter()
        actions = {number: _actions(campaign) for number, campaign in enumerate(campaigns)}
        for part in range(self._parts):
            mine, past = self._mine.part(part), self._past.part(part)
            if mine is None or past is None:
                continue
            again = mine.join(past.unique(), on=_KEY, how="semi")
            for (number,), rows in again.partition_by("campaign", as_dict=True).items():
                # Who is held back by a cap by now is not messaged.
                counts[number] += int((actions[number].gather(rows["place"]) == int(Action.SEND)).sum())
        for number, count in sorted(counts.items()):
            if count:
                yield _finding(campaigns[number], count)

    def _read(self, reader: History, first: int) -> None:
        """Whoever was messaged lately, of those who are to be where all of these are in memory."""
        known = self._mine.part(0) if self._parts == 1 else None
        if known is None and self._parts == 1:  # retries alone
            return
        wanted = None if known is None else known.select(_KEY).unique()
        among = None if wanted is None else Digests(wanted["r0"], wanted["r1"])
        for chunk in reader.messaged(first, int(self._since.timestamp()), among):
            found = pl.DataFrame(split(chunk, "r"))
            self._past.add(found if wanted is None else found.join(wanted, on=_KEY, how="semi"))


def _actions(campaign: CampaignPlan) -> pl.Series:
    return pl.Series(list(b"".join(campaign.messages.blocks("action"))), dtype=pl.UInt8)


def _finding(campaign: CampaignPlan, count: int) -> Finding:
    sent = campaign.messages.actions[Action.SEND]
    message = f"{count:,} of {sent:,} messages go to people who had a message in the last {DAYS} days"
    return Finding("recontacted", "warn", message, campaign.name, count=count)
