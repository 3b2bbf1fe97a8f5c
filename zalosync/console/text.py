"""What people read: runs, states and history as plain text, the same with and without a terminal."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from zalosync.console.display import display, plural
from zalosync.console.hints import spelled
from zalosync.errors import ExitCode

if TYPE_CHECKING:
    from zalosync.apply.conduct import Applied
    from zalosync.apply.totals import Totals


def say(lines: Iterator[str], to: TextIO | None = None) -> None:
    """Print lines, on standard output where nothing else is named."""
    (to or sys.stdout).write("".join(spelled(line) + "\n" for line in lines))


def apply_lines(applied: "Applied", environment: str) -> Iterator[str]:
    """How a run ended, and what to do next."""
    totals = applied.totals
    rate = (totals.accepted + totals.rejected) / applied.seconds if applied.seconds else 0.0
    yield f"Run {applied.run_id} on {display(environment)}: {_verdict(applied.code)}"
    for name, count in (
        ("accepted", totals.accepted),
        ("rejected", totals.rejected),
        ("unknown", totals.unknown),
        ("held until due", totals.held),
        ("held ones cancelled", totals.cancelled),
        ("not sent", totals.not_sent),
    ):
        if count or not name.startswith("held"):
            yield f"    {count:>11,}  {name}"
    yield from _left_out(totals)
    yield (
        f"    {plural(totals.requests, 'request')}, {totals.retries} tried again,"
        f" {applied.seconds:,.1f} s ({rate:,.0f} messages/s)"
    )
    if applied.reason:
        word = "Waiting" if applied.code is ExitCode.DONE else "Stopped because"
        yield f"{word}: {display(applied.reason, 300)}"
    if applied.code is ExitCode.DONE and totals.held:
        yield "Next: `zalosync apply --due` sends what is held, once its time has come"
    else:
        yield f"Next: {_next(applied.code)}"


_WHY = {
    "suppressed": "on a suppression list by now",
    "frequency-cap": "a cap was used up since",
    "ledger": "what the ledger learned since does not allow it",
    "too-late": "cannot leave in time",
    "changed": "not the text or phone that was approved",
    "gone": "the row or campaign is gone",
}


def _left_out(totals: "Totals") -> Iterator[str]:
    """What was planned and is not sent, and what stays held although its time has come; and why."""
    for words, counts in (("less than planned", totals.shrunk), ("stay held", totals.stays)):
        for reason, count in sorted(counts.items()):
            if count:
                yield f"    {count:>11,}  {words}: {_WHY[reason]}"
    if +totals.stays:
        yield "    `zalosync plan` shows what becomes of those that stay held"


def _verdict(code: ExitCode) -> str:
    return {
        ExitCode.DONE: "done",
        ExitCode.STOPPED: "stopped early",
        ExitCode.UNKNOWN: "messages of unknown fate remain",
        ExitCode.PROVIDER: "the provider refused",
        ExitCode.INTERRUPTED: "stopped by a signal",
        ExitCode.LEDGER: "stopped by a pause",  # what is wrong with the ledger ends a run with an error
    }.get(code, "stopped")


def _next(code: ExitCode) -> str:
    return {
        ExitCode.DONE: "`zalosync refresh` asks what became of them",
        ExitCode.STOPPED: "mend the cause and apply again: it goes on where it stopped",
        ExitCode.UNKNOWN: "`zalosync refresh` looks for evidence; `zalosync apply` goes on with the others",
        ExitCode.PROVIDER: "mend what the provider named, then apply again: that request was not taken",
        ExitCode.INTERRUPTED: "apply again: it goes on where it stopped",
        ExitCode.LEDGER: "`zalosync unpause` once the reason is gone, then apply again: it goes on",
    }.get(code, "`zalosync status`")


def history_lines(document: dict[str, Any]) -> Iterator[str]:
    """The runs, newest last."""
    yield f"Environment {display(document['environment'])}: {plural(len(document['runs']), 'run')}"
    for run in document["runs"]:
        totals = run["totals"] or {}
        counts = ", ".join(
            f"{totals[name]:,} {name.replace('_', ' ')}"
            for name in ("accepted", "rejected", "unknown", "not_sent", "shrunk", "cancelled", "adopted")
            if totals.get(name)
        )
        code = "did not end" if run["exit_code"] is None else f"exit {run['exit_code']}"
        counts = counts or ("`zalosync status` counts" if run["exit_code"] is None else "nothing sent")
        yield (
            f"  {run['started_at']}  {run['command']:<8} {code:<12} {display(run['actor'] or 'unknown'):<20}"
            f" {counts}  {(run['commit'] or '')[:8]}  {run['run_id']}"
        )
