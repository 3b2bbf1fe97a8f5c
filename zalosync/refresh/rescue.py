"""Outcomes that a run could not store are merged from the file it left beside the ledger."""

from datetime import datetime
from pathlib import Path

from zalosync.compose.message import MOVES, Status
from zalosync.events import Emit, Warned
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.rescue import read_rescue, run_of
from zalosync.ledger.store import Ledger


def merge_rescues(folder: Path, ledger: Ledger, now: datetime, emit: Emit) -> int:
    """Merge and remove every rescue file of this ledger's runs; gives how many messages it moved.

    The folder may hold files of other environments, and a file that was merged before a crash could remove
    it. So a file speaks for the intents of its own run only: a message that was released by it and claimed
    again since may be sent already, and is not its to release.
    """
    numbers = {run.run_id: run.id for run in ledger.runs()}
    moved = 0
    for path in sorted(folder.glob("rescue-*.jsonl")):
        run = numbers.get(run_of(path))
        if run is None:
            continue
        outcomes = dict(read_rescue(path))
        known = ledger.by_message_ids(sorted(outcomes))
        moves = [
            Move(known[message_id], standing)
            for message_id, standing in outcomes.items()
            if message_id in known and known[message_id].run == run and _holds(known[message_id], standing)
        ]
        if moves:
            moves.sort(key=lambda move: move.before.row)
            with ledger.change(Kind.EVIDENCE, now) as change:
                change.move(moves)
        path.unlink()
        moved += len(moves)
        emit(Warned("ZS650", f"{path.name}: {len(moves):,} outcomes merged into the ledger"))
    return moved


def _holds(before: Recorded, standing: Standing) -> bool:
    """Whether an outcome still says something: only about messages whose fate is open."""
    return before.state in (Status.INTENT, Status.UNKNOWN) and standing.state in MOVES[before.state]
