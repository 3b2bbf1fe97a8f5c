"""What a report tells, in numbers: frozen records, made of what the ledger answers. Pure, not personal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zalosync.clock import moment
from zalosync.compose.message import Status
from zalosync.infobip.codes import Meaning, explain_error, explain_status
from zalosync.infobip.slices import LOOK_BACK
from zalosync.ledger.records import Head, Run, SmsOpen, Tally, ended

CHANNELS = {0: "Zalo", 1: "SMS"}
FAILED = (Status.UNDELIVERABLE, Status.EXPIRED, Status.REJECTED)
MICRO = 1_000_000  # the ledger's prices are in millionths
# By campaign number and occurrence, whose SMS has no outcome: it may still be reported, or should have been.
Awaited = Mapping[tuple[int, int], tuple[SmsOpen | None, SmsOpen | None]]


@dataclass(frozen=True, slots=True)
class Planned:
    """What the last run of a campaign found in its audience; `skipped` by reason."""

    run_id: str
    audience: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that ended alike: on which channel, why, and what to do about it."""

    channel: str
    status: tuple[int, int]
    error_id: int
    meaning: Meaning
    count: int


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """One campaign and occurrence.

    Attributes:
        name: present name of the campaign.
        occurrence: 1 or more.
        states: attempts by state; a message that was tried again is one attempt more.
        by_channel: delivered messages by channel.
        failed: attempts by state that reached nobody, as far as the provider says; of who failed on Zalo and
            whose SMS has no outcome, nobody knows that.
        sms_waiting: failed on Zalo; the SMS in its place may still be reported.
        sms_unknown: failed on Zalo; the SMS in its place should have been reported, and may have arrived.
        failures: most frequent first.
        price: as reported by the provider, in millionths of the account's currency.
        planned: None where no run recorded it.
    """

    name: str
    occurrence: int
    states: Mapping[Status, int]
    by_channel: Mapping[str, int]
    failed: Mapping[Status, int]
    sms_waiting: int
    sms_unknown: int
    failures: tuple[Failure, ...]
    price: int
    planned: Planned | None

    @property
    def attempts(self) -> int:
        """All attempts, whatever became of them."""
        return sum(self.states.values())

    @property
    def taken(self) -> int:
        """Attempts that the provider certainly took, as a message by Zalo or for an SMS in its place."""
        certain = self.states.get(Status.ACCEPTED, 0) + self.states.get(Status.DELIVERED, 0)
        return certain + self.sms_waiting + self.sms_unknown + self.undelivered

    @property
    def undelivered(self) -> int:
        """Attempts that were taken and reached nobody, as far as reports say."""
        return self.failed.get(Status.UNDELIVERABLE, 0) + self.failed.get(Status.EXPIRED, 0)

    @property
    def refused(self) -> int:
        """Attempts that were refused, and no SMS may have taken their place."""
        return self.failed.get(Status.REJECTED, 0)

    @property
    def doubtful(self) -> int:
        """Attempts that may have been sent, without proof."""
        return self.states.get(Status.UNKNOWN, 0) + self.states.get(Status.INTENT, 0)

    @property
    def planned_fits(self) -> bool:
        """Whether the rows that were planned for are the messages of the ledger, no more and no less."""
        planned = self.planned
        return planned is not None and planned.audience - sum(planned.skipped.values()) == self.attempts


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One process life that wrote."""

    run_id: str
    command: str
    started_at: datetime
    ended_at: datetime | None
    actor: str
    approved_by: tuple[str, ...]
    commit: str
    campaigns: tuple[str, ...]
    plan_digest: str
    totals: Mapping[str, Any]
    exit_code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Messages of a campaign that may have been sent; evidence about the oldest can come until `until`."""

    campaign: str
    count: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked of the ledger's history: how many events, and what does not fit."""

    events: int
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was changed unseen."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the numbers come from.

    Attributes:
        project: its name.
        environment: its name.
        base_url: the provider in words, or empty.
        currency: of the prices, or empty where it is not known.
        names: present names of campaigns by their first ones.
    """

    project: str
    environment: str
    base_url: str = ""
    currency: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a report tells."""

    origin: Origin
    made_at: datetime
    lineage: str
    head: Head
    proof: Proof | None
    campaigns: tuple[CampaignSummary, ...]
    runs: tuple[RunSummary, ...]
    doubts: tuple[Doubt, ...]

    def total(self, *states: Status) -> int:
        """Attempts of all campaigns in these states."""
        return sum(each.states.get(state, 0) for each in self.campaigns for state in states)

    @property
    def sms_waiting(self) -> int:
        """Failed on Zalo, in all campaigns; the SMS in their place may still be reported."""
        return sum(each.sms_waiting for each in self.campaigns)

    @property
    def sms_unknown(self) -> int:
        """Failed on Zalo, in all campaigns; the SMS in their place may have arrived."""
        return sum(each.sms_unknown for each in self.campaigns)

    @property
    def failed(self) -> int:
        """Attempts of all campaigns that reached nobody, as far as the provider says."""
        return sum(each.undelivered + each.refused for each in self.campaigns)


def summarize(
    origin: Origin,
    tallies: Sequence[Tally],
    runs: Sequence[Run],
    waiting: Mapping[tuple[int, Status], tuple[int, int]],
    awaited: Awaited,
    *,
    head: Head,
    lineage: str,
    proof: Proof | None,
    now: datetime,
) -> Summary:
    """Gather what the ledger answered into what a report tells.

    Args:
        origin: where the numbers come from; `names` gives the present name of a campaign by its first one.
        tallies: counts of attempts that stand alike.
        runs: oldest first.
        waiting: by campaign number and state, how many wait and since when (Unix seconds).
        awaited: who failed on Zalo, and whose SMS has no outcome.
        head: of the history.
        lineage: of the ledger.
        proof: None where the history was not checked.
        now: aware.
    """
    cells: dict[tuple[str, int], list[Tally]] = {}
    numbers: dict[int, str] = {}
    for tally in tallies:
        cells.setdefault((tally.name, tally.occurrence), []).append(tally)
        numbers[tally.campaign] = origin.names.get(tally.name, tally.name)
    return Summary(
        origin=origin,
        made_at=now,
        lineage=lineage,
        head=head,
        proof=proof,
        campaigns=tuple(
            _campaign(origin, name, occurrence, found, runs, awaited)
            for (name, occurrence), found in sorted(cells.items())
        ),
        runs=tuple(_run(run) for run in runs),
        doubts=tuple(_doubts(numbers, waiting)),
    )


def _campaign(
    origin: Origin,
    first_name: str,
    occurrence: int,
    tallies: Sequence[Tally],
    runs: Sequence[Run],
    awaited: Awaited,
) -> CampaignSummary:
    sms = awaited.get((tallies[0].campaign, occurrence), (None, None))
    failed = [(tally, count) for tally, count in ended(tallies, sms) if tally.state in FAILED and count]
    sums: Counter[Status] = Counter()
    for tally, count in failed:
        sums[tally.state] += count
    states: Counter[Status] = Counter()
    channels: Counter[str] = Counter()
    for tally in tallies:
        states[tally.state] += tally.count
        if tally.state is Status.DELIVERED:
            channels[CHANNELS.get(tally.channel, "another channel")] += tally.count
    name = origin.names.get(first_name, first_name)
    return CampaignSummary(
        name=name,
        occurrence=occurrence,
        states={state: count for state, count in states.items() if count},
        by_channel=dict(channels),
        failed=dict(sums),
        sms_waiting=_count(sms[0]),
        sms_unknown=_count(sms[1]),
        failures=_failures(failed),
        price=sum(tally.price for tally in tallies),
        planned=_planned({name, first_name}, occurrence, runs),
    )


def _count(some: SmsOpen | None) -> int:
    return 0 if some is None else some.count


def _failures(failed: Iterable[tuple[Tally, int]]) -> tuple[Failure, ...]:
    counts: Counter[tuple[int, int, int, int]] = Counter()
    for tally, count in failed:
        counts[tally.channel, *tally.last] += count
    found = [
        Failure(
            channel=CHANNELS.get(channel, "another channel"),
            status=(group, status),
            error_id=error,
            meaning=explain_error(error) if error else explain_status(group, status),
            count=count,
        )
        for (channel, group, status, error), count in counts.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.count, each.status, each.error_id)))


def _planned(names: set[str], occurrence: int, runs: Sequence[Run]) -> Planned | None:
    """What the last run that named the campaign recorded of its audience."""
    for run in reversed(runs):
        for name, entry in run.started.get("audiences", {}).items():
            if name in names and entry.get("occurrence", 1) == occurrence:
                return Planned(run.run_id, int(entry["rows"]), dict(entry["skipped"]))
    return None


def _run(run: Run) -> RunSummary:
    started, ended = run.started, run.ended or {}
    return RunSummary(
        run_id=run.run_id,
        command=run.command,
        started_at=moment(run.started_at),
        ended_at=None if run.ended_at is None else moment(run.ended_at),
        actor=str(started.get("actor") or "unknown"),
        approved_by=tuple(str(each["name"]) for each in started.get("approvals", ())),
        commit=str(started.get("commit") or ""),
        campaigns=tuple(map(str, started.get("campaigns", ()))),
        plan_digest=str(started.get("plan_digest") or ""),
        totals=dict(ended.get("totals") or {}),
        exit_code=ended.get("exit_code"),
        reason=str(ended.get("reason") or ""),
    )


def _doubts(
    numbers: Mapping[int, str], waiting: Mapping[tuple[int, Status], tuple[int, int]]
) -> Iterator[Doubt]:
    for (campaign, state), (count, oldest) in sorted(waiting.items()):
        if state in (Status.UNKNOWN, Status.INTENT) and count:
            since = datetime.fromtimestamp(oldest, UTC)
            yield Doubt(numbers.get(campaign, f"campaign {campaign}"), count, since, since + LOOK_BACK)
