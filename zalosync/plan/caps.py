"""Frequency caps: how often one person may be messaged, over all campaigns, the plan's own included. Pure.

An attempt counts unless it is proven unsent or refused. It counts by what its run recorded then (tag,
labels, when it would leave), whatever the spec says today. Where the time of a message is only known as a
stretch, it counts if any of the stretch does, so that a cap is never broken by a guess.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from zalosync.compose.digests import halves
from zalosync.compose.message import Status
from zalosync.compose.spill import Spill
from zalosync.errors import Place
from zalosync.plan.history import Named
from zalosync.spec.policy import CALENDAR_MONTH, FrequencyCap

_KEY = ["r0", "r1"]


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap of a policy.

    Attributes:
        cap: as written.
        zone: in which calendar months begin.
        place: where it is written.
    """

    cap: FrequencyCap
    zone: ZoneInfo
    place: Place

    def holds_for(self, tag: str, labels: Mapping[str, str]) -> bool:
        """Whether messages of this tag and these labels count, and are counted."""
        return self.cap.holds_for(tag, labels)

    @property
    def words(self) -> str:
        """The cap in words."""
        per = self.cap.per if self.cap.per == CALENDAR_MONTH else str(self.cap.per)
        labels = " ".join(f"{name}={value}" for name, value in sorted(self.cap.labels.items()))
        of = ", ".join(filter(None, (self.cap.tag, labels)))
        return f"at most {self.cap.max} per {per}" + (f" of {of}" if of else "")

    def windows(self, starts_at: datetime, ends_at: datetime) -> list[tuple[int, int]]:
        """In which stretches other messages count against one that leaves between two times.

        Returns:
            (after, before) in Unix seconds, neither of them included.
        """
        if self.cap.per == CALENDAR_MONTH:
            return [(begin - 1, end) for begin, end in _months(starts_at, ends_at, self.zone)]
        seconds = self.cap.per.seconds
        return [(int(starts_at.timestamp()) - seconds, int(ends_at.timestamp()) + seconds)]


def _months(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    at = starts_at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at <= ends_at:
        following = (at + timedelta(days=32)).replace(day=1)
        yield int(at.timestamp()), int(following.timestamp())
        at = following


@dataclass(frozen=True, slots=True)
class Sending:
    """One campaign of the plan: what decides which caps hold for its messages, and when they leave."""

    tag: str
    labels: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Capped:
    """Messages of one campaign that would break a cap.

    Attributes:
        campaign: by its place in the plan.
        rows: the candidates, with `cap`, the number of the one that they would break first.
    """

    campaign: int
    rows: pl.DataFrame


def capped(
    candidates: Spill,
    contacts: Iterable[Sequence[Sequence[Any]]],
    caps: Sequence[Cap],
    sending: Sequence[Sending],
    earlier: Sequence[Named],
    numbers: Mapping[str, int],
    now: datetime,
) -> Iterator[Capped]:
    """Which of a plan's messages may not be sent, found in the order of campaigns, then of messages.

    Args:
        candidates: messages that would be sent: `r0`, `r1`, `campaign`, `place` (rising); parted by `r0`.
        contacts: recorded attempts in chunks of (recipient, run, campaign, state, created_at).
        caps: of all policies.
        sending: the plan's campaigns, in the order in which they come first.
        earlier: what runs recorded.
        numbers: of campaigns in the ledger, by first name.
        now: aware.
    """
    facts = _facts(caps, earlier, numbers)
    # With one part the plan's recipients are at hand, and only their contacts are kept.
    known = candidates.part(0) if candidates.parts == 1 else None
    wanted = None if known is None else known.select(_KEY).unique()
    with ExitStack() as stack:
        past = Spill(candidates.parts, "r0", stack)
        for chunk in contacts:
            found = _past(chunk, facts, len(caps), now)
            past.add(found if wanted is None else found.join(wanted, on=_KEY, how="semi"))
        for number in range(candidates.parts):
            mine = candidates.part(number)
            if mine is not None:
                yield from _of_part(mine, past.part(number), caps, sending)


def first_run(
    caps: Sequence[Cap],
    sending: Sequence[Sending],
    earlier: Sequence[Named],
    runs: Sequence[tuple[int, datetime]],
    held: Collection[str],
    now: datetime,
) -> int:
    """The first run whose attempts may lie in a window of any cap.

    Args:
        caps: of all policies.
        sending: the plan's campaigns.
        earlier: what runs recorded.
        runs: number of each run and when it ended, or as if it ended now where it did not.
        held: first names of campaigns with held messages: they may leave at any time.
        now: aware.
    """
    windows = (cap.windows(each.starts_at, each.ends_at) for each in sending for cap in caps)
    since = min((after for found in windows for after, _ in found), default=0)
    until = {number: at.timestamp() for number, at in runs}
    for named in earlier:
        last = now if named.campaign in held else named.ends_at
        if last is not None:
            until[named.run] = max(until.get(named.run, 0.0), last.timestamp())
    return min((run for run, at in until.items() if at >= since), default=max(until, default=0) + 1)


def _facts(caps: Sequence[Cap], earlier: Sequence[Named], numbers: Mapping[str, int]) -> pl.DataFrame:
    """By run and campaign: between which times its messages left, and under which caps they fall."""
    rows = [
        {
            "run": each.run,
            "campaign": numbers[each.campaign],
            "began": int(each.at.timestamp()),
            "ended": None if each.ended_at is None else int(each.ended_at.timestamp()),
            "starts": None if each.starts_at is None else int(each.starts_at.timestamp()),
            "ends": None if each.ends_at is None else int(each.ends_at.timestamp()),
            **{f"c{place}": cap.holds_for(each.tag, each.labels) for place, cap in enumerate(caps)},
        }
        for each in earlier
        if each.campaign in numbers
    ]
    schema = {
        "run": pl.Int64,
        "campaign": pl.Int64,
        "began": pl.Int64,
        "ended": pl.Int64,
        "starts": pl.Int64,
        "ends": pl.Int64,
        **{f"c{place}": pl.Boolean for place in range(len(caps))},
    }
    return pl.DataFrame(rows, schema=schema)


def _past(chunk: Sequence[Sequence[Any]], facts: pl.DataFrame, caps: int, now: datetime) -> pl.DataFrame:
    """Recorded attempts with the stretch of time in which each left, and the caps it counts under."""
    recipient, run, campaign, state, created = zip(*chunk, strict=True)
    frame = pl.DataFrame(
        {
            **halves("r", list(recipient)),
            "run": pl.Series(run, dtype=pl.Int64),
            "campaign": pl.Series(campaign, dtype=pl.Int64),
            "held": pl.Series(state, dtype=pl.Int64) == Status.HELD,
            "created": pl.Series(created, dtype=pl.Int64),
        }
    ).join(facts, on=["run", "campaign"], how="left", maintain_order="left")
    present = int(now.timestamp())
    # An attempt that was taken up again left later than its row was made: within the run that took it.
    again = pl.col("created") < pl.col("began")
    begin = pl.max_horizontal("created", "began", "starts")
    taken = pl.when(again).then(pl.col("ended").fill_null(present)).otherwise(begin)
    waiting = pl.when(pl.col("held")).then(pl.lit(present)).otherwise(begin)
    return frame.select(
        *_KEY,
        begin.alias("t0"),
        pl.max_horizontal(begin, taken, waiting, "ends").alias("t1"),
        *(pl.col(f"c{place}").fill_null(value=True) for place in range(caps)),
    )


def _of_part(
    mine: pl.DataFrame, past: pl.DataFrame | None, caps: Sequence[Cap], sending: Sequence[Sending]
) -> Iterator[Capped]:
    others = [] if past is None else [past.join(mine.select(_KEY).unique(), on=_KEY, how="semi")]
    for number, each in enumerate(sending):
        own = mine.filter(pl.col("campaign") == number)
        if not own.height:
            continue
        room = _room(own, others, caps, each)
        ranked = own.sort("place").with_columns(pl.int_range(pl.len()).over(_KEY).alias("rank"))
        judged = ranked.join(room, on=_KEY, how="left", maintain_order="left")
        over = pl.col("room").is_not_null() & (pl.col("rank") >= pl.col("room"))
        refused = judged.filter(over)
        if refused.height:
            yield Capped(number, refused)
        kept = judged.filter(~over)
        others.append(_as_past(kept, caps, each))


def _room(
    own: pl.DataFrame, others: Sequence[pl.DataFrame], caps: Sequence[Cap], sending: Sending
) -> pl.DataFrame:
    """How many messages of a campaign each recipient may still get, and which cap says so."""
    recipients = own.select(_KEY).unique()
    found = [pl.DataFrame(schema={"r0": pl.UInt64, "r1": pl.UInt64, "room": pl.Int64, "cap": pl.UInt16})]
    for place, cap in enumerate(caps):
        if not cap.holds_for(sending.tag, sending.labels):
            continue
        for after, before in cap.windows(sending.starts_at, sending.ends_at):
            counts = _counted(others, place, after, before)
            room = (pl.lit(cap.cap.max, pl.Int64) - pl.col("used").fill_null(0)).clip(lower_bound=0)
            found.append(
                recipients.join(counts, on=_KEY, how="left").select(
                    *_KEY, room.alias("room"), pl.lit(place, pl.UInt16).alias("cap")
                )
            )
    return pl.concat(found).sort("room", "cap").group_by(_KEY, maintain_order=True).first()


def _counted(others: Sequence[pl.DataFrame], place: int, after: int, before: int) -> pl.DataFrame:
    """By recipient, how many other messages count under a cap in a stretch of time."""
    within = pl.col(f"c{place}") & (pl.col("t1") > after) & (pl.col("t0") < before)
    rows = [frame.filter(within).select(_KEY) for frame in others]
    empty = pl.DataFrame(schema={"r0": pl.UInt64, "r1": pl.UInt64})
    return pl.concat([empty, *rows]).group_by(_KEY).agg(pl.len().cast(pl.Int64).alias("used"))


def _as_past(kept: pl.DataFrame, caps: Sequence[Cap], sending: Sending) -> pl.DataFrame:
    """The messages of a campaign that stay, for the campaigns that come after it."""
    return kept.select(
        *_KEY,
        pl.lit(int(sending.starts_at.timestamp()), pl.Int64).alias("t0"),
        pl.lit(int(sending.ends_at.timestamp()), pl.Int64).alias("t1"),
        *(
            pl.lit(cap.holds_for(sending.tag, sending.labels)).alias(f"c{place}")
            for place, cap in enumerate(caps)
        ),
    )
