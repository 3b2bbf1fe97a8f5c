"""Bugs put into the product on purpose, for the tests of the rooms that the simulator does not drive.

    ZALOSYNC_MUTANT=31 python -m pytest -p tests.support.mutated tests/unit/test_caps.py

With that variable the product has the bug before the first test is collected; the tests that are named beside
it must fail. The numbers are those of the list of mutants that must die.
"""

import functools
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

VARIABLE = "ZALOSYNC_MUTANT"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, and the tests that find it.

    Attributes:
        bug: puts it in.
        killers: pytest's names of what must fail.
    """

    bug: Callable[[], None]
    killers: tuple[str, ...]


def _put(place: object, name: str, wrong: object) -> None:
    setattr(place, name, wrong)


def _claim_without_compare() -> None:
    """6: an update that changed other rows than were due goes through."""
    from zalosync.ledger import change
    from zalosync.ledger.dialect import statement

    def many(self: Any, name: str, given: Any, _due: Any = None) -> None:
        if given:
            self._cursor.executemany(statement(self._dialect, name).sql, given)

    _put(change.Change, "_many", many)


def _absence_releases() -> None:
    """9: what the logs do not have is taken for not sent."""
    from zalosync.compose.message import Status
    from zalosync.ledger.records import Kind, Move, Standing
    from zalosync.refresh import logs
    from zalosync.refresh.asking import id_texts

    def note_absent(ledger: Any, group: Any, page: Any, now: Any) -> None:
        found = {report.message_id for report in page.rows}
        absent = [record for record, text in zip(group, id_texts(group), strict=True) if text not in found]
        if absent:
            with ledger.change(Kind.EVIDENCE, now) as change:
                change.move([Move(record, Standing(Status.RELEASED)) for record in absent])

    _put(logs, "_note_absent", note_absent)


def _fence_on_the_row() -> None:
    """12: the fence holds the row's deadline against the wall's clock, which may be set."""
    from zalosync.apply import ports, run

    def fly(self: Any, flying: Any) -> None:
        clock = self._ports.clock
        ticket, self._state.tickets = self._state.tickets, self._state.tickets + 1
        self._state.flying[ticket] = flying
        self.totals.requests += 1
        owned = self._ports.ledger.owns(self._number, [record.row for record in flying.records])
        until = clock.now().timestamp() + run.INTENT_SECONDS  # as the row has it, to the second

        def fence() -> bool:
            return bool(owned and clock.now().timestamp() + ports.REQUEST_SECONDS <= until)

        self._ports.flight.post(ticket, flying.body, fence)

    _put(run.Run, "_fly", fly)


def _fence_of_anybody() -> None:
    """13: the fence does not ask whether the intents are still this run's."""
    from zalosync.apply import ports, run

    def fly(self: Any, flying: Any) -> None:
        clock = self._ports.clock
        ticket, self._state.tickets = self._state.tickets, self._state.tickets + 1
        self._state.flying[ticket] = flying
        self.totals.requests += 1
        deadline = clock.monotonic() + run.INTENT_SECONDS
        self._ports.flight.post(
            ticket, flying.body, lambda: clock.monotonic() + ports.REQUEST_SECONDS <= deadline
        )

    _put(run.Run, "_fly", fly)


def _without_sync() -> None:
    """19: a commit returns before it has reached the disk."""
    from zalosync.ledger import dialect

    honest = dialect._prepare

    def prepare(connection: Any) -> None:
        honest(connection)
        connection.execute("PRAGMA synchronous = OFF")

    _put(dialect, "_prepare", prepare)


def _missing_is_empty() -> None:
    """20: where the ledger is missing, an empty one takes its place."""
    from zalosync.ledger import home, migrate
    from zalosync.ledger.dialect import sqlite_database

    honest = home._database

    def database(place: Any, *, read_only: bool) -> Any:
        if not place.path.exists():
            place.path.touch(mode=0o600)
            made = sqlite_database(place.path)
            migrate.upgrade(made)
            made.close()
        return honest(place, read_only=read_only)

    _put(home, "_database", database)


def _serial_unchecked() -> None:
    """21: what others changed since the plan is not asked for."""
    from zalosync.ledger.read import LedgerReader

    _put(LedgerReader, "sending_events_since", lambda *_: 0)


def _anchor_unchecked() -> None:
    """22: a ledger is not held against its pin."""
    from zalosync.ledger import home

    _put(home, "check_pin", lambda *_: None)


def _forgiving(code: str) -> None:
    from zalosync.errors import PlanRefused
    from zalosync.plan import check

    honest = check.check_history

    @functools.wraps(honest)
    def check_history(sealed: Any, reader: Any) -> None:
        try:
            honest(sealed, reader)
        except PlanRefused as error:
            if error.code != code:
                raise

    _put(check, "check_history", check_history)


def _consumed_twice() -> None:
    """23: a plan that was used up is taken again."""
    _forgiving("ZS537")


def _stale_accepted() -> None:
    """24: a plan is applied whatever became of its inputs."""
    from zalosync.apply import letters

    _put(letters, "_check_same", lambda *_: None)


def _used_before_stored() -> None:
    """25: a page is kept in memory until it is used, where a crash takes it along."""
    from zalosync.refresh.inbox import Inbox

    kept: list[Any] = []
    honest_add, honest_waiting = Inbox.add, Inbox.waiting

    def add(self: Inbox, sifted: Any, at: int) -> int:
        kept.append((sifted, at))
        return len(sifted.ours)

    def waiting(self: Inbox, chunk: int) -> Any:
        while kept:
            honest_add(self, *kept.pop(0))
        return honest_waiting(self, chunk)

    _put(Inbox, "add", add)
    _put(Inbox, "waiting", waiting)


def _full_is_complete() -> None:
    """26: a page that is as full as it may be is taken for all there is."""
    from zalosync.infobip import client, evidence

    class Whole(evidence.Page):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            object.__setattr__(self, "complete", True)

    _put(client, "Page", Whole)


def _local_clock() -> None:
    """27: this machine's clock decides how old evidence is."""
    from datetime import UTC, datetime

    from zalosync.refresh import logs

    _put(logs, "age", lambda record, _date: datetime.now(UTC).timestamp() - record.created_at)


def _any_refusal() -> None:
    """28: a refusal is believed, whoever gave it."""
    from dataclasses import replace

    from zalosync.apply import classify
    from zalosync.provider import ProviderError

    honest = classify._refused

    def refused(count: int, code: int, exchange: Any) -> Any:
        return honest(count, code, replace(exchange, error=exchange.error or ProviderError("E", "")))

    _put(classify, "_refused", refused)


def _redirect_followed() -> None:
    """29: a redirect is followed."""
    _with_client(follow_redirects=True)


def _with_client(**named: Any) -> None:
    import httpx

    honest = httpx.Client
    _put(httpx, "Client", lambda **given: honest(**{**given, **named}))


def _sent_again() -> None:
    """30: a request on a connection that was dead is sent once more."""
    from zalosync.infobip import transport

    honest = transport.Http.exchange

    def exchange(self: Any, *given: Any, **named: Any) -> Any:
        with suppress(transport.Unreached):
            return honest(self, *given, **named)
        return honest(self, *given, **named)

    _put(transport.Http, "exchange", exchange)


def _cap_off_by_one() -> None:
    """31: one more than the cap is let through."""
    import polars as pl

    from zalosync.plan import caps

    class Off:
        def __getattr__(self, name: str) -> Any:
            return getattr(pl, name)

        def lit(self, value: Any, *given: Any, **named: Any) -> Any:
            more = 1 if given == (pl.Int64,) and isinstance(value, int) else 0
            return pl.lit(value + more if more else value, *given, **named)

    _put(caps, "pl", Off())


def _reported_rejection_opens() -> None:
    """35: a rejection that was reported, not answered, opens the next attempt."""
    import polars as pl

    from zalosync.plan import decide

    honest = decide.recorded_frame

    def recorded_frame(rows: Any) -> Any:
        return honest(rows).with_columns(pl.lit(value=True).alias("answered"))

    _put(decide, "recorded_frame", recorded_frame)


MUTANTS: Mapping[int, Mutant] = {
    6: Mutant(_claim_without_compare, ("tests/contract/test_ledger.py",)),
    9: Mutant(_absence_releases, ("tests/unit/test_logs.py",)),
    12: Mutant(_fence_on_the_row, ("tests/unit/test_run.py",)),
    13: Mutant(_fence_of_anybody, ("tests/unit/test_run.py::test_fence_after_a_takeover",)),
    19: Mutant(_without_sync, ("tests/unit/test_ledger_home.py::test_durable",)),
    20: Mutant(_missing_is_empty, ("tests/unit/test_ledger_home.py",)),
    21: Mutant(_serial_unchecked, ("tests/hostile/test_sealed_plan.py::test_replayed",)),
    22: Mutant(_anchor_unchecked, ("tests/unit/test_ledger_home.py",)),
    23: Mutant(_consumed_twice, ("tests/hostile/test_sealed_plan.py::test_replayed",)),
    24: Mutant(_stale_accepted, ("tests/unit/test_letters.py", "tests/unit/test_run_execute.py")),
    25: Mutant(_used_before_stored, ("tests/unit/test_reports.py",)),
    26: Mutant(_full_is_complete, ("tests/unit/test_infobip_client.py",)),
    27: Mutant(_local_clock, ("tests/unit/test_logs.py",)),
    28: Mutant(_any_refusal, ("tests/unit/test_classify.py",)),
    29: Mutant(_redirect_followed, ("tests/unit/test_infobip_transport.py",)),
    30: Mutant(_sent_again, ("tests/unit/test_infobip_transport.py",)),
    31: Mutant(_cap_off_by_one, ("tests/unit/test_caps.py",)),
    35: Mutant(_reported_rejection_opens, ("tests/unit/test_decide.py",)),
}

if os.environ.get(VARIABLE):
    MUTANTS[int(os.environ[VARIABLE])].bug()
