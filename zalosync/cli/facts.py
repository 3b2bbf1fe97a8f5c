"""What `status` shows, gathered: from the ledger, the inbox and the specs, all of them read only."""

import json
from typing import TYPE_CHECKING

from zalosync.cli.session import Session
from zalosync.ledger.read import LedgerReader

if TYPE_CHECKING:
    from zalosync.console.status import Facts


def facts(session: Session, reader: LedgerReader, names: tuple[str, ...] = ()) -> "Facts":
    """Where everything stands, now.

    Args:
        session: the command's.
        reader: the ledger.
        names: first names of the campaigns asked for; empty: all.
    """
    from zalosync.console.status import Facts
    from zalosync.refresh.take import ALARM_NOTE, CURRENCY_NOTE

    notes = reader.notes()
    waiting, aside = _inbox(session)
    return Facts(
        environment=session.project.environment_name,
        tallies=reader.tallies(),
        waiting=reader.waiting(),
        late=_late(session, reader, notes),
        runs=reader.runs(),
        currency=notes.get(CURRENCY_NOTE, ""),
        alarm=json.loads(notes[ALARM_NOTE]) if ALARM_NOTE in notes else None,
        inbox=waiting,
        aside=aside,
        names=names,
        now=session.clock.now(),
    )


def _late(session: Session, reader: LedgerReader, notes: dict[str, str]) -> dict[int, tuple[int, int]]:
    """By campaign number, how many messages should have ended by now, and the oldest's Unix seconds."""
    from zalosync.plan.pace import SLOT_NOTE
    from zalosync.refresh.late import late_before, patience

    specs = {each.first_name: each.campaign.spec for each in session.project.campaigns}
    now = session.clock.now()
    found = {}
    for name, number in reader.campaigns().items():
        spec = specs.get(name)
        before = late_before(spec, notes.get(SLOT_NOTE + name), now, patience(spec))
        waiting = reader.accepted_before(number, before) if before else None
        if waiting is not None:
            found[number] = waiting
    return found


def _inbox(session: Session) -> tuple[int, dict[str, int]]:
    """How many reports wait, and how many were put aside, by why; nothing is made where there is no inbox."""
    from zalosync.refresh.inbox import Inbox

    path = session.home.folder / f"{session.home.environment}.inbox.db"
    if not path.exists():
        return 0, {}
    with Inbox(path) as inbox:
        return inbox.size, {why.word: count for why, count in inbox.aside().items()}
