"""Prove a ledger: replay its whole history and hold every table against it.

An event that was changed breaks its hash or the next one's; a row that was changed no longer stands
where the last event put it, or no longer fits its commitment. Read only; needs no key.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from zalosync.ledger.chain import (
    COMMITMENT_BYTES,
    EVIDENCE_BYTES,
    GENESIS,
    canonical,
    commitment,
    link,
    spread,
)
from zalosync.ledger.migrate import REVISION
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import AFFECTS_SENDING, Kind
from zalosync.ledger.told import NO_PRICE, moments

MOST_PROBLEMS = 100

# row → (run, state, closed, created, changed, cause, group, id, error, done, price, refused,
#        SMS group, SMS id, SMS error, SMS done, SMS price, absent)
_Standing = tuple[Any, ...]
_NOTHING_SAID = (None, None, 0, 0, 0, 0, None, None, None)  # from done on


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict on a ledger.

    Attributes:
        events: how many the history has.
        head: the hash of the last one, for outside keeping.
        problems: what does not fit, the first hundred; empty: the ledger is what it was.
    """

    events: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was changed unseen."""
        return not self.problems


@dataclass(slots=True)
class _Replay:
    """The ledger as its history says it must be."""

    problems: list[str] = field(default_factory=list)
    rows: dict[int, _Standing] = field(default_factory=dict)
    commitments: dict[int, bytes] = field(default_factory=dict)
    campaigns: dict[int, str] = field(default_factory=dict)
    runs: dict[int, list[Any]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    events: int = 0
    head: bytes = GENESIS

    def wrong(self, problem: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def verify(reader: LedgerReader) -> Verified:
    """Replay the history of a ledger and compare."""
    replay = _Replay(problems=[f"the database file is damaged: {found}" for found in reader.damage()])
    serials = (0, 0)
    for event in reader.events():
        with _read(replay, f"event {event[0]}"):
            serials = _check_link(replay, event, serials)
            _apply(replay, event)
    tallies = _check_attempts(replay, reader)
    with _read(replay, "a tally"):
        _check_tallies(replay, reader, tallies)
    with _read(replay, "the campaigns, notes or runs"):
        _check_small_tables(replay, reader)
    return Verified(replay.events, replay.head.hex(), tuple(replay.problems))


@contextmanager
def _read(replay: _Replay, what: str) -> Iterator[None]:
    """What was changed may not even have its shape any more: that is a problem like any other."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        replay.wrong(f"{what} cannot be read")


def _check_link(replay: _Replay, event: tuple[Any, ...], serials: tuple[int, int]) -> tuple[int, int]:
    seq, at, kind, run, intent_serial, status_serial, body, commitments, stored = event
    if seq != replay.events + 1:
        replay.wrong(f"event {replay.events + 1} is missing")
    affects, reports = kind in AFFECTS_SENDING, kind == Kind.EVIDENCE
    if (intent_serial, status_serial) != (serials[0] + affects, serials[1] + reports):
        replay.wrong(f"the serials of event {seq} do not follow from the event before")
    found = link(
        replay.head,
        seq=seq,
        at=at,
        kind=kind,
        run=run,
        intent_serial=intent_serial,
        status_serial=status_serial,
        body=bytes(body),
        commitments=bytes(commitments),
    )
    if found != bytes(stored):
        replay.wrong(f"the hash of event {seq} does not fit: it, or the event before it, was changed")
    replay.head, replay.events = bytes(stored), seq
    return intent_serial, status_serial


def _apply(replay: _Replay, event: tuple[Any, ...]) -> None:
    seq, at, _, run, _, _, body, blob, _ = event
    said = orjson.loads(bytes(body))
    for number, name in said.get("campaigns", []):
        replay.campaigns[number] = name
    if "run" in said:
        number, run_id, command, started_at, started = said["run"]
        replay.runs[number] = [run_id, command, started_at, started, None, None]
    if "ended" in said:
        number, ended_at, ended = said["ended"]
        replay.runs[number][4:] = [ended_at, ended]
    for name, value in said.get("notes", []):
        if value is None:
            replay.notes.pop(name, None)
        else:
            replay.notes[name] = value
    for row in spread(said.get("closed", [])):
        standing = replay.rows[row]
        replay.rows[row] = (*standing[:2], 1, *standing[3:])
    digests = _Digests(bytes(blob))
    for state, rows in said.get("claims", []):
        for row in spread(rows) if rows and isinstance(rows[0], list) else rows:
            replay.rows[row] = (run, state, 0, at // 1000, at // 1000, 0, 0, 0, 0, *_NOTHING_SAID)
            replay.commitments[row] = digests.take(COMMITMENT_BYTES)
    for group in said.get("moves", []):
        _move(replay, group, at // 1000, digests)
    for moment, rows in said.get("absent", []):
        for row in spread(rows):
            replay.rows[row] = (*replay.rows[row][:-1], moment)
    if digests.left:
        replay.wrong(f"event {seq} holds digests of nothing")


def _move(replay: _Replay, group: list[Any], at: int, digests: "_Digests") -> None:
    state, cause, status_group, status_id, error_id, price, refused, sms, *rest = group
    ranges, times, sms_times, proven = rest
    rows = spread(ranges)
    done, sms_done = moments(times, len(rows)), moments(sms_times, len(rows))
    for channel in (1, 2):
        if proven & channel:
            digests.take(EVIDENCE_BYTES * len(rows))
    sms_group, sms_id, sms_error, sms_price = sms or (0, 0, 0, NO_PRICE)
    for place, row in enumerate(rows):
        before = replay.rows[row]
        replay.rows[row] = (
            before[0],
            state,
            *before[2:4],
            at,
            cause,
            status_group,
            status_id,
            error_id,
            done[place],
            None if price == NO_PRICE else price,
            refused,
            sms_group,
            sms_id,
            sms_error,
            sms_done[place],
            None if sms_price == NO_PRICE else sms_price,
            before[-1],
        )


class _Digests:
    """The digests that follow an event's body, taken in the order in which the body names the rows."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next digest."""
        part = self._blob[self._at : self._at + size]
        if len(part) != size:
            raise ValueError("digests are missing")
        self._at += size
        return part

    @property
    def left(self) -> int:
        return len(self._blob) - self._at


def _check_attempts(replay: _Replay, reader: LedgerReader) -> Counter[Any]:
    """Hold every attempt against the history; gives the tallies that follow from them."""
    tallies: Counter[Any] = Counter()
    seen = 0
    for attempt in reader.attempts():
        with _read(replay, f"attempt {attempt[0]}"):
            _check_attempt(replay, attempt, tallies)
        seen += 1
    if seen < len(replay.rows):
        replay.wrong(f"{len(replay.rows) - seen:,} attempts of the history are missing")
    return tallies


def _check_attempt(replay: _Replay, attempt: tuple[Any, ...], tallies: Counter[Any]) -> None:
    row, message, message_id, campaign, occurrence, number, fingerprint, recipient, salt = attempt[:9]
    standing, failover = list(attempt[9:-1]), attempt[-1]
    expected = replay.rows.get(row)
    if expected is None:
        replay.wrong(f"attempt {row} is in no event")
        return
    if any(type(each) is not int for each in (campaign, occurrence, number, failover)):
        replay.wrong(f"attempt {row} has a number that is none")
    if tuple(standing) != expected:
        replay.wrong(f"attempt {row} does not stand where its last event put it")
    found = commitment(
        salt=salt,
        row=row,
        message=message,
        message_id=message_id,
        campaign=campaign,
        occurrence=occurrence,
        attempt=number,
        fingerprint=fingerprint,
        recipient=recipient,
        failover=failover,
    )
    if found != replay.commitments.get(row):
        replay.wrong(f"attempt {row} is not the one that was committed to")
    cell = _cell(campaign, occurrence, standing)
    tallies[cell] += 1
    tallies[("price", *cell)] += (standing[10] or 0) + (standing[16] or 0)


def _cell(campaign: int, occurrence: int, standing: list[Any]) -> tuple[int, ...]:
    return (campaign, occurrence, standing[1], *standing[6:9], *standing[12:15])


def _check_tallies(replay: _Replay, reader: LedgerReader, expected: Counter[Any]) -> None:
    found: dict[Any, int] = {}
    for tally in reader.tallies():
        cell = (
            tally.campaign,
            tally.occurrence,
            int(tally.state),
            tally.status_group,
            tally.status_id,
            tally.error_id,
            tally.sms_group,
            tally.sms_id,
            tally.sms_error,
        )
        found[cell] = tally.count
        if tally.price:
            found[("price", *cell)] = tally.price
    if found != {cell: count for cell, count in expected.items() if count}:
        replay.wrong("the tallies are not the sums of the attempts")


def _check_small_tables(replay: _Replay, reader: LedgerReader) -> None:
    if reader.schema_versions() != [REVISION]:
        replay.wrong("the version of the schema is not the one that the tables have")
    if reader.campaigns() != {name: number for number, name in replay.campaigns.items()}:
        replay.wrong("the campaigns are not those of the history")
    if reader.notes() != replay.notes:
        replay.wrong("the notes (lineage, keys, pauses) are not those of the history")
    runs = {
        run.id: [run.run_id, run.command, run.started_at, run.started, run.ended_at, run.ended]
        for run in reader.runs()
    }
    for number in sorted(runs.keys() | replay.runs.keys()):
        if canonical(runs.get(number)) != canonical(replay.runs.get(number)):
            replay.wrong(f"run {number} is not the one of the history")
