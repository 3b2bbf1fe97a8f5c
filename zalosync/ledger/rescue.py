"""What is written down when the ledger cannot take an outcome: a file beside it, merged by `refresh`.

It holds message ids, states and status ids; nothing personal.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zalosync.compose.message import Cause, Status, message_id_bytes, message_id_text
from zalosync.errors import LedgerError
from zalosync.ledger.records import Move, Standing


def rescue_path(folder: Path, run_id: str) -> Path:
    """Where the outcomes of a run go that the ledger could not take."""
    return folder / f"rescue-{run_id}.jsonl"


def run_of(path: Path) -> str:
    """The id of the run that left a rescue file."""
    return path.stem.removeprefix("rescue-")


def write_rescue(path: Path, moves: Sequence[Move]) -> None:
    """Append outcomes, synced before it returns.

    Raises:
        OSError: not even that was possible; the messages stay intents, and the next run calls them unknown.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        if _is_cut(descriptor):
            file.write("\n")  # a line that was cut short stays alone; this one must not be lost with it
        for move in moves:
            entry = {
                "message_id": message_id_text(move.before.message_id),
                "state": move.to.state.word,
                "cause": move.to.cause.word,
                "status_group": move.to.status_group,
                "status_id": move.to.status_id,
                "refused": move.to.refused,
            }
            file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _is_cut(descriptor: int) -> bool:
    """Whether the file ends within a line."""
    size = os.fstat(descriptor).st_size
    return bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"


def _sync(folder: Path) -> None:
    """Make the names in a folder durable: a file whose name is not is no file after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_rescue(path: Path) -> Iterator[tuple[bytes, Standing]]:
    """The outcomes of a rescue file. Lines that were cut short are left out: their messages stay unknown.

    Raises:
        LedgerError: a whole line that is not one of ours.
    """
    words = {status.word: status for status in Status}
    causes = {cause.word: cause for cause in Cause}
    for number, line in enumerate(
        path.read_text(encoding="ascii", errors="replace").splitlines(keepends=True), 1
    ):
        # Each line is one flat object: what has its beginning and not its end was cut short.
        if not line.endswith("\n") or (line.startswith("{") and not line.endswith("}\n")):
            continue
        try:
            entry = json.loads(line)
            message_id = message_id_bytes(entry["message_id"])
            standing = Standing(
                words[entry["state"]],
                causes[entry["cause"]],
                int(entry["status_group"]),
                int(entry["status_id"]),
                refused=int(entry.get("refused", 0)),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerError(
                f"{path.name}:{number} is not a line of a rescue file",
                fix="move the file away; its messages then stay unknown until evidence comes",
                code="ZS641",
            ) from error
        if message_id is not None:
            yield message_id, standing
