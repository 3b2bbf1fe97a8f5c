"""The JSON documents of the commands; their fields are fixed by `format_version`."""

import sys
from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from zalosync.apply.execute import Applied, totals_document
from zalosync.clock import moment
from zalosync.compose.message import Status
from zalosync.ledger.records import Run, Tally

FORMAT_VERSION = "1.0"
EVIDENCE_SECONDS = 48 * 3600  # how long the provider's logs remember


def write(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout."""
    data = orjson.dumps({"format_version": FORMAT_VERSION, **document}, option=orjson.OPT_INDENT_2)
    sys.stdout.write(data.decode() + "\n")


def apply_document(applied: Applied) -> dict[str, Any]:
    """What `apply --json` prints."""
    return {
        "run_id": applied.run_id,
        "plan_digest": applied.plan_digest,
        "exit_code": int(applied.code),
        "reason": applied.reason,
        "totals": totals_document(applied.totals, applied.seconds),
    }


def status_document(
    environment: str,
    tallies: list[Tally],
    waiting: dict[tuple[int, Status], tuple[int, int]],
    names: tuple[str, ...],
    now: datetime,
) -> dict[str, Any]:
    """What `status --json` prints; `names` limits it to some campaigns, empty: all."""
    campaigns: dict[str, Counter[str]] = {}
    numbers: dict[str, int] = {}
    for tally in tallies:
        if not names or tally.name in names:
            campaigns.setdefault(tally.name, Counter())[tally.state.word] += tally.count
            numbers[tally.name] = tally.campaign
    documents = []
    for name, states in sorted(campaigns.items()):
        oldest = waiting.get((numbers[name], Status.UNKNOWN))
        age = None if oldest is None else max(0, int(now.timestamp()) - oldest[1])
        documents.append(
            {
                "name": name,
                "states": {word: count for word, count in sorted(states.items()) if count},
                "attempts": states.total(),
                "oldest_unknown_seconds": age,
                "evidence_expires_seconds": None if age is None else max(0, EVIDENCE_SECONDS - age),
            }
        )
    return {"environment": environment, "campaigns": documents}


def history_document(environment: str, runs: list[Run]) -> dict[str, Any]:
    """What `history --json` prints."""
    return {"environment": environment, "runs": [run_entry(run) for run in runs]}


def run_entry(run: Run) -> dict[str, Any]:
    """One run, of which the ledger may not know the end."""
    ended = run.ended or {}
    return {
        "run_id": run.run_id,
        "command": run.command,
        "started_at": utc(moment(run.started_at)),
        "ended_at": utc(moment(run.ended_at)) if run.ended_at is not None else None,
        "actor": run.started.get("actor"),
        "commit": run.started.get("commit"),
        "plan_digest": run.started.get("plan_digest"),
        "campaigns": run.started.get("campaigns", []),
        "totals": ended.get("totals"),
        "exit_code": ended.get("exit_code"),
        "reason": ended.get("reason"),
    }


def utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
