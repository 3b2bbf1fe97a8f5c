"""Frequency caps of a project, held over a plan: gathers the candidates, marks those that may not be sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from zalosync.clock import moment
from zalosync.compose.message import Status
from zalosync.compose.spill import Spill
from zalosync.ledger.records import Run
from zalosync.plan.caps import Cap, Capped, Sending, capped, first_run
from zalosync.plan.decide import Action
from zalosync.plan.history import History, named
from zalosync.plan.shape import CampaignPlan
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy, LoadedProject
from zalosync.spec.mismatch import some_of

_NAMED = 3  # campaigns that a finding names
_SENDING = (int(Action.SEND), int(Action.RETRY))
BYTES_PER_PART = 256 * 2**20  # of audience; its candidates take about a quarter of that
ATTEMPTS_PER_PART = 4_000_000


def caps_of(project: LoadedProject, campaigns: Sequence[LoadedCampaign]) -> list[Cap]:
    """The caps of all policies that hold for one of these campaigns.

    Calendar months begin in the zone of the policy's quiet hours, else in the project's, else in UTC.
    """
    return [
        Cap(cap, _zone(project, loaded), loaded.place(f"spec.frequencyCaps[{number}]"))
        for loaded in project.policies
        for number, cap in enumerate(loaded.policy.spec.frequency_caps)
        if any(cap.holds_for(tag_of(each), labels_of(each)) for each in campaigns)
    ]


def _zone(project: LoadedProject, loaded: LoadedPolicy) -> ZoneInfo:
    quiet = loaded.policy.spec.quiet_hours
    if quiet is not None:
        return ZoneInfo(quiet.timezone)
    return ZoneInfo(project.spec.timezone) if project.spec.timezone else ZoneInfo("UTC")


class Capping:
    """The messages that caps may hold back.

    Args:
        caps: of the plan's campaigns.
        size: bytes of all audiences, to choose how much is kept in memory.
        stack: closes what is not.
    """

    def __init__(self, caps: Sequence[Cap], size: int, stack: ExitStack) -> None:
        self._caps = caps
        self._candidates = Spill(1 + size // BYTES_PER_PART if caps else 1, "r0", stack)
        self._seen: Counter[int] = Counter()

    def add(self, number: int, decided: pl.DataFrame) -> None:
        """Take the decided messages of a campaign (by its place in the plan), in their order."""
        if not self._caps:
            return
        first = self._seen[number]
        self._seen[number] += decided.height
        candidates = decided.with_columns(
            pl.lit(number, pl.UInt16).alias("campaign"),
            pl.int_range(first, first + decided.height, dtype=pl.UInt32).alias("place"),
            pl.col("segments").cast(pl.UInt16),
        ).filter(pl.col("action").is_in(_SENDING))
        self._candidates.add(candidates.select("r0", "r1", "campaign", "place", "segments", "known"))

    def settle(self, campaigns: Sequence[CampaignPlan], reader: History, now: datetime) -> Iterator[Finding]:
        """Mark the messages that would break a cap; says how many, by campaign and cap."""
        if not self._caps or not any(campaign.to_send for campaign in campaigns):
            return
        runs = reader.runs()
        earlier, sending = named(runs), [_sending(campaign, now) for campaign in campaigns]
        numbers = reader.campaigns()
        held = {number for (number, state), _ in reader.waiting().items() if state is Status.HELD}
        first = first_run(
            self._caps,
            sending,
            earlier,
            [(run.id, _ended(run, now)) for run in runs],
            {name for name, number in numbers.items() if number in held},
            now,
        )
        counts: Counter[tuple[int, int]] = Counter()
        contacts = reader.contacts(first)
        for found in capped(self._candidates, contacts, self._caps, sending, earlier, numbers, now):
            _hold_back(campaigns[found.campaign], found)
            counts.update((found.campaign, cap) for cap in found.rows["cap"])
        for (campaign, cap), count in sorted(counts.items()):
            yield _finding(campaigns, campaign, self._caps[cap], count)


def _finding(campaigns: Sequence[CampaignPlan], number: int, cap: Cap, count: int) -> Finding:
    """What a cap holds back of a campaign; names those of this plan that it may have to yield to."""
    before = [
        each.name
        for each in campaigns[:number]
        if each.to_send and cap.holds_for(tag_of(each.loaded), labels_of(each.loaded))
    ]
    order = f"; of this plan, {some_of(before, _NAMED)} comes first, by name" if before else ""
    message = f"{count:,} messages would break a cap and are not sent: {cap.words} (frequencyCaps){order}"
    return Finding("frequency-cap", "warn", message, campaigns[number].name, cap.place, count)


def _hold_back(campaign: CampaignPlan, found: Capped) -> None:
    rows = found.rows.sort("place")
    campaign.messages.mark(rows["place"].to_list(), Action.CAPPED)
    campaign.segments -= int(rows["segments"].cast(pl.Int64).sum())
    campaign.fresh -= int((~rows["known"]).sum())


def _ended(run: Run, now: datetime) -> datetime:
    return now if run.ended_at is None else moment(run.ended_at)


def _sending(campaign: CampaignPlan, now: datetime) -> Sending:
    timing = campaign.timing
    starts_at, ends_at = (timing.starts_at, timing.ends_at) if timing else (now, now)
    loaded = campaign.loaded
    return Sending(tag_of(loaded), labels_of(loaded), starts_at.astimezone(UTC), ends_at.astimezone(UTC))


def tag_of(loaded: LoadedCampaign) -> str:
    """The template's tag."""
    return loaded.campaign.spec.template.tag


def labels_of(loaded: LoadedCampaign) -> dict[str, str]:
    """The campaign's labels."""
    return dict(loaded.campaign.metadata.labels)
