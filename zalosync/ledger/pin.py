"""What is kept outside of a ledger, so that an older copy, another ledger or none at all is noticed.

`zalosync.lock` lies in Git beside `zalosync.yaml`; sandboxes are pinned in `.zalosync/`, which Git ignores.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zalosync.errors import LedgerError
from zalosync.ledger.read import LedgerReader

FILE = "zalosync.lock"
NEW_START = (
    "where there is none, a new start is `zalosync ledger init --replace-lineage --reason …`, then"
    " `zalosync ledger adopt`"
)
VERSION = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """The lineage of a ledger and the highest position seen of it."""

    lineage: str
    serial: int
    seq: int
    hash: str


def read_pin(path: Path, environment: str) -> Pin | None:
    """The pin of an environment, or None where there is none yet.

    Raises:
        LedgerError: the file is not one that zalosync wrote.
    """
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entry = document["environments"].get(environment)
        return None if entry is None else _pin(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(
            f"{path.name} cannot be read as a lock file",
            fix="restore it from Git; it proves that the ledger is the right one",
            code="ZS621",
        ) from error


def _pin(entry: dict[str, Any]) -> Pin:
    pin = Pin(**entry)
    kinds = {"lineage": str, "serial": int, "seq": int, "hash": str}
    if any(type(getattr(pin, name)) is not kind for name, kind in kinds.items()):
        raise TypeError("a value of another kind")
    return pin


def write_pin(path: Path, environment: str, pin: Pin) -> None:
    """Write a pin aside, sync it, and rename it into place; other environments keep theirs.

    Commands may end at the same time: they wait for one another. Of one lineage the furthest position stays,
    whoever comes last: what `plan` saw before a run began is no news after the run has ended.

    Raises:
        LedgerError: the file is not one that zalosync wrote.
    """
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        # The folder itself is the lock: a file of its own would lie about in the user's work tree.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _write(path, environment, pin)
    finally:
        os.close(descriptor)


def _write(path: Path, environment: str, pin: Pin) -> None:
    known = read_pin(path, environment)
    if known is not None and known.lineage == pin.lineage and known.seq >= pin.seq:
        return
    document = {"version": VERSION, "environments": {}}
    if path.exists():
        document = json.loads(path.read_text(encoding="utf-8"))
    environments = dict(document["environments"])  # type: ignore[call-overload]
    environments[environment] = asdict(pin)
    document["environments"] = environments
    aside = path.with_name(path.name + ".new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=2, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def pin_of(ledger: LedgerReader) -> Pin:
    """The ledger's present lineage and position."""
    head = ledger.head()
    return Pin(ledger.notes().get("lineage", ""), head.intent_serial, head.seq, head.hash.hex())


def check_pin(pin: Pin, ledger: LedgerReader) -> None:
    """Refuse a ledger that is not the pinned one, or an older copy of it.

    Raises:
        LedgerError: foreign, older or forked.
    """
    present = pin_of(ledger)
    if present.lineage != pin.lineage:
        raise LedgerError(
            f"{ledger.place} has lineage {present.lineage[:8]}…, and {FILE} names {pin.lineage[:8]}…",
            fix="point the environment's `ledger` at the right one;"
            " a new start over an old one is `zalosync ledger init --replace-lineage --reason …`",
            code="ZS622",
        )
    if present.seq < pin.seq or present.serial < pin.serial:
        raise LedgerError(
            f"{ledger.place} is older than it was: event {present.seq:,} now, {pin.seq:,} seen before;"
            " it would send again what was sent since",
            fix=f"restore the newest copy; {NEW_START}",
            code="ZS623",
        )
    found = ledger.hash_at(pin.seq)
    if found is None or found.hex() != pin.hash:
        raise LedgerError(
            f"the history of {ledger.place} is not the one that {FILE} saw: event {pin.seq:,} differs",
            fix="`zalosync audit verify` says more; restore the right copy",
            code="ZS624",
        )
