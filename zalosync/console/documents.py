"""The JSON documents of the commands; their fields are fixed by `format_version`."""

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from zalosync.clock import moment
from zalosync.console.hints import spelled
from zalosync.console.problems import problem_document
from zalosync.errors import SpecError, ZalosyncError
from zalosync.ledger.records import Run

if TYPE_CHECKING:
    from zalosync.apply.conduct import Applied

FORMAT_VERSION = "1.0"
_written: ContextVar[bool] = ContextVar("whether this command has printed its document", default=False)


def write(document: Mapping[str, Any], *, line: bool = False) -> None:
    """Print one JSON document on stdout; on one line where more of them may follow."""
    option = None if line else orjson.OPT_INDENT_2
    data = orjson.dumps({"format_version": FORMAT_VERSION, **document}, option=option)
    # The same document; where a job prints it, `##[` would be a command to the CI system.
    sys.stdout.write(data.replace(b"##", b"#\\u0023").decode() + "\n")
    _written.set(True)


def written() -> bool:
    """Whether this command has printed its document already."""
    return _written.get()


def answer(document: Mapping[str, Any], words: str, *, as_json: bool) -> None:
    """What a command did: as a document, or in a sentence."""
    if as_json:
        write(document)
    else:
        sys.stdout.write(spelled(words) + "\n")


def error_document(error: ZalosyncError) -> dict[str, Any]:
    """What any command prints with `--json` where it fails before it has printed anything else."""
    said: dict[str, Any] = {
        "code": error.code or None,
        "message": error.message,
        "fix": error.fix or None,
        "exit_code": int(error.exit_code),
    }
    if isinstance(error, SpecError):
        said["problems"] = [problem_document(problem) for problem in error.problems]
    return {"error": said}


def apply_document(applied: "Applied") -> dict[str, Any]:
    """What `apply --json` prints."""
    # It brings all that renders and posts: `status` needs none of it.
    from zalosync.apply.totals import reasons, totals_document

    return {
        "run_id": applied.run_id,
        "plan_digest": applied.plan_digest,
        "exit_code": int(applied.code),
        "reason": applied.reason,
        "totals": totals_document(applied.totals, applied.seconds),
        "shrunk": reasons(applied.totals.shrunk),
        "stays_held": reasons(applied.totals.stays),
    }


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
        "shrunk": ended.get("shrunk", {}),
        "stays_held": ended.get("stays_held", {}),
        "exit_code": ended.get("exit_code"),
        "reason": ended.get("reason"),
    }


def utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
