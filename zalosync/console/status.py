"""Where every campaign stands: the document of `status --json`, and what people read of it.

A campaign is told as a funnel, of its newest occurrence: rows, sent, accepted, delivered by Zalo and by
SMS, failed by reason. `states` and `attempts` count all occurrences.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from zalosync.compose.message import FINAL, Status
from zalosync.console.display import display
from zalosync.infobip.codes import explain_error, explain_status
from zalosync.ledger.alarms import Alarm
from zalosync.ledger.records import Run, SmsOpen, Some, Tally, ended
from zalosync.plan.history import AUDIENCES
from zalosync.provider import STATUSES

EVIDENCE_SECONDS = 47 * 3600  # from then on no evidence can come: the provider's logs remember 48 hours
WARN_SECONDS = 36 * 3600  # when a person should be told that evidence ends
HOUR_SECONDS = 3600
MILLION = 1_000_000

_TAKEN = (Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED)
_FAILED = (Status.UNDELIVERABLE, Status.EXPIRED, Status.REJECTED)
_DOUBTFUL = (Status.INTENT, Status.UNKNOWN, Status.ABANDONED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger and the files beside it answered.

    Attributes:
        environment: its name.
        tallies: counts of attempts that stand alike.
        waiting: by campaign number and state, how many wait and since when (Unix seconds).
        late: by campaign number, how many should have ended by now.
        runs: oldest first.
        currency: of the prices in reports, where they named one.
        alarm: of the ledger's note about evidence that should not be, or None.
        inbox: reports that wait to be merged.
        aside: reports that were put aside, by why.
        names: the campaigns asked for, by first name; empty: all.
        now: when.
        sms: by campaign number, who failed on Zalo in its newest occurrence and whose SMS has no outcome: it
            may still be reported, or should have been.
        contradictions: of the ledger's note about answers that cannot both be true.
    """

    environment: str
    tallies: Sequence[Tally]
    waiting: Mapping[tuple[int, Status], tuple[int, int]]
    late: Mapping[int, Some]
    runs: Sequence[Run]
    currency: str
    alarm: Mapping[str, Any] | None
    inbox: int
    aside: Mapping[str, int]
    names: tuple[str, ...]
    now: datetime
    sms: Mapping[int, tuple[SmsOpen | None, SmsOpen | None]] = field(default_factory=dict)
    contradictions: Sequence[Alarm] = ()


def status_document(facts: Facts) -> dict[str, Any]:
    """What `status --json` prints."""
    by_name: dict[str, list[Tally]] = {}
    for tally in facts.tallies:
        if not facts.names or tally.name in facts.names:
            by_name.setdefault(tally.name, []).append(tally)
    campaigns = [_campaign(name, found, facts) for name, found in sorted(by_name.items())]
    return {
        "environment": facts.environment,
        "campaigns": campaigns,
        "findings": list(_findings(campaigns, facts)),
        "inbox": {"waiting": facts.inbox, "put_aside": dict(facts.aside)},
    }


def unknown_in(document: Mapping[str, Any]) -> int:
    """How many messages of a document are of unknown fate."""
    return sum(campaign["states"].get("unknown", 0) for campaign in document["campaigns"])


def _campaign(name: str, tallies: Sequence[Tally], facts: Facts) -> dict[str, Any]:
    states: Counter[str] = Counter()
    for tally in tallies:
        states[tally.state.word] += tally.count
    number = tallies[0].campaign
    unknown = facts.waiting.get((number, Status.UNKNOWN))
    age = None if unknown is None else max(0, int(facts.now.timestamp()) - unknown[1])
    sms_waiting, sms_unknown = facts.sms.get(number, (None, None))
    occurrence = max(tally.occurrence for tally in tallies)
    newest = [tally for tally in tallies if tally.occurrence == occurrence]
    entries = _entries(facts.runs, name, occurrence)
    return {
        "name": name,
        "states": {word: count for word, count in sorted(states.items()) if count},
        "attempts": states.total(),
        "oldest_unknown_seconds": age,
        "evidence_expires_seconds": None if age is None else max(0, EVIDENCE_SECONDS - age),
        "occurrence": occurrence,
        "funnel": _funnel(newest, entries[-1] if entries else None, _count(sms_waiting), _count(sms_unknown)),
        "earlier": list(_earlier(tallies, occurrence)),
        "failures": _failures(newest, (sms_waiting, sms_unknown)),
        "cost": _cost(newest, entries, facts.currency),
        "late": _some(facts.late.get(number), facts.now),
        "sms_unknown": _some(sms_unknown, facts.now),
    }


def _count(some: SmsOpen | None) -> int:
    return 0 if some is None else some.count


def _some(some: Some | SmsOpen | None, now: datetime) -> dict[str, Any]:
    """How many, whether there are more than were counted, and how old the oldest is."""
    if some is None:
        return {"count": 0, "more": False, "oldest_seconds": None}
    age = max(0, int(now.timestamp()) - some.oldest)
    more = isinstance(some, Some) and some.more
    return {"count": some.count, "more": more, "oldest_seconds": age}


def _funnel(
    tallies: Sequence[Tally], planned: Mapping[str, Any] | None, sms_waiting: int, sms_unknown: int
) -> dict[str, Any]:
    """From rows to outcomes; `audience` and `skipped` are of the last run that named the campaign.

    Who failed on Zalo has not failed yet while an SMS may have taken the message's place.
    """

    def count(*states: Status) -> int:
        return sum(tally.count for tally in tallies if tally.state in states)

    messages = sum(tally.count for tally in tallies)
    sent = messages - count(Status.HELD, Status.CANCELLED, Status.RELEASED)
    wanted = None if planned is None else int(planned["rows"]) - sum(planned["skipped"].values())
    by_sms = sum(tally.count for tally in tallies if tally.state is Status.DELIVERED and tally.channel)
    delivered = count(Status.DELIVERED)
    return {
        "audience": None if planned is None else int(planned["rows"]),
        "skipped": None if planned is None else sum(planned["skipped"].values()),
        "sent": sent,
        "accepted": count(*_TAKEN),
        "delivered": delivered,
        "delivered_by": {"zalo": delivered - by_sms, "sms": by_sms},
        "waiting": count(Status.ACCEPTED),
        "sms_waiting": sms_waiting,
        "sms_unknown": sms_unknown,
        "failed": max(0, count(*_FAILED) - sms_waiting - sms_unknown),
        "doubtful": count(*_DOUBTFUL),
        "held": count(Status.HELD),
        "cancelled": count(Status.CANCELLED),
        "not_sent": None if wanted is None else max(0, wanted - sent - count(Status.HELD, Status.CANCELLED)),
        "final": max(0, count(*FINAL) - sms_waiting - sms_unknown),
    }


def _earlier(tallies: Sequence[Tally], newest: int) -> Iterator[dict[str, Any]]:
    """Earlier occurrences, newest first: how many attempts, by state."""
    for occurrence in sorted({tally.occurrence for tally in tallies} - {newest}, reverse=True):
        states: Counter[str] = Counter()
        for tally in tallies:
            if tally.occurrence == occurrence:
                states[tally.state.word] += tally.count
        counts = {word: count for word, count in sorted(states.items()) if count}
        yield {"occurrence": occurrence, "attempts": sum(counts.values()), "states": counts}


def _entries(runs: Iterable[Run], name: str, occurrence: int) -> list[Mapping[str, Any]]:
    """What runs recorded of a campaign and occurrence, oldest first."""
    return [
        entry
        for run in runs
        for campaign, entry in run.started.get(AUDIENCES, {}).items()
        if campaign == name and entry.get("occurrence", 1) == occurrence
    ]


def _failures(tallies: Iterable[Tally], awaited: Iterable[SmsOpen | None]) -> list[dict[str, Any]]:
    """Why messages failed, in plain words, most frequent first; an SMS has the last word if there was one.

    Those whose SMS has no outcome (`awaited`) are left out.
    """
    counts: Counter[tuple[Status, int, int, int, int]] = Counter()
    for tally, count in ended(tallies, awaited):
        if tally.state in _FAILED:
            counts[tally.state, tally.channel, *tally.last] += count
    found = []
    for (state, channel, group, status, error), count in (+counts).items():
        meaning = explain_error(error) if error else explain_status(group, status)
        found.append(
            {
                "state": state.word,
                "channel": "sms" if channel else "zalo",
                "status_group": group,
                "status_id": status,
                "error_id": error,
                "count": count,
                "words": meaning.words,
                "advice": meaning.advice,
                "permanent": meaning.permanent,
                "final": (group, status) in STATUSES,
            }
        )
    return sorted(found, key=lambda each: (-each["count"], each["status_id"], each["error_id"]))


def _cost(tallies: Iterable[Tally], recorded: Iterable[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    """What reports say it cost, and what the plans of its runs estimated; None where nobody said."""
    entries = [each for each in recorded if each.get("cost")]
    return {
        "so_far": sum(tally.price for tally in tallies) / MILLION,
        "currency": currency or next((each["cost"]["currency"] for each in entries), None),
        "estimate_min": _estimate(entries, "min"),
        "estimate_max": _estimate(entries, "max"),
    }


def _estimate(entries: Sequence[Mapping[str, Any]], bound: str) -> float | None:
    """What the plans estimated for what was sent, and for all that the last of them would send.

    A run that stopped early left messages to the next one, whose plan estimates them again.
    """
    if not entries:
        return None
    total = float(entries[-1]["cost"][bound])
    for entry, following in pairwise(entries):
        made, planned = following["attempts"] - entry["attempts"], entry.get("to_send", 0)
        total += float(entry["cost"][bound]) * (min(1.0, made / planned) if planned else 0.0)
    return round(total, 6)


def _findings(campaigns: Iterable[Mapping[str, Any]], facts: Facts) -> Iterator[dict[str, Any]]:
    if facts.alarm is not None:
        count = int(facts.alarm["count"])
        known = f"at {facts.alarm['at']} the provider knew {count:,} messages of ours"
        yield finding("unexpected-evidence", "error", f"{known} that this ledger did not send", count)
    for alarm in facts.contradictions:
        message = f"{alarm.words}, last at {alarm.at}; ask the provider, then `zalosync resolve --alarm`"
        yield finding("contradiction", "error", message, alarm.count)
    for campaign in campaigns:
        name = display(campaign["name"])
        age, count = campaign["oldest_unknown_seconds"], campaign["states"].get("unknown", 0)
        if age is not None and age >= WARN_SECONDS:
            left = campaign["evidence_expires_seconds"]
            words = (
                f"the provider's logs forget it in {duration(left)}"
                if left
                else "no log tells more of it: `zalosync resolve`"
            )
            message = f"{name}: the oldest unknown message is {duration(age)} old; {words}"
            yield finding("evidence-ends", "warn", message, count)
        late = campaign["late"]
        if late["count"]:
            oldest = duration(late["oldest_seconds"])
            message = f"{name}: {many(late)} outcomes are late, the oldest message is {oldest} old"
            yield finding("late-outcomes", "warn", message, late["count"])
        sms = campaign["sms_unknown"]
        if sms["count"]:
            words = "failed on Zalo, and no report of their SMS came: nobody knows whether it arrived"
            message = f"{name}: {many(sms)} {words}; the oldest is {duration(sms['oldest_seconds'])} old"
            yield finding("sms-unknown", "warn", message, sms["count"])
    forged = facts.aside.get("forged", 0)
    if forged:
        yield finding("forged-reports", "warn", f"{forged:,} reports without proof were put aside", forged)


def finding(identifier: str, severity: str, message: str, count: int) -> dict[str, Any]:
    """One finding as JSON shows it."""
    return {"id": identifier, "severity": severity, "message": message, "count": count}


def many(some: Mapping[str, Any]) -> str:
    """A count that may have been cut short, for people."""
    return f"{some['count']:,}{' or more' if some['more'] else ''}"


def duration(seconds: float) -> str:
    """For people: minutes below an hour, else hours."""
    return f"{seconds / 60:.0f} min" if seconds < HOUR_SECONDS else f"{seconds / HOUR_SECONDS:.1f} h"
