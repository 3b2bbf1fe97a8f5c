"""What `status` shows, gathered: from the ledger, the inbox and the specs, all of them read only."""

import json
from typing import TYPE_CHECKING

from zalosync.cli.session import Session
from zalosync.ledger.read import LedgerReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from zalosync.audit.summary import Awaited
    from zalosync.console.status import Facts
    from zalosync.ledger.records import SmsOpen, Tally


def facts(session: Session, reader: LedgerReader, names: tuple[str, ...] = ()) -> "Facts":
    """Where everything stands, now.

    Args:
        session: the command's.
        reader: the ledger.
        names: first names of the campaigns asked for; empty: all.
    """
    from zalosync.console.status import Facts
    from zalosync.ledger.alarms import open_alarms
    from zalosync.refresh.take import ALARM_NOTE, CURRENCY_NOTE

    notes = reader.notes()
    waiting, aside = _inbox(session)
    tallies = reader.tallies()
    due = _due(session, reader, session.clock.now(), names)
    late = {number: reader.late_some(number, before) for number, before in due.items() if before}
    return Facts(
        environment=session.project.environment_name,
        tallies=tallies,
        waiting=reader.waiting(),
        late={number: some for number, some in late.items() if some is not None},
        runs=reader.runs(),
        currency=notes.get(CURRENCY_NOTE, ""),
        alarm=json.loads(notes[ALARM_NOTE]) if ALARM_NOTE in notes else None,
        inbox=waiting,
        aside=aside,
        names=names,
        now=session.clock.now(),
        sms=_sms(reader, tallies, due, int(session.clock.now().timestamp()) + 1),
        contradictions=open_alarms(notes),
    )


def _sms(
    reader: LedgerReader, tallies: "Sequence[Tally]", due: dict[int, int], soon: int
) -> "dict[int, tuple[SmsOpen | None, SmsOpen | None]]":
    """Of each campaign's newest occurrence, which SMS may still be reported, and which should have been."""
    newest = _newest(tallies)
    return {
        number: _sms_of(reader, number, newest[number], (before, soon))
        for number, before in due.items()
        if number in newest
    }


def _newest(tallies: "Sequence[Tally]") -> dict[int, int]:
    """By campaign number, the newest occurrence."""
    return {tally.campaign: tally.occurrence for tally in sorted(tallies, key=lambda each: each.occurrence)}


def _sms_of(
    reader: LedgerReader, number: int, occurrence: int, moments: tuple[int, int]
) -> "tuple[SmsOpen | None, SmsOpen | None]":
    """Which SMS may still be reported, and which should have been by the first of these moments; 0: none."""
    before, soon = moments
    return (
        reader.sms_open(number, occurrence, before, soon),
        reader.sms_open(number, occurrence, 0, before) if before else None,
    )


def sms_awaited(session: Session, reader: LedgerReader, tallies: "Sequence[Tally]") -> "Awaited":
    """Of every campaign and occurrence, which SMS may still be reported, and which should have been.

    When earlier occurrences were to go out no spec says any more: they are due by when they were claimed.
    """
    from zalosync.refresh.late import patience

    now = session.clock.now()
    soon, due = int(now.timestamp()) + 1, _due(session, reader, now)
    specs = {each.first_name: each.campaign.spec for each in session.project.campaigns}
    newest = _newest(tallies)
    found = {}
    for number, occurrence, name in {(each.campaign, each.occurrence, each.name) for each in tallies}:
        earlier = occurrence < newest[number]
        before = int(now.timestamp()) - patience(specs.get(name)) if earlier else due[number]
        found[number, occurrence] = _sms_of(reader, number, occurrence, (before, soon))
    return found


def forgotten(session: Session, reader: LedgerReader) -> dict[int, int]:
    """By campaign number, before when (Unix seconds) messages were accepted of which nobody tells any more.

    Their end was due longer ago than logs and reports go back. 0: none.
    """
    from zalosync.infobip.slices import LOOK_BACK

    return _due(session, reader, session.clock.now() - LOOK_BACK)


def _due(
    session: Session, reader: LedgerReader, now: "datetime", names: tuple[str, ...] = ()
) -> dict[int, int]:
    """By campaign number, since when (Unix seconds) messages should have ended by `now`; 0: none should."""
    from zalosync.plan.pace import SLOT_NOTE
    from zalosync.refresh.late import late_before, patience

    specs = {each.first_name: each.campaign.spec for each in session.project.campaigns}
    notes = reader.notes()
    return {
        number: late_before(specs.get(name), notes.get(SLOT_NOTE + name), now, patience(specs.get(name)))
        for name, number in reader.campaigns().items()
        if not names or name in names
    }


def _inbox(session: Session) -> tuple[int, dict[str, int]]:
    """How many reports wait, and how many were put aside, by why; nothing is made where there is no inbox."""
    from zalosync.refresh.inbox import Inbox

    path = session.home.folder / f"{session.home.environment}.inbox.db"
    if not path.exists():
        return 0, {}
    with Inbox(path) as inbox:
        return inbox.size, {why.word: count for why, count in inbox.aside().items()}
