"""What earlier runs recorded of the plans they applied, so that a plan can be held against the last one.

A run writes down, per campaign, what its plan named: how many rows and recipients, its tag and labels, when
it would leave. Specs change afterwards; what a run recorded keeps its meaning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from zalosync.clock import moment
from zalosync.compose.message import Status
from zalosync.ledger.records import Head, Run, Standings, Tally

AUDIENCES, WEBHOOK_HOSTS = "audiences", "webhook_hosts"  # where a run's record has them


class History(Protocol):
    """The recorded side of a plan: a ledger that can only be read, or none at all."""

    def head(self) -> Head: ...  # noqa: D102 - as `LedgerReader` says
    def notes(self) -> dict[str, str]: ...  # noqa: D102
    def runs(self) -> list[Run]: ...  # noqa: D102
    def campaigns(self) -> dict[str, int]: ...  # noqa: D102
    def tallies(self) -> list[Tally]: ...  # noqa: D102
    def waiting(self) -> dict[tuple[int, Status], tuple[int, int]]: ...  # noqa: D102
    def standings(self, messages: Sequence[bytes]) -> Standings: ...  # noqa: D102
    def held(self, campaign: int) -> Iterator[list[tuple[Any, ...]]]: ...  # noqa: D102
    def contacts(self, first_run: int) -> Iterator[list[tuple[Any, ...]]]: ...  # noqa: D102
    def messaged(  # noqa: D102
        self, first_run: int, since: int, among: Sequence[bytes] | None
    ) -> Iterator[bytes]: ...
    def handed(self, first_run: int) -> dict[tuple[int, int], int]: ...  # noqa: D102


class NoHistory:
    """Of a preview, which knows no ledger."""

    def head(self) -> Head:
        """No event."""
        return Head(0, 0, 0, 0, bytes(32))

    def notes(self) -> dict[str, str]:
        """None."""
        return {}

    def runs(self) -> list[Run]:
        """None."""
        return []

    def campaigns(self) -> dict[str, int]:
        """None."""
        return {}

    def tallies(self) -> list[Tally]:
        """None."""
        return []

    def waiting(self) -> dict[tuple[int, Status], tuple[int, int]]:
        """None."""
        return {}

    def standings(self, messages: Sequence[bytes]) -> Standings:  # noqa: ARG002 - nobody is known
        """Nobody is known."""
        return Standings()

    def held(self, campaign: int) -> Iterator[list[tuple[Any, ...]]]:  # noqa: ARG002 - nobody is known
        """Nobody waits."""
        return iter(())

    def contacts(self, first_run: int) -> Iterator[list[tuple[Any, ...]]]:  # noqa: ARG002 - nobody is known
        """Nobody was messaged."""
        return iter(())

    def messaged(
        self,
        first_run: int,  # noqa: ARG002 - nobody is known
        since: int,  # noqa: ARG002
        among: Sequence[bytes] | None,  # noqa: ARG002
    ) -> Iterator[bytes]:
        """Nobody was messaged."""
        return iter(())

    def handed(self, first_run: int) -> dict[tuple[int, int], int]:  # noqa: ARG002 - nobody is known
        """Nothing was handed over."""
        return {}


@dataclass(frozen=True, slots=True)
class Named:
    """What one run recorded of one campaign that its plan named.

    Attributes:
        run: its number.
        run_id: its name.
        at: when it started.
        ended_at: when it ended, or None where it did not.
        campaign: first name.
        rows: of the audience.
        recipients: messages that were wanted, sent already or not.
        fresh: those of them that the ledger did not know.
        attempts: of campaign and occurrence before the run.
        skipped: rows by reason.
        starts_at, ends_at: when its messages would leave, or None where none were to.
        days: how many of them on which Vietnamese day.
        mode: who keeps the time: `provider`, or `hold`.
        sending_mode: whether they count against the quota.
    """

    run: int
    run_id: str
    at: datetime
    ended_at: datetime | None
    campaign: str
    occurrence: int
    rows: int
    recipients: int
    fresh: int
    attempts: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    sender: str = ""
    template: int = 0
    tag: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    days: Mapping[date, int] = field(default_factory=dict)
    mode: str = "provider"
    sending_mode: str = "REGULAR"


def named(runs: Iterable[Run]) -> list[Named]:
    """What all runs recorded of the campaigns they named, oldest first."""
    return [
        _named(run, campaign, entry)
        for run in runs
        for campaign, entry in run.started.get(AUDIENCES, {}).items()
        if "recipients" in entry
    ]


def last_named(found: Sequence[Named], campaign: str, occurrence: int) -> Named | None:
    """What the last run of a campaign and occurrence named."""
    own = [each for each in found if (each.campaign, each.occurrence) == (campaign, occurrence)]
    return own[-1] if own else None


def _named(run: Run, campaign: str, entry: Mapping[str, Any]) -> Named:
    return Named(
        run=run.id,
        run_id=run.run_id,
        at=moment(run.started_at),
        ended_at=None if run.ended_at is None else moment(run.ended_at),
        campaign=campaign,
        occurrence=int(entry["occurrence"]),
        rows=int(entry["rows"]),
        recipients=int(entry["recipients"]),
        fresh=int(entry["fresh"]),
        attempts=int(entry["attempts"]),
        skipped=dict(entry["skipped"]),
        sender=str(entry["sender"]),
        template=int(entry["template"]),
        tag=str(entry["tag"]),
        labels=dict(entry["labels"]),
        starts_at=_time(entry["starts_at"]),
        ends_at=_time(entry["ends_at"]),
        days={date.fromisoformat(day): int(count) for day, count in entry.get("days", {}).items()},
        mode=str(entry.get("mode", "provider")),
        sending_mode=str(entry.get("sending_mode", "REGULAR")),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
